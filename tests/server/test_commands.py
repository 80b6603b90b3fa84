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
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)),
                                ".."))

from harness import cases, data, engines, programs, servers  # noqa: E402

CORPUS = sorted(glob.glob(os.path.join(
    programs.ROOT, "..", "shared", "corpus", "*", "*.rdb")))
PAIRS = [(one, two) for one in engines.NAMES for two in engines.NAMES]
FAR = data.FAR


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
    """Streams whose entries went while they were pending."""
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


if __name__ == "__main__":
    cases.main()
