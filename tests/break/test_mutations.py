#!/usr/bin/env python3
"""Goal of this test: whatever is done to a dump, no program crashes, and what
is wrong is called wrong, with its offset.

Built with sanitizers where that build exists (build/san), so that "does not
crash" means "does not touch a byte it should not"."""

import os
import random
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))

from harness import cases, programs, rdbbytes as rb  # noqa: E402
from harness.cases import equal  # noqa: E402

SAN = os.path.join(programs.ROOT, "build", "san", "bin")
CORPUS = os.path.join(programs.ROOT, "..", "shared", "corpus")
MUTATIONS = 100_000 if programs.SOAK else 10_000
BATCH = 500


def program(name):
    built = os.path.join(SAN, name)
    return built if os.access(built, os.X_OK) else programs.path(name)


def one(kind, value, version=10):
    """A dump with a key before and behind the one in question."""
    f = rb.File(version=version).aux("redis-ver", "7.0.15").select(0)
    f.key(rb.STRING, "before", rb.string("x"))
    f.expire_ms(4102444800000).key(kind, "user:17", value)
    f.key(rb.STRING, "behind", rb.integer(-7))
    return f.end().bytes()


def samples():
    """Small dumps, one for each way to store a value."""
    made = [
        one(rb.STRING, rb.string("hello, world")),
        one(rb.STRING, rb.integer(123456)),
        one(rb.STRING, rb.lzf_literal("a" * 40)),
        one(rb.LIST, rb.strings("a", "b", "c")),
        one(rb.SET, rb.strings("a", "b", "c")),
        one(rb.HASH, rb.pairs({"f": "v", "g": "w"})),
        one(rb.ZSET, rb.text_scores({"m": 1.5, "n": float("inf")})),
        one(rb.ZSET_2, rb.scores({"m": 1.5, "n": float("-inf")})),
        one(rb.INTSET, rb.string(rb.intset([1, 2, 300]))),
        one(rb.HASH_LISTPACK, rb.string(rb.listpack("f", "v", "g", 5))),
        one(rb.ZSET_LISTPACK, rb.string(rb.listpack("m", 1, "n", "2.5"))),
        one(rb.SET_LISTPACK, rb.string(rb.listpack("m", 1, -70000)), 11),
        one(rb.QUICKLIST_2, rb.quicklist("plain", ["a", 1, "b" * 70])),
        one(rb.QUICKLIST_2, rb.quicklist(["x" * 300, 1 << 40])),
        rb.File(version=11).function("#!lua name=f\n").end().bytes(),
        rb.File(version=6).select(9).key(
            rb.SET, "k", rb.strings("v")).end().bytes(),
        rb.File(version=3).select(0).key(
            rb.STRING, "k", rb.string("v")).raw(b"\xff").bytes(),
        rb.File(magic=b"VALKEY080").select(0).key(
            rb.STRING, "k", rb.string("v")).end().bytes(),
        rb.File(version=12).opcode(rb.SLOT_INFO, b"\x05", b"\x01", b"\x00")
        .select(0).key(rb.STRING, "k", rb.string("v")).end().bytes(),
        rb.File(version=10).end().bytes(),
    ]
    for folder, _, names in os.walk(CORPUS):
        for name in sorted(names):
            path = os.path.join(folder, name)
            if name.endswith(".rdb") and os.path.getsize(path) < 1000:
                with open(path, "rb") as f:
                    made.append(f.read())
    return made


def check(name, streams, verdict):
    """Run the program over all streams as files, in batches; verdict is
    called with each stream and what was said against it."""
    for start in range(0, len(streams), BATCH):
        batch = streams[start:start + BATCH]
        with tempfile.TemporaryDirectory() as folder:
            names = []
            for i, data in enumerate(batch):
                names.append(str(i))
                with open(os.path.join(folder, names[-1]), "wb") as f:
                    f.write(data)
            result = subprocess.run(
                [program(name), *names], cwd=folder, check=False,
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.PIPE)
            if result.returncode not in (0, 1) or \
                    b"Sanitizer" in result.stderr or \
                    b"runtime error" in result.stderr:
                raise AssertionError(
                    f"{name} ended {result.returncode}: "
                    f"{result.stderr[-3000:].decode(errors='replace')}")
            said = {}
            for line in result.stderr.decode().splitlines():
                number = re.match(rf"{name}: (\d+): ", line)
                if number:
                    said[number[1]] = "bad: " + line
            for i, data in enumerate(batch):
                verdict(data, said.get(str(i), ""))


def is_bad(data, line):
    if len(data) < 4 and "the input " in line:
        return
    if not line.startswith("bad: ") or "offset " not in line:
        raise AssertionError(f"{data!r} gave {line!r}")
    at = int(re.search(r"offset (\d+)", line)[1])
    if at > len(data):
        raise AssertionError(f"offset {at} of {len(data)}: {line!r}")


def anything(data, line):
    del data, line


def mutate(rng, data):
    data = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 5))):
        at = rng.randrange(len(data))
        how = rng.randrange(5)
        if how == 0:
            data[at] ^= 1 << rng.randrange(8)
        elif how == 1:
            data[at] = rng.choice((0, 1, 0x3f, 0x40, 0x7f, 0x80, 0x81, 0xbf,
                                   0xc0, 0xc3, 0xfe, 0xff))
        elif how == 2:
            data[at] = rng.randrange(256)
        elif how == 3 and len(data) > 1:
            del data[at]
        else:
            data.insert(at, rng.randrange(256))
    return bytes(data)


def repaired(data):
    """The same with the checksum put right, so that it hides nothing."""
    if len(data) < 18:
        return data
    return data[:-8] + rb.crc64(data[:-8]).to_bytes(8, "little")


def test_the_samples_are_good():
    for data in samples()[:20]:
        result = programs.run("rdb-verify", "-q", input=data)
        equal(result.good().out, data)


def test_truncated_at_every_byte():
    cut = [data[:n] for data in samples()[:20] for n in range(len(data))]
    check("rdb-verify", cut, is_bad)
    check("rdb-digest", cut, is_bad)


def test_random_mutations():
    rng, good = random.Random(1), samples()
    streams = []
    while len(streams) < MUTATIONS:
        data = rng.choice(good[:20])
        changed = mutate(rng, data)
        # Without a checksum (version 3) a change may be a good dump too.
        if changed != data and data[5:9] != b"0003":
            streams.append(changed)
    check("rdb-verify", streams, is_bad)


def test_random_mutations_behind_a_right_checksum():
    rng, good = random.Random(2), samples()
    streams = [repaired(mutate(rng, rng.choice(good)))
               for _ in range(MUTATIONS)]
    check("rdb-verify", streams, anything)
    check("rdb-digest", streams, anything)


if __name__ == "__main__":
    cases.main()
