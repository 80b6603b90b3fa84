#!/usr/bin/env python3
"""rdb-convert against real servers.

Goal: what one engine saved another one loads once it is converted, and holds
the same data, by digest; what it cannot hold is refused by key, and with --lossy
exactly that is gone.  Where there is no server for a target, digest and types are
looked at.
"""

import glob
import os
import string
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)),
                                ".."))

from harness import cases, data, engines, programs, servers  # noqa: E402
from harness import rdbbytes as rb  # noqa: E402

CORPUS = sorted(glob.glob(os.path.join(
    programs.ROOT, "..", "shared", "corpus", "*", "*.rdb")))

# The types that each version of RDB brought, by number and name.
YOUNGER = {
    7: {"list-quicklist"},
    8: {"zset-2", "module-2"},
    9: {"stream"},
    10: {"hash-listpack", "zset-listpack", "list-quicklist-2", "stream-2"},
    11: {"set-listpack", "stream-3"},
    12: {"hash-metadata", "hash-listpack-ex"},
    13: {"stream-4"},
    14: {"stream-5", "array"},
}
# --to, what its files begin with, and the version that counts for its types.
TARGETS = {
    "redis-2.8": ("REDIS0006", 6), "redis-3.0": ("REDIS0006", 6),
    "redis-3.2": ("REDIS0007", 7), "redis-4.0": ("REDIS0008", 8),
    "redis-5.0": ("REDIS0009", 9), "redis-6.0": ("REDIS0009", 9),
    "redis-6.2": ("REDIS0009", 9), "redis-7.0": ("REDIS0010", 10),
    "redis-7.2": ("REDIS0011", 11), "redis-7.4": ("REDIS0012", 12),
    "redis-8.0": ("REDIS0012", 12), "redis-8.2": ("REDIS0012", 12),
    "redis-8.4": ("REDIS0012", 12), "redis-8.6": ("REDIS0013", 13),
    "redis-8.8": ("REDIS0014", 14), "valkey-7.2": ("REDIS0011", 11),
    "valkey-8.0": ("REDIS0011", 11), "valkey-8.1": ("REDIS0011", 11),
    "valkey-9.0": ("VALKEY080", 11), "valkey-9.1": ("VALKEY080", 11),
}

_dumps = {}
_scratch = tempfile.mkdtemp(prefix="convert-")
programs.at_exit_remove(_scratch)


class Converted:
    """What became of rdb: code, out, err, facts, and the lines of losses."""

    def __init__(self, rdb, to, *words):
        listed = os.path.join(_scratch, "losses")
        lossy = ["--lossy-list", listed] if "--lossy" in words else []
        read, write = os.pipe()
        try:
            got = programs.run("rdb-convert", "--to", to, *words, *lossy,
                               "--facts-fd", write, input=rdb,
                               pass_fds=[write])
        finally:
            os.close(write)
        with open(read) as lines:
            self.facts = dict(line.rstrip("\n").split(" ", 1)
                              for line in lines)
        self.code, self.out, self.result = got.code, got.out, got
        self.err = got.err.decode()
        self.losses = open(listed).read().splitlines() if lossy else []

    def good(self):
        self.result.good()
        return self

    def dropped(self):
        return {name[8:]: int(n) for name, n in self.facts.items()
                if name.startswith("dropped.")}


def digest(rdb, at=None):
    """The line of rdb-digest, without the name."""
    words = ["--at", at] if at else []
    result = programs.run("rdb-digest", *words, "-", input=rdb).good()
    return result.out.decode().rsplit("  ", 1)[0]


def verified(rdb):
    """What rdb-verify says of it, a line each."""
    read, write = os.pipe()
    try:
        programs.run("rdb-verify", "--facts-fd", write, "-", input=rdb,
                     pass_fds=[write]).good()
    finally:
        os.close(write)
    with open(read) as lines:
        return lines.read().splitlines()


def types_of(rdb):
    return {line.split(".")[1] for line in verified(rdb)
            if line.startswith("type.")}


def capture(server):
    return programs.run("rdb-capture", server.url()).good().out


def dump_of(name):
    """(its RDB, the same data without times of fields): made once."""
    if name not in _dumps:
        with servers.Server(name, ["stream-node-max-entries 7"]) as server:
            data.fill(server, 300)
            rdb = capture(server)
            with server.client() as client:
                for key in client.call("KEYS", "hash:ttl:*") \
                        if server.engine.field_ttls else ():
                    fields = client.call("HKEYS", key)
                    client.call("HPERSIST", key, "FIELDS", len(fields),
                                *fields)
            _dumps[name] = rdb, capture(server)
    return _dumps[name]


def loaded(name, rdb, config=()):
    """The server, started with this dump, after its own checker has agreed."""
    path = os.path.join(_scratch, "given.rdb")
    with open(path, "wb") as to:
        to.write(rdb)
    engine = engines.get(name)
    if os.path.exists(engine.check_rdb):
        said = subprocess.run([engine.check_rdb, path], capture_output=True,
                              text=True)
        assert said.returncode == 0 and "RDB looks OK" in said.stdout, \
            f"{engine.check_rdb}: {said.stdout[-800:]}"
    return servers.Server(name, list(config), rdb=path)


def loads_as(name, rdb, want, what):
    """The engine loads it, looking closely, and has what the digest says."""
    now = int(time.time() * 1000)
    with loaded(name, rdb, ["databases 64",
                            "sanitize-dump-payload yes"]) as server:
        cases.equal(digest(capture(server), now), digest(want, now), what)


# --- every engine to every other ---

@cases.each(*((a, b) for a in engines.NAMES for b in engines.NAMES))
def test_pair(source, target):
    """All types go over; times of fields only where there are such."""
    rdb, without = dump_of(source)
    has = engines.get(source).field_ttls
    takes = engines.get(target).field_ttls
    # What an engine's own version needs no rewriting for passes as it is.
    if has and not takes:
        refused = Converted(rdb, target)
        cases.equal(refused.code, 1)
        cases.holds('key "hash:ttl:', refused.err)
        cases.holds(f"in database 0: {target} cannot hold times of fields; "
                    "--lossy would drop this", refused.err)
        cases.equal(refused.err.count("\n"), 1, "lines")
        got = Converted(rdb, target, "--lossy").good()
        cases.equal(got.dropped(), {"field-ttls": 2 + 667 + 1})
        cases.equal(sorted(got.losses), [
            'db 0 key "hash:ttl:key-too" field-ttls 1',
            'db 0 key "hash:ttl:many" field-ttls 667',
            'db 0 key "hash:ttl:small" field-ttls 2'])
        rdb = without
    else:
        got = Converted(rdb, target).good()
        cases.equal(got.dropped(), {})
    cases.equal(digest(got.out), digest(rdb), "digest of what was converted")
    loads_as(target, got.out, rdb, f"{source} to {target}, loaded")


@cases.each(*engines.NAMES)
def test_restored_native(name):
    """What was converted to an engine goes into it through rdb-restore."""
    source = "redis-8.0" if name != "redis-8.0" else "valkey-9"
    got = Converted(dump_of(source)[1], name).good()
    with servers.Server(name) as server:
        programs.run("rdb-restore", "--via", "native", server.url(),
                     input=got.out).good()
        now = int(time.time() * 1000)
        cases.equal(digest(capture(server), now), digest(got.out, now))


@cases.each(*engines.NAMES)
def test_every_target(source):
    """No value is of a type the target does not have; the digest is the same."""
    rdb = dump_of(source)[1]
    for to, (magic, version) in TARGETS.items():
        got = Converted(rdb, to, *(["--lossy"] if version < 10 else []))
        got.good()
        cases.holds(magic, got.out[:9])
        have = types_of(got.out)
        for since, names in YOUNGER.items():
            if since > version:
                cases.equal(have & names, set(), f"types of {since} in {to}")
        gone = set(got.dropped())
        if version >= 10:
            cases.equal(gone, set())
            cases.equal(digest(got.out), digest(rdb), f"{source} to {to}")
        elif version == 9:
            # Of streams, what came with 7.0.
            assert gone <= {"functions", "deleted-ids", "entries-added",
                            "entries-read"}, gone
        else:
            assert gone == {"functions", "keys"}, gone
            assert all(line == "functions 1" or "stream" in line or
                       '"expire:xadd"' in line for line in got.losses), \
                got.losses


@cases.each(*engines.NAMES)
def test_no_streams(source):
    """Without functions and streams, nothing is lost on the way to the oldest."""
    rdb = programs.run("rdb-filter", "--no-functions", "--type",
                       "string,list,set,zset,hash",
                       input=dump_of(source)[1]).good().out
    for to, (_, version) in TARGETS.items():
        got = Converted(rdb, to).good()
        cases.equal(digest(got.out), digest(rdb), f"{source} to {to}")


@cases.each(*((to, name) for to in ("redis-2.8", "redis-6.2", "redis-3.2",
                                    "redis-4.0")[:4 if programs.SOAK else 2]
              for name in ("redis-7.0", "valkey-9")))
def test_old_targets_load(to, name):
    """There is no such server here, but younger ones load what is for it."""
    rdb = dump_of("redis-8.0")[1]
    got = Converted(rdb, to, "--lossy").good()
    loads_as(name, got.out, got.out, f"for {to}, in {name}")


@cases.each(*engines.NAMES)
def test_as_it_is(name):
    """To the engine it came from: keys and values byte for byte."""
    major = {"redis-7.0": "redis-7.0", "redis-8.0": "redis-8.0",
             "valkey-8.1": "valkey-8.1", "valkey-9": "valkey-9.0"}[name]
    rdb = dump_of(name)[0]
    got = Converted(rdb, major).good()
    cases.equal(got.facts["rewritten"], "0")
    cases.equal(got.out, rdb)


# --- dumps of others ---

@cases.each(*engines.NAMES)
def test_corpus(name):
    """What the engine would not have loaded, or not so, it loads."""
    engines.get(name)
    if not CORPUS:
        cases.skip("no ../shared/corpus here")
    tried = 0
    for path in CORPUS:
        with open(path, "rb") as file:
            rdb = file.read()
        if programs.run("rdb-digest", path).code != 0:
            continue
        got = Converted(rdb, name)
        same = got.code == 0
        if not same:
            cases.equal(got.err.count("\n"), 1, "lines")
            got = Converted(rdb, name, "--lossy")
        got.good()
        if same and got.facts["rewritten"] == "0" and not programs.SOAK:
            continue
        if b"REDIS0" in rdb[:9] and any(
                "module" in line for line in got.err.splitlines()):
            continue        # the engine has not the module
        tried += 1
        if same:
            cases.equal(digest(got.out), digest(rdb), path)
        loads_as(name, got.out, got.out, f"{os.path.basename(path)} in {name}")
    print(f"{name}: {tried} dumps converted and loaded")
    assert tried >= {"redis-7.0": 5, "redis-8.0": 2, "valkey-8.1": 4,
                     "valkey-9": 4}[name], tried


# --- times of fields ---

def soon(name, seconds):
    """A dump with hashes whose fields expire soon, in both encodings."""
    with servers.Server(name) as server, server.client() as client:
        when = int(time.time() * 1000) + seconds * 1000
        for key, n in (("small", 4), ("large", 3000)):
            client.call("HSET", key, *(w for i in range(n)
                                       for w in (f"f{i}", f"v{i}")))
            client.call("HPEXPIREAT", key, when, "FIELDS", 2, "f0", "f1")
            client.call("HPEXPIREAT", key, data.FAR + 7, "FIELDS", 1, "f2")
        return capture(server), when


@cases.each(("valkey-9", "redis-8.0"), ("redis-8.0", "valkey-9"))
def test_fields_expire(source, target):
    """At the millisecond they had, and they really go."""
    rdb, when = soon(source, 3)
    got = Converted(rdb, target).good()
    with loaded(target, got.out) as server, server.client() as client:
        for key, n in ("small", 4), ("large", 3000):
            cases.equal(client.call("HPEXPIRETIME", key, "FIELDS", 4, "f0",
                                    "f1", "f2", "f3"),
                        [when, when, data.FAR + 7, -1], key)
            cases.equal(client.call("HLEN", key), n)
        while time.time() * 1000 < when + 50:
            time.sleep(0.1)
        cases.equal(client.call("HMGET", "small", "f0", "f1", "f2", "f3"),
                    [None, None, b"v2", b"v3"])
        # By themselves, not because somebody asked.
        for _ in range(100):
            if client.call("HLEN", "large") == 2998:
                break
            time.sleep(0.1)
        cases.equal(client.call("HLEN", "large"), 2998)


def test_fields_before_general_availability():
    """Redis 8.0 loads types 22 and 23 of Redis 7.4's candidates; Valkey 9 gets
    its own."""
    f = rb.File(version=12)
    f.key(22, "plain", rb.length(2) + rb.length(data.FAR + 1) +
          rb.string("a") + rb.string("1") + rb.length(0) + rb.string("b") +
          rb.string("2"))
    f.key(23, "packed", rb.string(rb.listpack("f", "vv", data.FAR)))
    f.end()
    rdb = f.bytes()
    for to in "redis-8.0", "valkey-9":
        got = Converted(rdb, to).good()
        cases.equal(got.facts["rewritten"],
                    "0" if to == "redis-8.0" else "2")
        cases.equal(digest(got.out), digest(rdb))
        loads_as(to, got.out, rdb, to)


# --- streams that no server here makes ---

def stream_5(released):
    """Type 27: entries 1-1 to 1-3, all pending, two of them with nobody."""
    def ident(seq):
        return (1).to_bytes(8, "big") + seq.to_bytes(8, "big")
    nodes = rb.length(1) + rb.string(ident(1)) + rb.string(rb.listpack(
        3, 0, 1, "f", 0, *(x for seq in range(3)
                           for x in (2, 0, seq, f"v{seq}", 4))))
    head = b"".join(map(rb.length, (3, 1, 3, 1, 1, 0, 0, 3)))
    pending = b"".join(ident(seq) + (1700000000000).to_bytes(8, "little") +
                       rb.length(70 * seq) for seq in (1, 2, 3))
    owned = [1] if released else [1, 2, 3]
    free = [3, 2] if released else []
    group = rb.string("g") + b"".join(map(rb.length, (1, 3, 3, 3))) + \
        pending + rb.length(1) + rb.string("c") + \
        (1700000000001).to_bytes(8, "little") * 2 + \
        rb.length(len(owned)) + b"".join(map(ident, owned)) + \
        rb.length(len(free)) + b"".join(map(ident, free))
    tail = b"".join(map(rb.length, (100, 100, 0, 0, 0)))
    return rb.File(version=14).key(
        27, "s", nodes + head + rb.length(1) + group + tail).end().bytes()


@cases.each(*engines.NAMES)
def test_stream_of_redis_8_8(name):
    """Its plain streams go everywhere; released entries may be dropped."""
    rdb = stream_5(False)
    for to in name, "redis-6.0":
        got = Converted(rdb, to).good()
        cases.equal(digest(got.out), digest(rdb))
        loads_as(name, got.out, rdb, f"for {to}, in {name}")
    rdb = stream_5(True)
    got = Converted(rdb, name)
    cases.equal(got.code, 1)
    cases.holds("cannot hold pending entries of no consumer", got.err)
    for to in name, "redis-6.0":
        got = Converted(rdb, to, "--lossy").good()
        cases.equal(got.losses, ['db 0 key "s" released-entries 2'])
        loads_as(name, got.out, got.out, f"lossy for {to}, in {name}")
        with loaded(name, got.out) as server, server.client() as client:
            cases.equal(client.call("XPENDING", "s", "g"),
                        [1, b"1-1", b"1-1", [[b"c", b"1"]]])
            cases.equal(client.call("XLEN", "s"), 3)
            cases.equal(client.call("XPENDING", "s", "g", "-", "+", 9)[0][3],
                        70)


# --- what cannot be had ---

def test_vector_set():
    """A module that is part of the server: not for those who lack it."""
    with servers.Server("redis-8.0") as server, server.client() as client:
        client.call("VADD", "vec", "VALUES", 3, 1, 2, 3, "element")
        client.call("SET", "other", "value")
        rdb = capture(server)
    for to in "redis-7.4", "valkey-9":
        got = Converted(rdb, to)
        cases.equal(got.code, 1)
        cases.equal(got.err, "rdb-convert: key \"vec\" in database 0: "
                    f"{to} cannot hold values of module type vectorset; --lossy "
                    "would drop this\n")
        got = Converted(rdb, to, "--lossy").good()
        cases.equal(got.losses, ['db 0 key "vec" keys 1'])
        cases.equal(got.facts["keys-out"], "1")
    loads_as("valkey-9", got.out, got.out, "without the vector set")
    got = Converted(rdb, "redis-8.2").good()
    cases.equal(digest(got.out), digest(rdb))
    cases.equal(got.err, "", "a warning about what the server has itself")


def module_id(name):
    letters = string.ascii_uppercase + string.ascii_lowercase + \
        string.digits + "-_"
    number = 0
    for letter in name:
        number = number * 64 + letters.index(letter)
    return rb.length(number << 10 | 1, 64)


def test_module_data():
    """Who has not the module ends when it loads its data: that is told, of keys
    and of what is outside of them."""
    end = rb.length(0)
    rdb = rb.File(version=12)
    for name in "vectorset", "scdtype00", "scdtype00":
        rdb.opcode(rb.MODULE_AUX, module_id(name),
                   rb.length(2) + rb.length(1) + rb.length(5) + rb.string("x"),
                   end)
    rdb.select(0)
    for n, name in enumerate(("ReJSON-RL", "vectorset", "ReJSON-RL")):
        rdb.key(rb.MODULE_2, f"k{n}", module_id(name) + end)
    got = Converted(rdb.end().bytes(), "redis-8.0").good()
    cases.equal(got.out, rdb.bytes())
    cases.equal(got.err,
                "rdb-convert: warning: data of module type scdtype00 outside of "
                "keys: redis-8.0 needs the module to load it\n"
                "rdb-convert: warning: 2 keys of module type ReJSON-RL: "
                "redis-8.0 needs the module to load them\n")


def test_functions():
    rdb = dump_of("redis-7.0")[0]
    got = Converted(rdb, "redis-6.2")
    cases.equal(got.code, 1)
    cases.holds(": redis-6.2 does not load functions; --lossy would drop this",
                got.err)
    got = Converted(rdb, "redis-6.2", "--lossy").good()
    cases.equal(got.dropped()["functions"], 2)
    cases.equal(got.losses.count("functions 1"), 2)


def test_position():
    """Where in a replication the data was is true only of all of it."""
    rdb = dump_of("redis-7.0")[0]

    def names(rdb):
        return [line.split(" ")[0] for line in verified(rdb)
                if line.startswith("aux.")]
    of = {"aux.repl-id", "aux.repl-offset", "aux.repl-stream-db"}
    cases.equal(of - set(names(rdb)), set())
    cases.equal(names(Converted(rdb, "valkey-9").good().out), names(rdb))
    cases.equal(names(Converted(rdb, "valkey-9", "--lossy").good().out),
                [name for name in names(rdb) if name not in of])


def test_usage():
    for words, said in (
            ([], "--to is missing: one of redis-2.8 redis-3 redis-3.0"),
            (["--to", "redis-5.1"], "--to redis-5.1: not known; one of "),
            (["--to", "redis-7", "--lossy-list", "x"],
             "--lossy-list is for --lossy: without it, nothing is dropped")):
        got = programs.run("rdb-convert", *words)
        cases.equal(got.code, 2)
        cases.holds(said, got.err)
    got = programs.run("rdb-convert", "--to", "redis-7", "--lossy",
                       "--lossy-list", "/nowhere/x")
    cases.equal(got.code, 3)
    cases.holds("cannot open /nowhere/x: no such file", got.err)


def test_help_lists_engines():
    """All that --to knows."""
    said = programs.run("rdb-convert", "--help").good().out.decode()
    for name in TARGETS:
        cases.holds(name, said)


def test_few_lines():
    """Of many losses the first are shown, and how many there were."""
    f = rb.File(version=12)
    for i in range(50):
        f.key(24, f"h{i}", (1).to_bytes(8, "little") + rb.length(1) +
              rb.length(data.FAR) + rb.string("f") + rb.string("v"))
    f.end()
    got = programs.run("rdb-convert", "--to", "redis-7.2", "--lossy",
                       input=f.bytes()).good()
    lines = got.err.decode().splitlines()
    cases.equal(len(lines), 22)
    cases.equal(lines[0],
                'rdb-convert: dropped: db 0 key "h0" field-ttls 1')
    cases.equal(lines[20], "rdb-convert: dropped: more keys follow; "
                "--lossy-list lists all")
    cases.equal(lines[21], "rdb-convert: warning: dropped in all, from 50 "
                "keys: field-ttls 50")


def test_cut():
    """An input that ends early never becomes an RDB that looks good."""
    rdb = dump_of("redis-7.0")[0]
    for n in (len(rdb) - 1, len(rdb) - 9, len(rdb) // 2, 9, 5, 0):
        got = Converted(rdb[:n], "redis-6.2", "--lossy")
        cases.equal(got.code, 1)
        cases.equal(programs.run("rdb-verify", "-", input=got.out).code, 1)


# --- memory ---

def test_memory():
    """An element larger than what is ever gathered passes through."""
    path = os.path.join(_scratch, "large.rdb")
    out = os.path.join(_scratch, "small.rdb")
    push = "redis.call('RPUSH', KEYS[1], 'small', " \
        f"string.rep('x', {90 << 20}), 7, 'small too')"
    with servers.Server("redis-7.0") as server, server.client() as client:
        client.call("CONFIG", "SET", "rdbcompression", "no")
        client.call("EVAL", push, 1, "packed")
        client.call("DEBUG", "QUICKLIST-PACKED-THRESHOLD", "4096B")
        client.call("EVAL", push, 1, "plain")
        # Not into this python, whose size would count as the program's.
        programs.shell(f"rdb-capture {server.url()} > {path}").good()
    with open(path, "rb") as source, open(out, "wb") as to:
        got, = programs.chain(["rdb-convert", "--to", "redis-6.0"],
                              stdin=source, stdout=to)
    got.good()
    line = [programs.run("rdb-digest", p).good().out.split()[0]
            for p in (path, out)]
    cases.equal(line[1], line[0])
    if not programs.sanitized("rdb-convert"):
        assert got.peak < 64 << 20, f"{got.peak >> 20} MiB"
    os.remove(path)
    os.remove(out)


if __name__ == "__main__":
    cases.main()
