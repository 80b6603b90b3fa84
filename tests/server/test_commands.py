#!/usr/bin/env python3
"""Commands made of a dump, fed to real servers by their own client.

Goal: what a server holds after it was told the commands of a dump is what is in
the dump, for data of every type, from each engine to each that knows all of
it; for deleted entries that are pending; for dumps of old formats and of the
corpus; and it is the same whatever way the dump was cut.  What is asked for
is what the target knows: no command is refused.

The commands are made by tests/unit/t_commands, which is also a filter.
"""

import glob
import os
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)),
                                ".."))

from harness import cases, data, engines, programs, rdbbytes, servers  # noqa: E402

CORPUS = sorted(glob.glob(os.path.join(
    programs.ROOT, "..", "shared", "corpus", "*", "*.rdb")))
PAIRS = [(one, two) for one in engines.NAMES for two in engines.NAMES]
FAR = data.FAR

# So many dumps of the corpus can be told to each engine, at least.
TOLD = {"redis-7.0": 70, "redis-8.0": 72, "valkey-8.1": 70, "valkey-9": 72}


def speaker():
    path = os.path.join(os.path.dirname(programs.path("rdb-digest")),
                        "..", "tests", "unit", "t_commands")
    if not os.path.exists(path):
        cases.skip("tests/unit/t_commands is not built")
    return os.path.realpath(path)


def version_of(engine):
    return engine.kind + "-" + ".".join(map(str, engine.version))


def commands_of(dump, engine, *more):
    """(commands, complaint): of a dump, for an engine or a version's name."""
    name = engine if isinstance(engine, str) else version_of(engine)
    with open(dump, "rb") as source:
        done = subprocess.run([speaker(), name, *map(str, more)],
                              stdin=source, capture_output=True)
    return done.stdout, done.stderr.decode().splitlines()


def tell(server, commands):
    """Feed them to a server: every one must be answered and none refused."""
    done = subprocess.run(
        [server.engine.cli, "-p", str(server.port), "--pipe"],
        input=commands, capture_output=True)
    cases.holds("errors: 0", done.stdout, done.stderr.decode())


def digest(path, at=None):
    words = ["--at", at] if at else []
    line = programs.run("rdb-digest", *words, path).good().out.decode()
    return line.rsplit("  ", 1)[0]


def saved(server, scratch, name):
    """What a server holds, as a file of that name."""
    path = os.path.join(scratch, name)
    server.call("SAVE")
    with open(server.rdb_path, "rb") as one, open(path, "wb") as other:
        other.write(one.read())
    return path


def scratch_folder():
    folder = servers.tempfile.mkdtemp(prefix="commands-")
    programs.at_exit_remove(folder)
    return folder


_filled = {}


def filled(name, field_ttls=True):
    """A dump by an engine with all that it knows, its fields' TTLs if so."""
    engine = engines.get(name)
    field_ttls = field_ttls and engine.field_ttls
    if (name, field_ttls) not in _filled:
        folder = scratch_folder()
        with servers.Server(engine) as server:
            data.fill(server)
            more(server)
            if not field_ttls:
                with server.client() as client:
                    for key in client.call("KEYS", "hash:ttl:*"):
                        client.call("DEL", key)
            path = saved(server, folder, "filled.rdb")
        _filled[name, field_ttls] = path, digest(path)
    return _filled[name, field_ttls]


def more(server):
    """What commands find hard."""
    with server.client() as client:
        client.call("ZADD", "hard:zset", "-0.0", "minus zero", "inf", "up",
                    "-inf", "down", 0.1, "tenth", 1 / 3, "third", 5e-324,
                    "least", "1.7976931348623157e308", "most", 2 ** 53 + 2,
                    "even", 1e15, "quadrillion", -123456789012345, "whole")
        client.call("ZADD", "hard:zset:big", 1, "m" * 200000, 2, "n" * 70000,
                    3, "")
        client.call("HSET", "hard:hash:big", "f" * 200000, "v", "g",
                    "w" * 300000, "small", "x", "h" * 40000, "i" * 40000)
        client.call("SADD", "hard:set:big", "s" * 65536, "t" * 65535, "u")
        client.call("RPUSH", "hard:list:big", "a", "b" * 65500, "c" * 65536,
                    "", "d" * 1000000, "e")
        client.call("XADD", "hard:stream:big", "1-1", "f" * 60000,
                    "v" * 100000, "", "")
        pending(client)


def pending(client):
    """Streams whose entries went while they were pending; more entries, and more
    that went, than are said in one command."""
    for n in range(1, 301):
        client.call("XADD", "hard:pending:many", f"{n}-1", "n", n)
    client.call("XGROUP", "CREATE", "hard:pending:many", "g", 0)
    client.call("XREADGROUP", "GROUP", "g", "ann", "STREAMS",
                "hard:pending:many", ">")
    client.call("XDEL", "hard:pending:many",
                *(f"{n}-1" for n in range(2, 301, 2)))
    for key, gone in (("all", "all"), ("front", "trim"), ("middle", "del"),
                      ("tail", "tail"), ("both", "both")):
        key = f"hard:pending:{key}"
        for n in range(1, 21):
            client.call("XADD", key, f"{n}-{n}", "n", n)
        for group in ("one", "two"):
            client.call("XGROUP", "CREATE", key, group, 0)
            for consumer, count in (("ann", 9), ("bob", 4)):
                client.call("XREADGROUP", "GROUP", group, consumer, "COUNT",
                            count, "STREAMS", key, ">")
        client.call("XACK", key, "two", "2-2", "9-9")
        client.call("XCLAIM", key, "two", "ann", 0, "4-4", "TIME",
                    1700000000000, "RETRYCOUNT", 7, "JUSTID")
        if gone in ("trim", "both"):
            client.call("XTRIM", key, "MAXLEN", 15)
        if gone in ("del", "both"):
            client.call("XDEL", key, "8-8", "9-9", "11-11", "19-19")
        if gone == "tail":
            client.call("XDEL", key, *(f"{n}-{n}" for n in range(10, 21)))
        if gone == "all":
            client.call("XTRIM", key, "MAXLEN", 0)


def knows(target, source):
    """Does the target know the TTLs of fields that the source has?"""
    return target.field_ttls or not source.field_ttls


@cases.each(*PAIRS)
def test_round_trip(source, target):
    one, two = engines.get(source), engines.get(target)
    path, want = filled(source, field_ttls=knows(two, one))
    commands, words = commands_of(path, two)
    cases.equal(len(words), 1, words)
    with servers.Server(two) as server:
        tell(server, commands)
        cases.equal(digest(saved(server, scratch_folder(), "told.rdb")), want,
                    f"{source} as commands for {target}")


@cases.each(*engines.NAMES)
def test_what_servers_claim(name):
    """What commands_ghost.c is about: no server makes a pending entry of what
    is not there, and it says so by an empty reply only."""
    with servers.Server(engines.get(name)) as server, \
            server.client() as client:
        client.call("XADD", "s", "1-1", "f", "v")
        client.call("XADD", "s", "3-1", "f", "v")
        client.call("XGROUP", "CREATE", "s", "g", 0)
        for entry, claimed in (("1-1", [b"1-1"]), ("2-1", []), ("4-1", [])):
            cases.equal(client.call(
                "XCLAIM", "s", "g", "c", 0, entry, "TIME", 1700000000000,
                "RETRYCOUNT", 1, "FORCE", "JUSTID"), claimed, entry)
        cases.equal(client.call("XPENDING", "s", "g")[0], 1, "pending")
        # XTRIM leaves no mark, and XDEL does.
        client.call("XTRIM", "s", "MAXLEN", 1)
        cases.equal(plain(client.call("XINFO", "STREAM", "s"))
                    [b"max-deleted-entry-id"], b"0-0")
        client.call("XDEL", "s", "3-1")
        cases.equal(plain(client.call("XINFO", "STREAM", "s"))
                    [b"max-deleted-entry-id"], b"3-1")
        # A time to come is now.
        client.call("XADD", "s", "5-1", "f", "v")
        client.call("XCLAIM", "s", "g", "c", 0, "5-1", "TIME", FAR, "FORCE")
        idle = client.call("XPENDING", "s", "g", "5-1", "5-1", 1)[0][2]
        assert 0 <= idle < 60000, idle


@cases.each("redis-8.0", "valkey-9")
def test_how_late_a_field_may_expire(name):
    """The latest time that is said is one that the server takes."""
    engine = engines.get(name)
    latest = (1 << 46) - 1 if engine.kind == "redis" else (1 << 63) - 1
    dump = rdbbytes.File(magic=b"VALKEY080").select(0).key(
        rdbbytes.HASH_2, "h", b"\x01" + rdbbytes.string("f") +
        rdbbytes.string("v") + latest.to_bytes(8, "little")).end()
    path = os.path.join(scratch_folder(), "late.rdb")
    with open(path, "wb") as f:
        f.write(dump.bytes())
    commands, words = commands_of(path, engine)
    cases.equal(len(words), 1, words)
    with servers.Server(engine) as server:
        tell(server, commands)
        cases.equal(server.call("HPEXPIRETIME", "h", "FIELDS", 1, "f"),
                    [latest])


@cases.each(*engines.NAMES)
def test_corpus(name):
    """Dumps of old formats, and what others have thought of."""
    engine = engines.get(name)
    if not CORPUS:
        cases.skip("no ../shared/corpus here")
    if name != "valkey-9" and not programs.SOAK:
        cases.skip("the corpus on every engine is for RDBPIPE_SOAK=1")
    told, folder = 0, scratch_folder()
    with servers.Server(engine, config=["databases 64"]) as server:
        for dump in CORPUS:
            told += corpus_dump(server, dump, folder)
    print(f"{name}: {told} of {len(CORPUS)} dumps told")
    assert told >= TOLD[name], f"{name} was told only {told}"


def corpus_dump(server, dump, folder):
    """Whether it is good and could be told; then it is the same."""
    if programs.run("rdb-digest", dump).code != 0:
        return False
    commands, words = commands_of(dump, server.engine)
    if len(words) > 1:
        print(f"{os.path.basename(dump)}: {words[0]}")
        return False
    server.call("FLUSHALL")
    server.call("FUNCTION", "FLUSH")
    if commands:
        tell(server, commands)
    now = int(time.time() * 1000)
    cases.equal(digest(saved(server, folder, "told.rdb"), now),
                digest(dump, now), os.path.basename(dump))
    return True


def test_cut_anywhere():
    """In chunks of any size it is the same."""
    path, _ = filled("redis-7.0")
    want, _ = commands_of(path, "redis-7.0.15")
    for chunk in (1, 3, 4093, 65536):
        got, _ = commands_of(path, "redis-7.0.15", chunk)
        assert got == want, f"chunks of {chunk}"


def test_what_has_expired():
    """Keys, and fields, whose time has come are not there, whatever else."""
    now = int(time.time() * 1000)
    engine = engines.get("redis-8.0")
    folder = scratch_folder()
    with servers.Server(engine) as server:
        with server.client() as client:
            client.call("DEBUG", "SET-ACTIVE-EXPIRE", 0)
            for key, make in (("s", ("SET", "s", "v")),
                              ("l", ("RPUSH", "l", "a")),
                              ("x", ("XADD", "x", "1-1", "a", "b"))):
                client.call(*make)
                client.call("PEXPIREAT", key, now + 1500)
            client.call("HSET", "all", "f", "v", "g", "w")
            client.call("HPEXPIREAT", "all", now + 1500, "FIELDS", 2, "f", "g")
            client.call("HSET", "some", "f", "v", "g", "w")
            client.call("HPEXPIREAT", "some", now + 1500, "FIELDS", 1, "f")
            client.call("SET", "stays", "v")
        path = saved(server, folder, "live.rdb")
    commands, words = commands_of(path, engine)
    cases.equal(len(words), 1, words)
    cases.holds("HPEXPIREAT", commands, "commands")
    time.sleep(max(0, now + 1600 - time.time() * 1000) / 1000)
    with servers.Server(engine) as server:
        tell(server, commands)
        with server.client() as client:
            cases.equal(sorted(client.call("KEYS", "*")), [b"some", b"stays"])
            cases.equal(client.call("HGETALL", "some"), [b"g", b"w"])
        after = int(time.time() * 1000)
        cases.equal(digest(saved(server, folder, "told.rdb"), after),
                    digest(path, after), "what is left")


@cases.each("redis-2.8.24", "redis-3.2.13")
def test_before_streams(version):
    """What the oldest know makes the same, apart from streams, functions."""
    folder = scratch_folder()
    with servers.Server() as server:
        data.fill(server)
        with server.client() as client:
            client.call("FUNCTION", "FLUSH")
            for key in client.call("KEYS", "stream:*") + [b"expire:xadd"]:
                client.call("DEL", key)
        path = saved(server, folder, "filled.rdb")
    commands, words = commands_of(path, version)
    cases.equal(len(words), 1, words)
    for young in (b"\nPXAT\r", b"\nHSET\r", b"\nFUNCTION\r", b"\nXADD\r"):
        assert young not in commands, young
    with servers.Server() as server:
        tell(server, commands)
        cases.equal(digest(saved(server, folder, "told.rdb")), digest(path))


@cases.each("redis-5.0.14", "redis-6.0.20", "redis-6.2.14")
def test_before_7(version):
    """Streams as 5.0 and 6.x know them: a younger server that is told so has
    all entries, groups, consumers, and what is pending."""
    folder = scratch_folder()
    with servers.Server() as server:
        data.fill(server, 0)
        more(server)
        server.call("FUNCTION", "FLUSH")
        path = saved(server, folder, "filled.rdb")
        commands, words = commands_of(path, version)
        cases.equal(len(words), 1, words)
        for young in (b"ENTRIESREAD", b"MAXDELETEDID"):
            assert young not in commands, young
        cases.equal(b"CREATECONSUMER" in commands, version > "redis-6.2",
                    "CREATECONSUMER")
        with servers.Server() as other:
            tell(other, commands)
            cases.equal(streams_of(other), streams_of(server), version)
            cases.equal(other.digest(), server.digest(), "DEBUG DIGEST")


def streams_of(server):
    """Entries, last IDs, groups, consumers and pending entries."""
    found = {}
    with server.client() as client:
        for key in sorted(client.call("KEYS", "*stream:*") +
                          client.call("KEYS", "hard:pending:*")):
            full = plain(client.call("XINFO", "STREAM", key, "FULL", "COUNT",
                                     0))
            found[key] = [full[b"last-generated-id"], full[b"entries"],
                          [group_of(plain(g)) for g in full[b"groups"]]]
    assert len(found) > 8, sorted(found)
    return found


def plain(pairs):
    return dict(zip(pairs[::2], pairs[1::2]))


def group_of(group):
    consumers = [plain(c) for c in group[b"consumers"]]
    return [group[b"name"], group[b"last-delivered-id"], group[b"pending"],
            [(c[b"name"], c[b"pending"]) for c in consumers]]


def test_a_large_element_is_not_held():
    """A list with an element of 200 MB.  The peak counts from before the
    program replaced this one in the child."""
    size = 200 << 20
    with subprocess.Popen([speaker(), "redis-7.0.0"], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE) as child:
        counter = threading.Thread(target=drain, args=(child.stdout, got := []))
        counter.start()
        child.stdin.write(rdbbytes.File(version=4).bytes() + b"\x01" + rdbbytes.string("key") +
                          rdbbytes.length(3) + rdbbytes.string("a") +
                          rdbbytes.length(size))
        for _ in range(size >> 20):
            child.stdin.write(b"x" * (1 << 20))
        child.stdin.write(rdbbytes.string("b") + b"\xff")
        child.stdin.close()
        counter.join()
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    cases.equal(child.returncode, 0)
    assert got[0] > size, got
    assert usage.ru_maxrss < 100 << 10, f"{usage.ru_maxrss} KiB"


def drain(pipe, to):
    n = 0
    while piece := pipe.read(1 << 20):
        n += len(piece)
    to.append(n)


if __name__ == "__main__":
    cases.main()
