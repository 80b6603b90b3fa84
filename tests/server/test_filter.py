#!/usr/bin/env python3
"""rdb-filter: what it lets through, and that servers take it.

Goal: what is filtered loads natively, by each engine, and the server then holds
exactly the keys that the source says match, with the types and times that were
asked for; redis-check-rdb accepts it; patterns mean what KEYS means; what is bad
never becomes an RDB.
"""

import glob
import json
import os
import random
import struct
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)),
                                ".."))

from harness import cases, data, engines, programs, rdbbytes  # noqa: E402
from harness.cases import each, equal, holds  # noqa: E402
from harness.servers import Server  # noqa: E402

CORPUS = os.path.join(programs.ROOT, "..", "shared", "corpus")
FAR = 4102444800000         # 2100-01-01 in ms
HOUR = 3600000


def filtered(dump, *words):
    """The output, and the facts, of a good run."""
    r, w = os.pipe()
    with os.fdopen(r) as reader:
        result = programs.run("rdb-filter", "--facts-fd", w, *words,
                              input=dump, pass_fds=[w]).good()
        os.close(w)
        return result, dict(line.split() for line in reader)


def digest(dump, *words):
    said = programs.run("rdb-digest", *words, input=dump).good().out.decode()
    return said.rsplit("  ", 1)[0]


def contents(server):
    """{(db, key): (type, time of expiry)}."""
    found = {}
    with server.client() as client:
        for db in data.counts(server):
            client.call("SELECT", db)
            for key in client.call("KEYS", "*"):
                found[db, key] = (client.call("TYPE", key).decode(),
                                  client.call("PEXPIRETIME", key))
    return found


def slot(key):
    crc = 0
    begin = key.find(b"{")
    end = key.find(b"}", begin + 1) if begin >= 0 else -1
    for byte in key[begin + 1:end] if end > begin + 1 else key:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ (0x1021 if crc & 0x8000 else 0)) & 0xffff
    return crc % 16384


def moved(time, how):
    return how(time) if time != -1 else -1


# Words for rdb-filter, and what becomes of a key: (db, key, type, time) or None.
ASKS = [
    ((), lambda d, k, t, x: (d, k, t, x)),
    (("--db", "0"), lambda d, k, t, x: (d, k, t, x) if d == 0 else None),
    (("--type", "hash,stream"), lambda d, k, t, x:
     (d, k, t, x) if t in ("hash", "stream") else None),
    (("--not-type", "string", "--key", "*[0-3]"), lambda d, k, t, x:
     (d, k, t, x) if t != "string" and k[-1:] in b"0123" and k else None),
    (("--slots", "0-5460,16000-16383"), lambda d, k, t, x:
     (d, k, t, x) if slot(k) <= 5460 or slot(k) >= 16000 else None),
    (("--map-db", "0=5", "--map-db", "*=7", "--db", "0-1"),
     lambda d, k, t, x: {0: (5, k, t, x), 1: (7, k, t, x)}.get(d)),
    (("--rename-prefix", "s=renamed:", "--rename-prefix", "str="),
     lambda d, k, t, x: (d, k[3:] if k[:3] == b"str" else
                         b"renamed:" + k[1:] if k[:1] == b"s" else k, t, x)),
    (("--ttl", "drop"), lambda d, k, t, x: (d, k, t, -1)),
    (("--ttl", "shift=+2h"),
     lambda d, k, t, x: (d, k, t, moved(x, lambda x: x + 2 * HOUR))),
    (("--ttl", "shift=-30m"),
     lambda d, k, t, x: (d, k, t, moved(x, lambda x: x - HOUR // 2))),
    (("--ttl", "floor=1h", "--now", str(FAR + 1000000)), lambda d, k, t, x:
     (d, k, t, moved(x, lambda x: max(x, FAR + 1000000 + HOUR)))),
    (("--key", "nothing:is:named:so"), lambda d, k, t, x: None),
]


def loads(engine, dump, how):
    """Load it, as a file or by rdb-restore: what the server holds."""
    if how == "restore":
        with Server(engine, config=["databases 64"]) as target:
            programs.run("rdb-restore", target.url(), input=dump).good()
            return contents(target)
    with tempfile.NamedTemporaryFile(suffix=".rdb") as f:
        f.write(dump)
        f.flush()
        with Server(engine, config=["databases 64"], rdb=f.name) as target:
            return contents(target)


def check_rdb(engine, dump):
    with tempfile.NamedTemporaryFile(suffix=".rdb") as f:
        f.write(dump)
        f.flush()
        said = subprocess.run([engine.check_rdb, f.name], check=False,
                              capture_output=True, text=True)
        equal(said.returncode, 0, said.stdout + said.stderr)
        holds("Checksum OK", said.stdout)


@each(*engines.NAMES)
def test_servers_take_it(name):
    """A server's data, filtered in many ways, and what another makes of it."""
    engine = engines.get(name)
    with Server(engine, config=["databases 64"]) as source:
        data.fill(source, keys=300)
        dump = programs.run("rdb-capture", source.url()).good().out
        held = contents(source)
    for i, (words, becomes) in enumerate(ASKS):
        want = {(n[0], n[1]): n[2:] for n in (
            becomes(db, key, *of) for (db, key), of in held.items()) if n}
        result, facts = filtered(dump, *words)
        equal(int(facts["keys-in"]), len(held), f"{words}: keys in")
        equal(int(facts["keys-out"]), len(want), f"{words}: keys out")
        equal(sum(int(n) for fact, n in facts.items()
                  if fact.startswith("left-by-")), len(held) - len(want))
        if want:
            equal(result.err, b"", "words")
        equal(int(facts["bytes-out"]), len(result.out), "bytes out")
        check_rdb(engine, result.out)
        if i % 3 == 0 or name == "redis-7.0":
            got = loads(engine, result.out, ("file", "restore")[i % 2])
            equal({k: of for k, of in got.items() if want.get(k) != of}, {},
                  f"{words}: not as asked")
            equal(want.keys() - got.keys(), set(), f"{words}: missing")
    # Nothing asked for is nothing changed.
    equal(filtered(dump)[0].out, dump, "unfiltered")


def field_times(server):
    """{(key, field): its time, or -1}."""
    with server.client() as client:
        return {(key, field): time for key in client.call("KEYS", "hash:ttl:*")
                for fields in [client.call("HKEYS", key)]
                for field, time in zip(fields, client.call(
                    "HPEXPIRETIME", key, "FIELDS", len(fields), *fields))}


@each("redis-8.0", "valkey-9")
def test_times_of_fields(name):
    """--ttl is for them, too, in small hashes and in large ones."""
    engine = engines.get(name)
    with Server(engine) as source:
        data.fill(source, keys=10)
        dump = programs.run("rdb-capture", source.url()).good().out
        held = field_times(source)
    assert len(set(held.values())) > 100
    for how, becomes in (
            ("drop", lambda x: -1), ("shift=+2h", lambda x: x + 2 * HOUR),
            ("shift=-1d", lambda x: x - 24 * HOUR),
            ("floor=1ms", lambda x: max(x, FAR + 3))):
        words = ["--now", FAR + 2] if how == "floor=1ms" else []
        result, facts = filtered(dump, "--ttl", how, *words)
        equal(facts["hashes-rewritten"], "3")
        check_rdb(engine, result.out)
        with Server(engine) as target:
            programs.run("rdb-restore", target.url(),
                         input=result.out).good()
            equal(field_times(target),
                  {at: moved(time, becomes) for at, time in held.items()}, how)
        # Without times they are hashes that older servers load as well.
        said = programs.run("rdb-print", "-f", "csv", "--prefix", "hash:ttl:",
                            input=result.out).good().out
        equal(b",hash-metadata," in said or b",hash-2," in said,
              how != "drop", f"{how}: hashes that may have times")
    there, _ = filtered(dump, "--ttl", "shift=+2h")
    equal(digest(filtered(there.out, "--ttl", "shift=-2h")[0].out),
          digest(dump), "there and back")


def test_functions():
    f = rdbbytes.File(version=10).function(
        "#!lua name=l\nredis.register_function('f', function() end)")
    f.select(0).key(rdbbytes.STRING, "k", rdbbytes.string("v"))
    dump = f.end().bytes()
    result, facts = filtered(dump, "--type", "hash")
    equal((facts["functions-in"], facts["functions-out"]), ("1", "1"))
    holds("functions ", digest(result.out))
    result, facts = filtered(dump, "--no-functions")
    equal((facts["functions-in"], facts["functions-out"]), ("1", "0"))
    holds("functions none  1 key", digest(result.out))


def simple(*keys, version=10, crc=True):
    """Keys of (db, name, time or None)."""
    f = rdbbytes.File(version=version).aux("redis-ver", "7.0.15")
    for db, name, time in keys:
        f.select(db)
        if time is not None:
            f.expire_ms(time)
        f.key(rdbbytes.STRING, name, rdbbytes.string("v"))
    return f.end().bytes()


def test_what_stands_before_a_value():
    """It stays when the key gets another name; both ways of ageing, too, though
    no server writes both."""
    def dump(key):
        meta = struct.pack("<BI", 1, 0x12345678) + b"\x02\x05\x00"
        return rdbbytes.File(version=13).select(3).expire_ms(FAR).idle(
            70000).freq(255).opcode(243, meta).key(
            rdbbytes.LIST, key, rdbbytes.strings("a")).end().bytes()
    equal(filtered(dump("k"), "--rename-prefix", "k=other")[0].out,
          dump("other"))


def test_what_only_forks_say_goes_with_its_key():
    f = rdbbytes.File(version=10).select(0)
    for opcode, key in ((107, "a"), (121, "b")):
        f.opcode(opcode, rdbbytes.length(3)).key(
            rdbbytes.STRING, key, rdbbytes.string("v"))
    result, _ = filtered(f.end().bytes(), "--prefix", "b")
    equal(result.out, rdbbytes.File(version=10).select(0).opcode(
        121, rdbbytes.length(3)).key(
        rdbbytes.STRING, "b", rdbbytes.string("v")).end().bytes())


def test_nothing_left():
    dump = simple((0, "a", None), (3, "b", 5))
    result, facts = filtered(dump, "--db", "1")
    equal(result.err, b"rdb-filter: warning: no key is left of 2\n")
    equal(result.out, simple(), "an empty RDB with the header's words")
    equal(filtered(simple(), "--db", "1")[0].err, b"")
    equal(facts["left-by-db"], "2")


def hinted(magic, more, hints, *keys):
    """A file in which `more` stands behind the hints."""
    f = rdbbytes.File(version=12, magic=magic)
    if hints:
        f.select(0).resize(2, 1).opcode(rdbbytes.SLOT_INFO, bytes([5, 2, 1]))
    f.raw(more)
    if not hints:
        f.select(0)     # where a key needs it
    for key in keys:
        f.key(rdbbytes.STRING, key, rdbbytes.string("v"))
    return f.end().bytes()


@each((b"REDIS0012", b""),
      (b"VALKEY080", bytes([243, 40]) + b"0123456789" * 4 + bytes([1, 7, 9])))
def test_hints_of_what_is_to_come(magic, more):
    """Kept when every key is, else they would be wrong.  The import of a slot
    is no hint."""
    dump = hinted(magic, more, True, "one", "two")
    equal(filtered(dump)[0].out, dump)
    equal(filtered(dump, "--key", "two")[0].out,
          hinted(magic, more, False, "two"))


def positioned(position):
    """A file with functions and two keys that says where in a replication it
    was, or does not."""
    f = rdbbytes.File(version=10).aux("redis-ver", "7.0.15")
    if position:
        f.aux("repl-stream-db", "0").aux("repl-id", "a" * 40)
        f.aux("repl-offset", "14")
    f.aux("repl-other", "1").opcode(rdbbytes.FUNCTION, rdbbytes.string(
        "#!lua name=a\nredis.register_function('f', function() end)"))
    f.select(0).key(rdbbytes.STRING, "one", rdbbytes.string("v"))
    f.expire_ms(FAR).key(rdbbytes.STRING, "two", rdbbytes.string("v"))
    return f.end().bytes()


def test_position_in_a_replication():
    """It is true only of all that was there, as it was: a server would go on
    from there."""
    equal(filtered(positioned(True))[0].out, positioned(True))
    for words in (["--no-functions"], ["--key", "*"], ["--ttl", "drop"],
                  ["--type", "string"], ["--not-type", "module"],
                  ["--expired", "drop"], ["--slots", "0-16383"],
                  ["--map-db", "0=1"], ["--rename-prefix", "a=b"]):
        equal(filtered(positioned(True), *words)[0].out,
              filtered(positioned(False), *words)[0].out, words)


def test_expired_is_what_the_digest_leaves_out():
    dump = simple((0, "a", 1000), (0, "b", 1001), (1, "c", None))
    for moment in (999, 1000, 1001):
        result, _ = filtered(dump, "--expired", "drop", "--now", moment)
        equal(digest(result.out), digest(dump, "--at", moment), moment)
    equal(digest(filtered(dump, "--expired", "drop")[0].out),
          digest(simple((1, "c", None))))


def test_two_keys_under_one_name():
    """Servers give up on such a file, so there is none."""
    for words, keys, name in (
            (("--map-db", "1=0"), ((0, "k", None), (1, "k", None)), "k"),
            (("--map-db", "*=9"), ((4, "k", None), (5, "k", None)), "k"),
            (("--rename-prefix", "a:=b:"),
             ((0, "b:1", None), (0, "a:1", None)), "b:1")):
        result = programs.run("rdb-filter", *words, input=simple(*keys))
        equal(result.code, 1)
        db = 9 if "*=9" in words else 0
        equal(result.err.decode(),
              f'rdb-filter: key "{name}" in database {db}: two keys would get '
              "this name, and no server loads that\n")
        equal(programs.run("rdb-verify", input=result.out).code, 1)
    # Databases that change places are fine.
    filtered(simple((0, "k", None), (1, "k", None)), "--map-db", "0=1",
             "--map-db", "1=0")


def test_bad_input_never_becomes_an_rdb():
    dump = simple((0, "a", None), (0, "b", None))
    bad = [dump[:n] for n in range(len(dump))]
    bad += [dump[:n] + bytes([dump[n] ^ 1]) + dump[n + 1:]
            for n in (30, len(dump) - 1)]
    for cut in bad:
        result = programs.run("rdb-filter", "--key", "a", input=cut)
        equal(result.code, 1, repr(result))
        equal(result.err.count(b"\n"), 1, result.err)
        equal(programs.run("rdb-verify", input=result.out).code, 1)


def test_no_checksum():
    dump = simple((0, "a", None))[:-8] + bytes(8)
    result, _ = filtered(dump)
    equal(result.err, b"rdb-filter: warning: the input has no checksum: the "
          b"output's says nothing about what was before\n")
    equal(result.out, simple((0, "a", None)))
    # Before version 5 there is none at all.
    result, _ = filtered(simple((0, "a", None), version=4))
    equal(result.out, simple((0, "a", None), version=4))


def test_module_data_goes_with_module_keys():
    aux = bytes([rdbbytes.MODULE_AUX]) + rdbbytes.length(1 << 40) + \
        b"\x02\x02" + b"\x00"
    f = rdbbytes.File(version=10).raw(aux).select(0)
    dump = f.key(rdbbytes.STRING, "k", rdbbytes.string("v")).end().bytes()
    equal(filtered(dump)[0].out, dump)
    for words in (("--type", "string"), ("--not-type", "module")):
        equal(aux in filtered(dump, *words)[0].out, False, words)
    equal(aux in filtered(dump, "--not-type", "hash")[0].out, True)


def test_patterns_mean_what_keys_means():
    """Random ones, the malformed among them, as a server sees them."""
    rng = random.Random(7)
    keys = {"".join(rng.choice("ab[]^-\\*?c") for _ in range(rng.randint(1, 5)))
            for _ in range(300)}
    with Server() as server:
        with server.client() as client:
            for key in keys:
                client.call("SET", key, "v")
            dump = programs.run("rdb-capture", server.url()).good().out
            for _ in range(programs.SOAK and 5000 or 250):
                pattern = "".join(rng.choice("ab[]^-\\*?*c")
                                  for _ in range(rng.randint(1, 7)))
                want = len(client.call("KEYS", pattern))
                equal(int(filtered(dump, "--key=" + pattern)[1]["keys-out"]),
                      want, f"pattern {pattern!r}")


# --- dumps of the corpus, if it is there ---

def corpus(name):
    path = os.path.join(CORPUS, name)
    if not os.path.exists(path):
        cases.skip("no ../shared/corpus here")
    with open(path, "rb") as f:
        return f.read()


def names(dump, *words):
    """How many keys are left, by each of these patterns."""
    return int(filtered(dump, *words)[1]["keys-out"])


def test_corpus_types_and_databases():
    lists = corpus("librdb/multiple_lists_strings.rdb")
    want = "{" + corpus("librdb/multiple_lists_strings_subset_list.json") \
        .decode() + "}"
    out, facts = filtered(lists, "--type", "list")
    equal(int(facts["keys-out"]), len(json.loads(want)))
    for key in json.loads(want):
        equal(names(out.out, "--prefix", key, "--key", key), 1, key)
    want = "{" + corpus("librdb/multiple_lists_strings_subset_str.json") \
        .decode() + "}"
    for key in json.loads(want):
        equal(names(lists, "--type", "string", "--key", key), 1, key)
    equal(names(lists, "--type", "string"), len(json.loads(want)))
    dbs = corpus("librdb/multiple_dbs.rdb")
    for db, held in enumerate(json.loads(
            corpus("librdb/multiple_dbs_data.json"))):
        equal(names(dbs, "--db", db), len(held), f"database {db}")
        for key in held:
            equal(names(dbs, "--db", db, "--key", key), 1, key)
    equal(digest(filtered(dbs, "--map-db", "*=2")[0].out).split()[-2:],
          digest(dbs).split()[-2:])


def test_corpus_expired():
    dump = corpus("librdb/set_expired_v11.rdb")
    equal(names(dump, "--expired", "drop"), 0)
    equal(names(dump, "--expired", "drop", "--ttl", "shift=+3650d"), 0)
    equal(names(dump, "--ttl", "floor=1h"), names(dump))
    late = filtered(dump, "--ttl", "floor=1h")[0].out
    equal(names(late, "--expired", "drop"), names(dump))


def test_corpus_of_the_python_tools():
    dump = corpus("redis-rdb-tools/parser_filters.rdb")
    assert names(dump) > 0
    total = sum(names(dump, "--type", t) for t in (
        "string", "list", "set", "zset", "hash", "stream", "module", "array"))
    equal(total, names(dump))
    equal(names(dump, "--key", "k[0-9]") + names(dump, "--not-key", "k[0-9]"),
          names(dump))
    equal(names(dump, "--slots", "0-8191") +
          names(dump, "--slots", "8192-16383"), names(dump))


def test_corpus_survives():
    """Unfiltered, each has the digest that it had."""
    found = glob.glob(os.path.join(CORPUS, "*", "*.rdb"))
    if not found:
        cases.skip("no ../shared/corpus here")
    for path in found:
        with open(path, "rb") as f:
            dump = f.read()
        good = programs.run("rdb-digest", input=dump)
        result = programs.run("rdb-filter", "--expired", "drop", "--now", "1",
                              input=dump)
        equal(result.code, good.code, path)
        if good.code == 0:
            equal(digest(result.out, "--at", "1"), digest(dump, "--at", "1"),
                  path)


if __name__ == "__main__":
    cases.main()
