#!/usr/bin/env python3
"""rdb-restore --via native against real servers and against some that misbehave.

Goal: the target holds exactly what was captured, and is on its own again with
its settings as they were; whatever goes wrong, it is left empty, or, where
nothing had begun, untouched; every refusal says what to change.
"""

import contextlib
import fcntl
import os
import signal
import socket
import subprocess
import sys
import tempfile
import termios
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)),
                                ".."))

from harness import cases, certs, data, engines, programs  # noqa: E402
from harness import rdbbytes, servers  # noqa: E402
from fake import FakeServer, bulk, encode  # noqa: E402

_dumps = {}


def dump_of(name="redis-7.0", keys=500):
    """(RDB, DEBUG DIGEST) of a filled server; made once."""
    if (name, keys) not in _dumps:
        with servers.Server(name) as server:
            data.fill(server, keys)
            got = programs.run("rdb-capture", server.url()).good().out
            _dumps[name, keys] = got, server.digest()
    return _dumps[name, keys]


def restore(*words, **how):
    """Run rdb-restore: its Result, with .facts.  file=bytes: input is a
    file, whose size is known."""
    read, write = os.pipe()
    fds = [write] + how.pop("fds", [])
    content = how.pop("file", None)
    words = ["--facts-fd", write, "--via", "native", *words]
    try:
        if content is None:
            result = programs.run("rdb-restore", *words, pass_fds=fds, **how)
        else:
            result = _from_file(content, words, fds)
    finally:
        os.close(write)
    with open(read) as lines:
        result.facts = dict(line.rstrip("\n").split(" ", 1) for line in lines)
    return result


def _from_file(content, words, fds):
    with tempfile.TemporaryFile() as file:
        file.write(content)
        file.seek(0)
        done = subprocess.run(
            [programs.path("rdb-restore"), *map(str, words)], stdin=file,
            capture_output=True, pass_fds=fds, env=programs.environment(),
            timeout=120)
    return programs.Result(done.returncode, done.stdout, done.stderr)


def keys_of(server):
    return sum(int(value.split(",")[0].split("=")[1]) for name, value in
               server.info("keyspace").items() if name.startswith("db"))


def alone(server, digest=None, load=b"disabled"):
    """On its own, settings as before, holding that, or nothing."""
    cases.equal(server.info("replication")["role"], "master")
    cases.equal(server.call("CONFIG", "GET", "repl-diskless-load")[1], load)
    if digest is None:
        cases.equal(keys_of(server), 0, "keys left")
    else:
        cases.equal(server.digest(), digest, "DEBUG DIGEST")


def refused(result, code, *says):
    cases.equal(result.code, code, f"exit ({result.err})")
    for words in says:
        cases.holds(words, result.err, "stderr")
    assert b"s3cret" not in result.err
    cases.equal(result.facts.get("exit", str(code)), str(code))


@cases.each(*[(name, known, load) for name in engines.NAMES
              for known in (True, False) for load in ("diskless", "disk")])
def test_engines(name, known, load):
    """Both framings, both ways to load, into every engine."""
    dump, digest = dump_of(name)
    with servers.Server(name) as server:
        how = {"file" if known else "input": dump}
        result = restore(server.url(), "--load", load, **how).good()
        alone(server, digest)
        facts = result.facts
        cases.equal(facts["via"], "native")
        cases.equal(facts["framing"], "length" if known else "eof")
        cases.equal(facts["load"], load)
        cases.equal(facts["bytes"], str(len(dump)))
        cases.equal(facts["target-engine"], server.engine.kind)
        cases.equal(facts["target-version"],
                    ".".join(map(str, server.engine.version)))
        cases.equal(facts["keys"], str(keys_of(server)))
        cases.equal(facts["target-keys"], facts["keys"])
        cases.equal(facts["expires"], str(sum(
            e for _, e in data.counts(server).values())))
        cases.holds(f"restoring into 127.0.0.1:{server.port} ({facts['target-engine']}",
                    result.err)
        cases.holds(f"holds {facts['keys']} keys", result.err)


def test_settings_and_identity():
    dump, digest = dump_of()
    with servers.Server(config=["repl-diskless-load swapdb"]) as server:
        restore(server.url(), "--replid", "ab" * 20, "--offset", "1000",
                "--expect", len(dump), input=dump).good()
        alone(server, digest, load=b"swapdb")
        # REPLICAOF NO ONE keeps what it followed as its second id.
        info = server.info("replication")
        cases.equal(info["master_replid2"], "ab" * 20)
        cases.equal(info["second_repl_offset"], "1001")
    refused(restore("redis://h", "--replid", "xyz"), 2, "40 lower case hex")
    refused(restore("redis://h", "--prefix", "a"), 2,
            "--via native loads the input as it is")
    refused(restore("redis://h", "--on-conflict", "skip"), 2,
            "--via native needs an empty target")
    refused(restore("redis://h", "--framing", "length"), 2, "needs --expect")
    refused(restore("redis://h/2"), 2, "names database 2")


def test_unix_socket():
    dump, digest = dump_of()
    with servers.Server(unix=True, password="s3cret") as server:
        restore(server.url("unix"), input=dump).good()
        alone(server, digest)
        for address in "0.0.0.0", "127.0.0.2":
            restore(server.url("unix"), "--flush", "--listen", address,
                    input=dump).good()
            alone(server, digest)


@cases.each("redis-7.0", "redis-8.0", "valkey-9")
def test_tls(name):
    """Over TLS, with the replication link in TLS and not."""
    dump, digest = dump_of(name)
    with tempfile.TemporaryDirectory() as folder:
        ours = certs.Certs(folder + "/a")
        show = ["--tls-ca", ours.ca, "--tls-cert", ours.client_cert,
                "--tls-key", ours.client_key]
        with servers.Server(name, tls=ours) as server:
            restore(server.url("tls"), *show, input=dump).good()
            alone(server, digest)
        with servers.Server(name, ["tls-replication yes"], tls=ours) as server:
            result = restore(server.url("tls"), *show, input=dump).good()
            alone(server, digest)
            server.call("FLUSHALL")
            server.call("FUNCTION", "FLUSH")
            refused(restore(server.url(), input=dump), 4,
                    "tls-replication yes", "--tls-cert and --tls-key")
            loud = restore(server.url("tls"), *show, "--tls-insecure",
                           input=dump).good()
            cases.holds("warning: --tls-insecure", loud.err)
            alone(server, digest)


RULES = ("+ping +info +replicaof +config|get +config|set +flushall "
         "+function|flush")


def test_restricted_user():
    dump, digest = dump_of()
    with servers.Server() as server:
        server.call("ACL", "SETUSER", "clone", "on", ">pw", "-@all",
                    *RULES.split())
        url = server.url(user="clone", password="pw")
        restore(url, input=dump).good()
        alone(server, digest)
        restore(url, "--flush", input=dump).good()
        alone(server, digest)
        server.call("ACL", "SETUSER", "clone", "-flushall")
        refused(restore(url, "--flush", input=dump), 4,
                'user "clone" lacks +flushall: ACL SETUSER clone ' + RULES)
        alone(server, digest)
        server.call("FLUSHALL")
        server.call("FUNCTION", "FLUSH")
        for rule in "replicaof", "info":
            server.call("ACL", "SETUSER", "clone", "-" + rule)
            result = restore(url, input=dump)
            refused(result, 4, f"lacks +{rule}")
            cases.equal(result.err.count(b"\n"), 1, "lines")
            alone(server)
            server.call("ACL", "SETUSER", "clone", "+" + rule)
        # Settings are a matter of speed only.
        server.call("ACL", "SETUSER", "clone", "-config|set")
        slow = restore(url, input=dump).good()
        cases.equal(slow.facts["load"], "disk")
        alone(server, digest)
        server.call("FLUSHALL")
        server.call("FUNCTION", "FLUSH")
        refused(restore(url, "--load", "diskless", input=dump), 4,
                "repl-diskless-load cannot be set")
        alone(server)
        server.call("ACL", "SETUSER", "clone", "-config|get")
        restore(url, input=dump).good()
        alone(server, digest)


def test_target_with_replicas():
    dump, digest = dump_of()
    with servers.Server() as server, servers.Server(
            config=[f"replicaof 127.0.0.1 {server.port}"]) as second:
        while second.info()["master_link_status"] != "up":
            time.sleep(0.05)
        result = restore(server.url(), input=dump).good()
        cases.holds("warning: 127.0.0.1", result.err)
        cases.holds("has 1 replicas, which will hold the same data",
                    result.err)
        alone(server, digest)
        end = time.monotonic() + 20
        while second.digest() != digest:
            assert time.monotonic() < end, "the replica differs"
            time.sleep(0.1)


@cases.each(*engines.NAMES)
def test_target_with_aof(name):
    dump, digest = dump_of(name)
    with servers.Server(name, ["appendonly yes"]) as server:
        restore(server.url(), input=dump).good()
        alone(server, digest)
        end = time.monotonic() + 20
        while server.info()["aof_rewrite_in_progress"] != "0":
            assert time.monotonic() < end
            time.sleep(0.05)
        server.call("DEBUG", "LOADAOF")
        alone(server, digest)


@cases.each(("redis-8.0", "repl-rdb-channel yes"),
            ("valkey-8.1", "dual-channel-replication-enabled yes"),
            ("valkey-9", "dual-channel-replication-enabled yes"),
            ("redis-7.0", "repl-diskless-load swapdb"))
def test_other_ways_to_follow(name, config):
    """A target that offers a channel of its own for the RDB is content with
    one; into one that swaps databases, too."""
    dump, digest = dump_of(name)
    with servers.Server(name, [config]) as server:
        restore(server.url(), input=dump).good()
        cases.equal(server.digest(), digest)


def test_primary_with_password():
    """A target that logs in to its primary: any password is right with us."""
    dump, digest = dump_of()
    with servers.Server(config=["masterauth s3cret",
                                "masteruser someone"]) as server:
        restore(server.url(), input=dump).good()
        alone(server, digest)


def test_not_empty():
    dump, digest = dump_of()
    with servers.Server() as server:
        server.call("SET", "mine", "1")
        before = server.digest()
        refused(restore(server.url(), input=dump), 4,
                "holds 1 keys: nothing was touched (--flush")
        alone(server, before)
        restore(server.url(), "--flush", input=dump).good()
        alone(server, digest)
        server.call("FLUSHALL")
        refused(restore(server.url(), input=dump), 4,
                "function libraries: nothing was touched")


def test_unfit_targets():
    dump, _ = dump_of()
    port = servers.free_port()
    with servers.Server(config=["cluster-enabled yes", "cluster-port "
                                f"{servers.free_port()}"]) as server:
        refused(restore(server.url(), input=dump), 4, "cluster mode")
    with servers.Server(config=[f"replicaof 127.0.0.1 {port}"]) as server:
        refused(restore(server.url(), input=dump), 4,
                "is a replica of 127.0.0.1", "REPLICAOF NO ONE")
        cases.equal(server.info()["role"], "slave")
    refused(restore(f"redis://127.0.0.1:{port}", input=dump), 4,
            "connection refused")


def test_too_few_databases():
    """A server would exit; it is not sent what it cannot have, neither early
    in the stream nor late."""
    for first in 0, 20000:
        with servers.Server() as source:
            source.call("DEBUG", "POPULATE", first)
            with source.client() as client:
                client.call("SELECT", 5)
                client.call("SET", "k", "v")
            dump = programs.run("rdb-capture", source.url()).good().out
        for load in "disk", "diskless":
            with servers.Server(config=["databases 5"]) as server:
                refused(restore(server.url(), "--load", load, input=dump), 4,
                        'has 5 databases (its setting "databases"), the '
                        "input has database 5")
                alone(server)
    with servers.Server(config=["databases 6"]) as server:
        restore(server.url(), input=dump).good()


@cases.each(0, 20000)
def test_module_data(first):
    """A server ends when it is sent data of a module that it lacks."""
    file = rdbbytes.File(10).select(0)
    for n in range(first):
        file.key(0, b"key:%d" % n, rdbbytes.string(b"v" * 40))
    aux = b"\x81" + bytes(range(8)) + b"\2\2\0"    # id, when: after, end
    dump = file.raw(b"\xf7" + aux).end().bytes()
    with servers.Server() as server:
        refused(restore(server.url(), input=dump), 4, "has no modules, the "
                "input has data that a module keeps outside of keys")
        alone(server)


@cases.each(("redis-8.0", "redis-7.0", "loads RDB up to version 10"),
            ("valkey-9", "redis-8.0", "cannot load RDB 80 of Valkey"),
            ("redis-8.0", "valkey-9", "refuses RDB 12 of Redis"),
            ("redis-8.0", "valkey-8.1", "refuses RDB 12 of Redis"))
def test_wrong_dialect(source, target, says):
    dump, _ = dump_of(source)
    with servers.Server(target) as server:
        server.call("SET", "mine", "1")
        before = server.digest()
        refused(restore(server.url(), "--flush", input=dump), 4, says)
        alone(server, before)


def test_relaxed_valkey():
    with servers.Server("redis-8.0") as source:
        data.bulk(source, 200)
        dump = programs.run("rdb-capture", source.url()).good().out
        digest = source.digest()
    with servers.Server("valkey-9", ["rdb-version-check relaxed"]) as server:
        restore(server.url(), input=dump).good()
        alone(server, digest)


def test_bad_input():
    """Never a part of the data, never a target that was not left alone."""
    dump, _ = dump_of(keys=3000)
    flipped = bytearray(dump)
    flipped[-3] ^= 1
    with servers.Server() as server:
        for name, how, says in (
                ("empty", {"input": b""}, ""),
                ("a byte", {"input": b"R"}, ""),
                ("no header", {"input": b"hello, this is no dump"},
                 "offset 0"),
                ("cut", {"input": dump[:len(dump) // 2]}, "offset "),
                ("cut file", {"file": dump[:len(dump) // 2]}, "offset "),
                ("one byte short", {"input": dump[:-1]}, "offset "),
                ("wrong crc", {"input": bytes(flipped)}, "RDB checksum is"),
                ("wrong crc file", {"file": bytes(flipped)},
                 "RDB checksum is"),
                ("junk", {"input": dump + b"junk"},
                 "bytes behind the end of the RDB"),
                ("half a mark", {"input": dump + b"a" * 20},
                 "20 bytes behind the end of the RDB"),
                ("two marks", {"input": dump + b"a" * 80},
                 "bytes behind the end of the RDB")):
            result = restore(server.url(), **how)
            refused(result, 1, says)
            alone(server)
        for size in 5, len(dump) - 1, len(dump) + 1:
            refused(restore(server.url(), "--expect", size, input=dump), 1,
                    f"the input was to be {size} bytes")
            alone(server)
        before = int(server.info()["total_connections_received"])
        restore(server.url(), input=b"no dump")
        # One is our own question.
        cases.equal(int(server.info()["total_connections_received"]),
                    before + 1, "connections")


def test_same_port_again():
    """A restore that failed does not keep the port from the next."""
    dump, digest = dump_of()
    with servers.Server() as server:
        listen = "--listen", f"127.0.0.1:{servers.free_port()}"
        refused(restore(server.url(), *listen, input=dump[:-9]), 1,
                "cut short before the end mark")
        restore(server.url(), *listen, input=dump).good()
        alone(server, digest)


def test_header_in_pieces():
    """Half a version is no version: 009 may become 0099."""
    with servers.Server() as server:
        server.call("SET", "precious", 1)
        for start, rest, says in (
                (b"REDIS009", b"9" + bytes(20), "RDB version 99 is newer"),
                (b"VALKEY08", b"0" + b"\xff" + bytes(8),
                 "cannot load RDB 80 of Valkey")):
            child = subprocess.Popen(
                [programs.path("rdb-restore"), "--via", "native",
                 server.url(), "--flush"],
                stdin=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0,
                env=programs.environment(),
                preexec_fn=programs.die_with_parent)
            child.stdin.write(start)
            wait_until_taken(child)
            cases.equal(keys_of(server), 1, "touched before the header")
            _, err = child.communicate(rest, timeout=60)
            cases.holds(says, err.decode())
            cases.equal(keys_of(server), 1, "keys left")


def wait_until_taken(child):
    """Until it has read all that was written, and wants more."""
    end, words = time.monotonic() + 20, []
    while words[:2] != [b"0", b"0x0"]:      # read(0, ...
        assert time.monotonic() < end, f"does not read on: {words}"
        time.sleep(0.01)
        left = fcntl.ioctl(child.stdin, termios.FIONREAD, bytes(4))
        with open(f"/proc/{child.pid}/syscall", "rb") as now:
            words = now.read().split() if left == bytes(4) else []


def test_trailing_mark():
    """A mark left behind the RDB is no data and is not sent."""
    dump, digest = dump_of()
    for how in "input", "file":
        with servers.Server() as server:
            result = restore(server.url(), **{how: dump + b"ab" * 20}).good()
            cases.equal(result.facts["framing"], "eof")
            alone(server, digest)


def test_no_checksum():
    with servers.Server(config=["rdbchecksum no"]) as source:
        source.call("SET", "a", "b")
        dump = programs.run("rdb-capture", source.url()).good().out
        digest = source.digest()
    cases.equal(dump[-8:], b"\0" * 8)
    with servers.Server() as server:
        result = restore(server.url(), input=dump).good()
        cases.holds("the input has no checksum", result.err)
        alone(server, digest)


def test_expired_keys():
    """A replica loads what has expired; promoted, it forgets it."""
    with servers.Server() as source:
        source.call("DEBUG", "SET-ACTIVE-EXPIRE", "0")
        source.call("SET", "short", "1", "PX", "1")
        source.call("SET", "long", "1", "EX", "1000")
        time.sleep(0.05)
        dump = programs.run("rdb-capture", source.url()).good().out
    with servers.Server() as server:
        result = restore(server.url(), input=dump).good()
        cases.equal(result.facts["target-keys"], "2")
        cases.equal(server.call("EXISTS", "short", "long"), 1)


def test_go_ahead():
    """The last bytes wait for the driver's word."""
    dump, digest = dump_of()
    with servers.Server() as server:
        for word in b"go", b"":
            read, write = os.pipe()
            os.write(write, word)
            os.close(write)
            result = restore(server.url(), "--flush", "--go-fd", read,
                             input=dump, fds=[read])
            os.close(read)
            if word:
                result.good()
                alone(server, digest)
            else:
                refused(result, 1, "no go-ahead")
                alone(server)


def start(server, *words):
    """rdb-restore, waiting for input behind its first half of a dump.  (The
    server answers nobody while it waits for bytes to load.)"""
    dump, _ = dump_of(keys=3000)
    child = subprocess.Popen(
        [programs.path("rdb-restore"), "--via", "native", server.url(),
         *words],
        stdin=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0,
        env=programs.environment(), preexec_fn=programs.die_with_parent)
    at, half = 0, len(dump) // 2
    while at < half:
        at += child.stdin.write(dump[at:half])
    cases.holds("restoring into", child.stderr.readline())
    return child


@cases.each((signal.SIGTERM, 143), (signal.SIGINT, 130),
            (signal.SIGHUP, 129))
def test_signal(number, code):
    with servers.Server() as server, start(server) as child:
        child.send_signal(number)
        began = time.monotonic()
        _, err = child.communicate(timeout=30)
        cases.equal(child.returncode, code, str(err))
        assert time.monotonic() - began < 5
        alone(server)


def test_target_dies():
    with servers.Server() as server:
        child = start(server)
        server.process.kill()
        server.process.wait()
        dump, _ = dump_of(keys=3000)
        # A write finds out what the one before it did.
        at = len(dump) // 2
        with contextlib.suppress(BrokenPipeError):
            for _ in range(3):
                child.stdin.write(dump[at:at + 1000])
                at += 1000
                time.sleep(0.2)
        _, err = child.communicate(timeout=60)
        cases.equal(child.returncode, 4, str(err))
        cases.holds("bytes (its log may say why)", err)
        cases.holds("it needs REPLICAOF NO ONE, and FLUSHALL", err)


def test_target_cannot_reach_us():
    dump, _ = dump_of()
    port = servers.free_port()
    with servers.Server() as server:
        refused(restore(server.url(), "--announce", f"127.0.0.1:{port}",
                        "--timeout", "1s", input=dump), 4,
                f"did not come to us at 127.0.0.1, port {port}, within 1 s "
                "(role slave, link down): see --listen and --announce")
        alone(server)
        refused(restore(server.url(), "--listen", "[::", input=dump), 2,
                "--listen wants ADDR[:PORT]")
        refused(restore(server.url(), "--announce", "a:b:c", input=dump), 2,
                "--announce wants HOST[:PORT]")
        refused(restore(server.url(), "--listen", "192.0.2.1", input=dump), 3,
                "cannot listen on 192.0.2.1")
        refused(restore(server.url(), "--listen", "no-host.invalid",
                        input=dump), 2, "cannot listen on no-host.invalid")
        alone(server)
        restore(server.url(), "--listen", f"0.0.0.0:{port}", "--announce",
                f"{servers.LOCALHOST}:{port}", input=dump).good()


# --- targets that misbehave ---

class FakeTarget(FakeServer):
    """Follows whoever it is told to: follow(socket, self) plays the replica.

    INFO says what .info holds; commands not named here get +OK.  It is a
    replica once told to be one, and, if .obeys, none once told so.
    """
    obeys = True

    def __init__(self, follow, **answers):
        self.follow, self.answers, self.commands = follow, answers, []
        self.info = {"redis_version": "7.0.15", "role": "master"}
        super().__init__(self._serve)

    def _serve(self, connection):
        while (words := connection.command()) is not None:
            self.commands.append(" ".join(words))
            name = words[0].lower()
            if name in self.answers:
                connection.say(self.answers[name])
            elif name == "ping":
                connection.say(b"+PONG\r\n")
            elif name == "info":
                connection.say(bulk("".join(
                    f"{k}:{v}\r\n" for k, v in self.info.items()).encode()))
            elif name == "config":
                connection.say(b"*0\r\n")
            else:
                connection.say(b"+OK\r\n")
            if name not in ("replicaof", "slaveof") or \
                    self.answers.get(name, b"+")[:1] != b"+":
                continue
            if words[1] == "NO" and self.obeys:
                self.info["role"] = "master"
            elif words[1] != "NO":
                self.info.update(role="slave", master_host=words[1],
                                 master_port=words[2])
                threading.Thread(target=self._follow, args=words[1:],
                                 daemon=True).start()

    def _follow(self, host, port):
        with contextlib.suppress(OSError):
            self.follow(host, int(port), self)


def replica(host, port, target, source="127.0.0.1", ack=True):
    """A replica's handshake and its load; the RDB into target.got."""
    link = socket.create_connection((host, port), source_address=(source, 0))
    stream = link.makefile("rb")
    for words in ("PING",), ("AUTH", "a", "b"), ("REPLCONF", "capa", "eof"), \
            ("PSYNC", "?", "-1"):
        link.sendall(b"\n" + encode(*words))
        target.heard = stream.readline()
    header = stream.readline()
    assert header.startswith(b"$EOF:"), header
    got = b""
    while not got.endswith(header[5:-2]):
        got += stream.read(1)
    target.got = got[:-40]
    if ack:
        link.sendall(b"\n" + encode("REPLCONF", "ACK", "0"))
    stream.read()


def small_dump():
    with servers.Server() as server:
        server.pipelined = server.client().pipeline(
            [("SET", f"k{i}", i) for i in range(10)])
        return programs.run("rdb-capture", server.url()).good().out


def test_strangers_get_nothing():
    """Who connects first, but not from the target's address, is shut out."""
    def follow(host, port, target):
        stranger = socket.create_connection((host, port),
                                            source_address=("127.0.0.2", 0))
        with stranger:
            stranger.sendall(encode("PSYNC", "?", "-1"))
            try:
                target.stranger_got = stranger.recv(100)
            except ConnectionResetError:
                target.stranger_got = b""
        target.info["db0"] = "keys=10,expires=0"
        replica(host, port, target)
    dump = small_dump()
    with FakeTarget(follow) as target:
        restore(target.url, "--replid", "cd" * 20, "--offset", "7",
                input=dump).good()
        cases.equal(target.stranger_got, b"")
        cases.equal(target.got, dump)
        cases.equal(target.heard, b"+FULLRESYNC %b 7\r\n" % (b"cd" * 20))
        assert "REPLICAOF NO ONE" in target.commands


def test_target_from_elsewhere():
    def follow(host, port, target):
        replica(host, port, target, source="127.0.0.3")
    with FakeTarget(follow) as target:
        refused(restore(target.url, "--timeout", "1s", input=small_dump()), 4,
                "did not come to us from 127.0.0.1, but 127.0.0.3 did and was "
                "turned away: if that is the target, give --announce")
        assert "REPLICAOF NO ONE" in target.commands


def test_missing_keys():
    def follow(host, port, target):
        target.info["db0"] = "keys=9,expires=0"
        replica(host, port, target)
    with FakeTarget(follow) as target:
        refused(restore(target.url, input=small_dump()), 1,
                "holds 9 keys, but 10 were sent and at most 0 can have "
                "expired")
        cases.equal(target.commands[-1], "FLUSHALL")

    def more(host, port, target):
        target.info["db0"] = "keys=11,expires=0"
        replica(host, port, target)
    with FakeTarget(more) as target:
        refused(restore(target.url, input=small_dump()), 1,
                "database 0 holds 11 keys, but 10 were sent")


def test_keys_that_expired():
    """A target that drops what has expired is not short of keys."""
    with servers.Server() as source:
        source.call("DEBUG", "SET-ACTIVE-EXPIRE", "0")
        source.call("SET", "short", "1", "PX", "1")
        source.call("SET", "long", "1", "EX", "10000")
        dump = programs.run("rdb-capture", source.url()).good().out

    def follow(host, port, target):
        replica(host, port, target)
    with FakeTarget(follow) as target:
        target.info["db0"] = ""
        result = restore(target.url, input=dump)
        refused(result, 1, "holds 0 keys, but 2 were sent and at most 1 can")

    def one_less(host, port, target):
        target.info["db0"] = "keys=1,expires=1"
        replica(host, port, target)
    with FakeTarget(one_less) as target:
        result = restore(target.url, input=dump).good()
        cases.holds("1 keys expired meanwhile", result.err)
        cases.equal(result.facts["target-keys"], "1")


def test_old_target():
    """Before Redis 5 it is SLAVEOF."""
    def follow(host, port, target):
        target.info["db0"] = "keys=10,expires=0"
        replica(host, port, target)
    with FakeTarget(follow, replicaof=b"-ERR unknown command 'REPLICAOF'\r\n",
                    ) as target:
        target.info["redis_version"] = "7.0.0"
        restore(target.url, input=small_dump()).good()
        assert "SLAVEOF NO ONE" in target.commands


def test_target_that_will_evict():
    with servers.Server() as server:
        data.big_string(server, "big", 3 << 20)
        dump = programs.run("rdb-capture", server.url()).good().out
    with servers.Server(config=["maxmemory 2mb",
                                "maxmemory-policy allkeys-lru"]) as target:
        result = restore(target.url(), input=dump).good()
        cases.holds("its maxmemory is 2097152 (allkeys-lru): it will evict",
                    result.err)


def test_target_that_never_asks():
    def follow(host, port, target):
        with socket.create_connection((host, port)) as link:
            for _ in range(70):
                link.sendall(encode("PING"))
            time.sleep(0.5)
    with FakeTarget(follow) as target:
        refused(restore(target.url, input=small_dump()), 4,
                "the target does not ask for a synchronisation")

    def gone(host, port, target):
        socket.create_connection((host, port)).close()
    with FakeTarget(gone) as target:
        refused(restore(target.url, input=small_dump()), 4,
                "in the target's handshake", "closed the connection")


def test_target_that_never_loads():
    with FakeTarget(lambda h, p, t: replica(h, p, t, ack=False)) as target:
        refused(restore(target.url, "--timeout", "1500ms",
                        input=small_dump()), 4,
                "neither loads nor acknowledges (role slave, link )")


def test_target_that_gives_up():
    def follow(host, port, target):
        link = socket.create_connection((host, port))
        for words in ("PING",), ("PSYNC", "?", "-1"):
            link.sendall(encode(*words))
            link.recv(1000)
        # The rest may have come with the answer to PSYNC already.
        link.settimeout(0.3)
        with contextlib.suppress(TimeoutError):
            while link.recv(1000):
                pass
        link.close()
    with FakeTarget(follow) as target:
        refused(restore(target.url, input=small_dump()), 4,
                "while the target was loading (its log says why)")
        assert "REPLICAOF NO ONE" in target.commands


def test_taken_from_us():
    """Somebody gives the target other orders, and it other data, before the
    restore fails: nothing of that is removed."""
    dump, _ = dump_of()
    with servers.Server() as server:
        child = subprocess.Popen(
            [programs.path("rdb-restore"), "--via", "native", "--load", "disk",
             server.url()],
            stdin=subprocess.PIPE, stderr=subprocess.PIPE,
            preexec_fn=programs.die_with_parent)
        child.stdin.write(dump[:1000])
        child.stdin.flush()
        cases.holds("through its disk", child.stderr.readline())
        server.call("REPLICAOF", "NO", "ONE")
        server.call("SET", "theirs", "1")
        _, err = child.communicate(timeout=60)
        cases.equal(child.returncode, 1, str(err))
        cases.holds("is not our replica any more, so it is left as it is", err)
        cases.equal(server.call("GET", "theirs"), b"1")


def test_promoted_by_nobody():
    """Sentinel may make it a replica of somebody else at once."""
    def follow(host, port, target):
        target.info["db0"] = "keys=10,expires=0"
        target.obeys = False
        replica(host, port, target)
    with FakeTarget(follow) as target:
        refused(restore(target.url, input=small_dump()), 4,
                "is a replica again: somebody else (Sentinel?)")


def test_loading_target():
    with FakeTarget(None) as target:
        target.info["loading"] = "1"
        refused(restore(target.url, "--timeout", "500ms",
                        input=small_dump()), 4,
                "still loading its own data after 0 s (--timeout)")
        assert not any(c.startswith("REPLICAOF") for c in target.commands)


if __name__ == "__main__":
    cases.main()
