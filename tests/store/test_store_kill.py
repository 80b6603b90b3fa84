#!/usr/bin/env python3
"""Goal of this test: whichever program of the chain into an object store is
killed, and wherever in the stream, there is no object; and no open upload,
unless it was cos-put itself that got no time: then `cos-ls --uploads` finds
what is left.

RDBPIPE_SOAK=1: 30 points for each program instead of 5.
"""

import os
import random
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))

from stored import MIB  # noqa: E402
from harness import cases, data, programs, servers, stores  # noqa: E402
from harness.cases import each, equal, holds  # noqa: E402

POINTS = 30 if programs.SOAK else 5
NAMES = ("rdb-capture", "rdb-verify", "rdb-compress", "cos-put")
_made = {}


def the_server():
    """Some MiB that do not compress, sent slowly enough to be hit."""
    if "server" not in _made:
        server = _made["server"] = servers.Server("redis-7.0")
        data.fill(server, keys=1000)
        for n in range(24):
            data.big_string(server, f"big:{n}", MIB // 2, seed=n)
    return _made["server"]


def the_store():
    if "store" not in _made:
        _made["store"] = stores.Double()
    return _made["store"]


class Chain:
    """The pipeline, each program a child of ours."""

    def __init__(self, key):
        store = the_store()
        env = programs.environment(**store.env())
        self.children, upstream = {}, subprocess.DEVNULL
        for words in (["rdb-capture", the_server().url()], ["rdb-verify"],
                      ["rdb-compress", "-l", "1"],
                      ["cos-put", store.url(key), "--part-size", "1M"]):
            last = words[0] == "cos-put"
            child = subprocess.Popen(
                [programs.path(words[0]), *words[1:]], stdin=upstream,
                stdout=subprocess.DEVNULL if last else subprocess.PIPE,
                stderr=subprocess.PIPE, env=env,
                preexec_fn=programs.die_with_parent)
            if upstream is not subprocess.DEVNULL:
                upstream.close()
            upstream = child.stdout
            self.children[words[0]] = child

    def kill_at(self, name, point, number):
        """When cos-put has read so many bytes."""
        child = self.children["cos-put"]
        while child.poll() is None and _read(child.pid) < point:
            time.sleep(0.0005)
        self.children[name].send_signal(number)

    def end(self):
        """Exit statuses by name."""
        codes = {}
        for name, child in self.children.items():
            child.stderr.read()
            child.stderr.close()
            codes[name] = child.wait(120)
        return codes


def _read(pid):
    try:
        with open(f"/proc/{pid}/io") as io:
            return int(next(io).split()[1])
    except (OSError, StopIteration):
        return 1 << 60


def slowed(store):
    """Parts take a while, so that points in the stream are apart."""
    store.ask("calm")
    store.fault("stall", op="UploadPart", seconds=0.05, times=0)


def size():
    """What reaches the store when nobody is killed."""
    if "size" not in _made:
        chain = Chain("whole")
        equal(set(chain.end().values()), {0})
        _made["size"] = the_store().objects()["whole"]
    return _made["size"]


def points():
    rng = random.Random(7)
    return [0, size() - 1] + [rng.randrange(size())
                              for _ in range(POINTS - 2)]


@each(*[(name, number) for name in NAMES for number in ("TERM", "KILL")
        if (name, number) != ("cos-put", "KILL")])
def test_kill(name, number):
    store = the_store()
    for point in points():
        slowed(store)
        chain = Chain("k")
        chain.kill_at(name, point, getattr(signal, "SIG" + number))
        codes = chain.end()
        what = f"{name} at {point}: {codes}"
        if codes["cos-put"] == 0:
            # Too late: all was through before the signal came.
            equal(store.content("k")[:4], b"\x28\xb5\x2f\xfd", what)
            equal(codes[name] in (0, -15, -9, 143), True, what)
            subprocess.run(["zstd", "-q", "-t"], check=True,
                           input=store.content("k"))
            programs.run("cos-rm", store.url("k"), env=store.env()).good()
        else:
            equal("k" in store.objects(), False, what)
        equal(store.uploads(), [], what)
    store.ask("calm")


def test_kill_cos_put():
    """Nothing helps against SIGKILL, but what is left is found."""
    store = the_store()
    left = 0
    for point in points():
        slowed(store)
        chain = Chain("k")
        chain.kill_at("cos-put", point, signal.SIGKILL)
        codes = chain.end()
        if codes["cos-put"] == 0:
            programs.run("cos-rm", store.url("k"), env=store.env()).good()
            continue
        equal("k" in store.objects(), False, f"at {point}: {codes}")
        uploads = store.uploads()
        left += len(uploads)
        listed = programs.run("cos-ls", "--uploads", store.url(),
                              env=store.env()).good().out
        equal(listed.count(b"\n"), len(uploads), f"{listed}")
        programs.run("cos-rm", "--uploads", "--older-than", "0s", store.url(),
                     env=store.env()).good()
        equal(store.uploads(), [])
    equal(left > 0, True, "an upload that was left")
    store.ask("calm")


if __name__ == "__main__":
    cases.main()
