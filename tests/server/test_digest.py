#!/usr/bin/env python3
"""rdb-digest against what real servers make of the same data.

Goal: the digest of a dump is the digest of what a server saves after it has
loaded that dump: whatever the version of the server, whatever encodings it is
told to use, for the dumps of the corpus (if it is there) and for data of every
type.  And it changes when the data does.
"""

import glob
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)),
                                ".."))

from harness import cases, data, engines, programs, servers  # noqa: E402

CORPUS = sorted(glob.glob(os.path.join(
    programs.ROOT, "..", "shared", "corpus", "*", "*.rdb")))

# So many dumps of the corpus each engine loads, at least.
LOADS = {"redis-7.0": 42, "redis-8.0": 60, "valkey-8.1": 55, "valkey-9": 55}

PLAIN = ["hash-max-listpack-entries 0", "zset-max-listpack-entries 0",
         "set-max-listpack-entries 0", "set-max-intset-entries 0",
         "list-max-listpack-size 2", "stream-node-max-entries 3",
         "rdbcompression no"]
PACKED = ["hash-max-listpack-entries 100000",
          "hash-max-listpack-value 100000",
          "zset-max-listpack-entries 100000",
          "zset-max-listpack-value 100000",
          "set-max-intset-entries 100000", "list-max-listpack-size -5",
          "rdbcompression yes"]


def digest(path, at=None):
    """The line of rdb-digest without the file's name."""
    words = ["--at", at] if at else []
    result = programs.run("rdb-digest", *words, path).good()
    return result.out.decode().rsplit("  ", 1)[0]


def known(config, engine):
    """The lines an engine of that version understands."""
    return [line for line in config if "set-max-listpack" not in line or
            engine.version >= (7, 2)]


def save_again(engine, dump, config=()):
    """The dump a server makes that was started with this one, or None."""
    try:
        server = servers.Server(engine, config=list(config), rdb=dump)
    except RuntimeError as error:
        assert "ended at once" in str(error), error
        return None
    with server:
        server.call("SAVE")
        with open(server.rdb_path, "rb") as saved:
            return saved.read()


@cases.each(*engines.NAMES)
def test_corpus(name):
    """Loaded and saved again, it is the same data."""
    engine = engines.get(name)
    if not CORPUS:
        cases.skip("no ../shared/corpus here")
    loaded, scratch = 0, servers.tempfile.mkdtemp(prefix="digest-")
    programs.at_exit_remove(scratch)
    again = os.path.join(scratch, "again.rdb")
    for dump in CORPUS:
        saved = save_again(engine, dump, ["databases 64"])
        if saved is None:
            continue
        loaded += 1
        with open(again, "wb") as to:
            to.write(saved)
        # A server drops what has expired.
        now = int(time.time() * 1000)
        cases.equal(digest(again, now), digest(dump, now),
                    f"{os.path.basename(dump)} by {name}")
    print(f"{name}: {loaded} of {len(CORPUS)} dumps loaded")
    assert loaded >= LOADS[name], f"{name} loaded only {loaded}"


def filled(scratch, engine="redis-7.0"):
    """A dump with data of every type, and its digest."""
    path = os.path.join(scratch, "filled.rdb")
    with servers.Server(engine, config=["stream-node-max-entries 5"]) \
            as server:
        data.fill(server)
        more(server)
        server.call("SAVE")
        os.rename(server.rdb_path, path)
    return path, digest(path)


def more(server):
    """What encodings differ about: sizes, numbers as text, shared fields,
    deleted entries, pending ones."""
    with server.client() as client:
        for i in range(400):
            client.call("HSET", "digest:hash", i, f"{i * 7}" * (1 + i % 9))
            client.call("RPUSH", "digest:list", -i, f"element {i}")
            client.call("SADD", "digest:set", i - 200, f"m{i}")
            client.call("SADD", "digest:numbers", i * 1000003)
            client.call("ZADD", "digest:zset", i / 3 - 5, f"member {i}")
            client.call("XADD", "digest:stream", f"{i // 3 + 1}-{i + 1}",
                        "a", i, "b", "x" * (i % 50))
        client.call("ZADD", "digest:zset", "-0.0", "zero", "inf", "inf",
                    "1e300", "large")
        client.call("RPUSH", "digest:list", "y" * 70000)
        for i in range(0, 60, 4):
            client.call("XDEL", "digest:stream", f"{i // 3 + 1}-{i + 1}")
        client.call("XGROUP", "CREATE", "digest:stream", "readers", 0)
        client.call("XREADGROUP", "GROUP", "readers", "one", "COUNT", 20,
                    "STREAMS", "digest:stream", ">")
        client.call("XREADGROUP", "GROUP", "readers", "two", "COUNT", 5,
                    "STREAMS", "digest:stream", ">")


@cases.each(*engines.NAMES)
def test_encodings(name):
    """The same data in the largest and the smallest encodings."""
    engine = engines.get(name)
    scratch = servers.tempfile.mkdtemp(prefix="digest-")
    programs.at_exit_remove(scratch)
    dump, want = filled(scratch, name)
    sizes = set()
    for config in PLAIN, PACKED:
        saved = save_again(engine, dump, known(config, engine))
        again = os.path.join(scratch, "again.rdb")
        with open(again, "wb") as to:
            to.write(saved)
        sizes.add(len(saved))
        cases.equal(digest(again), want, f"{name} with {config[0]}")
    assert len(sizes) == 2, "both ways of encoding gave the same bytes"


@cases.each(*engines.NAMES[1:])
def test_versions(name):
    """A dump of Redis 7.0, saved by a newer server."""
    engine = engines.get(name)
    scratch = servers.tempfile.mkdtemp(prefix="digest-")
    programs.at_exit_remove(scratch)
    dump, want = filled(scratch)
    again = os.path.join(scratch, "again.rdb")
    with open(again, "wb") as to:
        to.write(save_again(engine, dump))
    cases.equal(digest(again), want, f"saved by {name}")


CHANGES = [
    ("SET", "digest:new", "x"), ("DEL", "digest:hash"),
    ("APPEND", "digest:string", "x"), ("HSET", "digest:hash", "1", "other"),
    ("LSET", "digest:list", "5", "other"), ("SADD", "digest:set", "other"),
    ("ZINCRBY", "digest:zset", "1", "member 7"),
    ("XDEL", "digest:stream", "2-6"), ("PEXPIREAT", "digest:set",
                                      "4102444800000"),
    ("XACK", "digest:stream", "readers", "1-2"),
    ("XGROUP", "CREATECONSUMER", "digest:stream", "readers", "three"),
    ("XGROUP", "SETID", "digest:stream", "readers", "5-13"),
    ("MOVE", "digest:zset", "9"), ("RENAME", "digest:set", "digest:set2"),
]


def test_changes():
    """Every change of the data changes the digest; what is undone changes it
    back."""
    with servers.Server() as server:
        more(server)
        server.call("SET", "digest:string", "x")

        def now():
            server.call("SAVE")
            return digest(server.rdb_path)
        seen = {now()}
        for change in CHANGES:
            server.call(*change)
            seen.add(now())
        cases.equal(len(seen), 1 + len(CHANGES), "different digests")
        before = now()
        server.call("SET", "digest:again", "x")
        server.call("DEL", "digest:again")
        server.call("LPUSH", "digest:list", "x")
        server.call("LPOP", "digest:list")
        cases.equal(now(), before, "digest after undoing")


if __name__ == "__main__":
    cases.main()
