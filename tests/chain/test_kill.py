#!/usr/bin/env python3
"""Goal of this test: whichever program of the capture chain is killed, and
wherever in the stream, a plain sh without pipefail notices, and the store
shows nothing.

How a point is hit: the stream comes through a gate that stops after so many
bytes.  When every program has moved all it could, the victim is killed, and
the gate is opened.  The data does not compress, so what is in the chain is
what the pipes and one chunk per program hold.

RDBPIPE_SOAK=1: 30 points for each program instead of 5.
"""

import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))

from harness import cases, data, programs, rdbbytes, servers  # noqa: E402
from harness.cases import each, equal  # noqa: E402

SCRATCH = tempfile.mkdtemp(prefix="kill-")
programs.at_exit_remove(SCRATCH)

POINTS = 30 if programs.SOAK else 5
TAIL = ("rdb-verify", "rdb-checksum", "rdb-compress", "cos-put")
MIB = 1 << 20


def dump(size):
    """An RDB of about this many bytes that nothing compresses."""
    rng = random.Random(2)
    f = rdbbytes.File(version=10).aux("redis-ver", "7.0.15").select(0)
    left = size
    while left > 0:
        n = min(left, rng.choice((10, 1000, 70000, 500000)))
        f.key(rdbbytes.STRING, f"key:{left}",
              rdbbytes.string(rng.randbytes(n)))
        left -= n
    return f.end().bytes()


_dump = []


def the_dump():
    if not _dump:
        _dump.append(dump(24 * MIB if programs.SOAK else 12 * MIB))
    return _dump[0]


def points(size):
    """Places in the stream, both ends among them."""
    rng = random.Random(3)
    return sorted([1, size - 1] + [rng.randrange(size)
                                   for _ in range(POINTS - 2)])


def tree(folder):
    return sorted(os.path.relpath(os.path.join(at, name), folder)
                  for at, dirs, files in os.walk(folder)
                  for name in dirs + files)


# --- a chain in sh ---

class Chain:
    """A pipeline run by sh: its programs by name, and how it ended."""

    def __init__(self, first, store, stdin=None):
        line = (f"{first} | rdb-verify | rdb-checksum --output {store}.sums |"
                f" rdb-compress -l 1 | cos-put {store}/new/dump.rdb.zst")
        self.names = (first.split()[0],) + TAIL
        for name in TAIL:
            programs.path(name)         # fails when it was not built
        self.shell = subprocess.Popen(
            ["/bin/sh", "-c", line], stdin=stdin, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, env=programs.environment(),
            start_new_session=True, preexec_fn=programs.die_with_parent)
        try:
            self.pids = self._find()
        except BaseException:
            self.abandon()
            raise

    def _find(self):
        """Wait until sh has become all its programs."""
        for _ in range(1000):
            found = {}
            for pid in children(self.shell.pid):
                found[comm(pid)] = pid
            if set(self.names) <= set(found):
                return found
            if self.shell.poll() is not None:
                break
            time.sleep(0.005)
        self.abandon()
        raise AssertionError(f"only {found}: {self.shell.stderr.read()}")

    def settle(self):
        """Wait until nobody has moved a byte for a while."""
        before, still, deadline = None, 0, time.monotonic() + 60
        while still < 4 and time.monotonic() < deadline:
            now = [moved(pid) for pid in self.pids.values()]
            still = still + 1 if now == before else 0
            before = now
            time.sleep(0.01)
        equal(still, 4, "quiet polls")

    def kill(self, name):
        os.kill(self.pids[name], signal.SIGKILL)

    def end(self):
        """The status sh gives, which is that of the last program."""
        try:
            self.err = self.shell.communicate(timeout=60)[1].decode()
        except subprocess.TimeoutExpired:
            self.abandon()
            raise
        return self.shell.returncode

    def abandon(self):
        """Kill what is left: all of it is in a session of its own."""
        try:
            os.killpg(self.shell.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.shell.wait()


def children(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as f:
            return [int(word) for word in f.read().split()]
    except OSError:
        return []


def comm(pid):
    try:
        with open(f"/proc/{pid}/comm") as f:
            return f.read().strip()
    except OSError:
        return None


def moved(pid):
    """Bytes a program has read and written so far; None when it is gone."""
    try:
        with open(f"/proc/{pid}/io") as f:
            return [next(f), next(f)]
    except (OSError, StopIteration):
        return None


def feed(pipe, data):
    """Write until done, or nobody reads any more."""
    try:
        for at in range(0, len(data), MIB):
            pipe.write(data[at:at + MIB])
        pipe.flush()
    except BrokenPipeError:
        pass


def close(pipe):
    try:
        pipe.close()
    except BrokenPipeError:
        pass


def assert_nothing(chain, store, what):
    """The last program failed, or was killed, and the store is as it was."""
    code = chain.end()
    equal(code != 0, True, f"{what}: sh ended {code}; {chain.err}")
    equal(tree(store), [], f"{what}: in the store; {chain.err}")


def assert_good(chain, store, stream):
    equal(chain.end(), 0, f"status; {chain.err}")
    equal(tree(store), ["new", "new/dump.rdb.zst"])
    back = subprocess.run(["zstd", "-q", "-d", "-c",
                           f"{store}/new/dump.rdb.zst"],
                          stdout=subprocess.PIPE, check=True).stdout
    if stream is not None:
        equal(back == stream, True, "the stored bytes are the stream")
    return back


def folder():
    return tempfile.mkdtemp(dir=SCRATCH)


# --- with a file in the place of a server ---

def run_cut(victim, point):
    """Let point bytes in, kill, let the rest in."""
    stream, store = the_dump(), folder()
    chain = Chain("cat", store, stdin=subprocess.PIPE)
    feed(chain.shell.stdin, stream[:point])
    chain.settle()
    chain.kill(victim)
    feed(chain.shell.stdin, stream[point:])
    close(chain.shell.stdin)
    chain.shell.stdin = None
    assert_nothing(chain, store, f"{victim} killed at {point}")
    if victim in ("cat", "rdb-verify", "rdb-checksum"):
        equal(os.path.exists(f"{store}.sums"), False, "a file of sums")


@each("cat", *TAIL)
def test_kill(victim):
    for point in points(len(the_dump())):
        run_cut(victim, point)


@each("cat", *TAIL)
def test_kill_at_the_end(victim):
    """Everything is in the chain and its first program sees the end while the
    victim is stopped: then the victim is killed.  What stands behind it may
    have had the whole stream by then, and may say so; nothing in between."""
    stream, store = the_dump(), folder()
    chain = Chain("cat", store, stdin=subprocess.PIPE)
    feed(chain.shell.stdin, stream)
    chain.settle()
    os.kill(chain.pids[victim], signal.SIGSTOP)
    close(chain.shell.stdin)
    chain.shell.stdin = None
    chain.settle()
    chain.kill(victim)
    if victim in ("rdb-compress", "cos-put"):
        assert_nothing(chain, store, f"{victim} killed at the end")
    elif chain.end() == 0:
        assert_good(chain, store, stream)
    else:
        equal(tree(store), [], "in the store")


def test_not_killed():
    """The chain these tests kill does work."""
    stream, store = the_dump(), folder()
    chain = Chain("cat", store, stdin=subprocess.PIPE)
    feed(chain.shell.stdin, stream)
    close(chain.shell.stdin)
    chain.shell.stdin = None
    assert_good(chain, store, stream)
    equal(os.path.exists(f"{store}.sums"), True, "a file of sums")


# --- one program alone ---

@each("rdb-verify", "rdb-checksum", "rdb-compress", "rdb-decompress",
      "cos-put")
def test_alone(name):
    """Fed a stream that stops, each fails by itself, and what it made cannot
    pass for whole."""
    stream = dump(200000)
    if name == "rdb-decompress":
        stream = subprocess.run(["zstd", "-q", "-c"], input=stream,
                                stdout=subprocess.PIPE, check=True).stdout
    for point in [0] + points(len(stream)):
        store = folder()
        words = [f"{store}/k"] if name == "cos-put" else []
        result = programs.run(name, *words, input=stream[:point])
        equal((point, result.code), (point, 1), f"status; {result.err}")
        equal(tree(store), [], "in the store")
        if name == "rdb-compress":
            test = subprocess.run(["zstd", "-q", "-t"], input=result.out,
                                  stderr=subprocess.DEVNULL)
            equal(test.returncode != 0, True, "zstd takes it for whole")


# --- with a server ---

class Gate:
    """Stands between rdb-capture and a server and lets so many bytes of the
    server's through, then waits to be opened or cut."""

    def __init__(self, port, limit):
        self.target, self.limit, self.passed = port, limit, 0
        self.open, self.held = threading.Event(), threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.sockets = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        try:
            client, _ = self.listener.accept()
            server = socket.create_connection(("127.0.0.1", self.target))
        except OSError:
            return
        self.sockets = [client, server]
        threading.Thread(target=self._forward, args=(client, server),
                         daemon=True).start()
        self._limited(server, client)

    def _forward(self, a, b):
        try:
            while chunk := a.recv(65536):
                b.sendall(chunk)
        except OSError:
            pass
        self._cut()

    def _limited(self, server, client):
        try:
            while True:
                left = self.limit - self.passed
                if left <= 0 and not self.open.is_set():
                    self.held.set()
                    self.open.wait()
                    continue
                chunk = server.recv(65536 if self.open.is_set()
                                    else min(left, 65536))
                if not chunk:
                    break
                client.sendall(chunk)
                self.passed += len(chunk)
        except OSError:
            pass
        self._cut()

    def _cut(self):
        for s in self.sockets:
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self):
        self.open.set()
        self._cut()
        self.listener.close()
        for s in self.sockets:
            s.close()


_server = []


def the_server():
    """One server with some data, for all cases."""
    if not _server:
        server = servers.Server("redis-7.0", config=[
            "repl-diskless-sync yes", "repl-diskless-sync-delay 0",
            "repl-timeout 60"])
        _server.append(server)
        data.fill(server, keys=1000)
        for n in range(20):
            data.big_string(server, f"big:{n}", MIB // 2, seed=n)
    return _server[0]


def server_size():
    """Bytes of the stream a capture of it gets, nearly."""
    store = folder()
    chain = Chain(f"rdb-capture {the_server().url()}", store)
    return len(assert_good(chain, store, None))


def gated(victim, point, cut=False):
    store = folder()
    gate = Gate(the_server().port, point)
    try:
        chain = Chain(f"rdb-capture redis://127.0.0.1:{gate.port}", store)
        equal(gate.held.wait(60), True, "the gate was reached")
        chain.settle()
        if cut:
            gate._cut()
        else:
            chain.kill(victim)
        gate.open.set()
        what = f"{victim} at {point}"
        assert_nothing(chain, store, what)
    finally:
        gate.close()


@each("rdb-capture", *TAIL)
def test_kill_with_server(victim):
    size = server_size()
    for point in points(size)[:: 1 if programs.SOAK else 2]:
        # Below some hundred bytes it is still the handshake.
        gated(victim, max(point, 1))


def test_server_goes_away():
    """Not killed: the server is gone in the middle, and capture says so."""
    size = server_size()
    for point in points(size)[1:-1]:
        gated("the server", point, cut=True)


if __name__ == "__main__":
    cases.main()
