#!/usr/bin/env python3
"""Every source into every target by every way, and what docs/compatibility.md
says of it.

Goal: the data in the target is the same, by digest, or the refusal says why and
how far it came; nothing in between.  The table in the docs is what is measured
here: a case fails when its row there is another one.  After a change that is
meant, RDBPIPE_WRITE=1 writes the rows instead.

Sources are servers here, and streams of Redis 5 and 6: one written byte by byte,
and real dumps where there are any.
"""

import glob
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)),
                                ".."))

from harness import cases, data, engines, programs, servers  # noqa: E402
from harness import rdbbytes as rb  # noqa: E402
from test_commands import more  # noqa: E402
from test_fill import restore  # noqa: E402

PAGE = os.path.join(programs.ROOT, "docs", "compatibility.md")
WRITE = os.environ.get("RDBPIPE_WRITE") == "1"
CORPUS = sorted(glob.glob(os.path.join(
    programs.ROOT, "..", "shared", "corpus", "*", "*.rdb")))
KEYS = 20000 if programs.SOAK else 0
NOW = data.FAR - 1      # what lives then, is compared: all that is to stay

OLD = "redis-6"
TITLES = {OLD: "Redis 5, 6", "redis-7.0": "Redis 7.0", "redis-8.0": "Redis 8.0",
          "valkey-8.1": "Valkey 8.1", "valkey-9": "Valkey 9"}
WAYS = ("native", "convert", "restore", "commands", "auto")

YES = "yes"
TIMES = "times of fields"       # the target has none: the reason of a refusal
LOSSY = {"convert": "use `--lossy`"}
LOSSY_FIRST = "`rdb-convert --lossy` first"


class Dump:
    """An RDB, its digest, and what its server's own digests were of it."""

    def __init__(self, rdb, server=None):
        self.rdb, self.digest = rdb, digest(rdb)
        self.own = Own(server) if server else None


class Own:
    """A server's own digests: of all, and of the values in database 0."""

    def __init__(self, server):
        self.all = server.digest()
        with server.client() as client:
            keys = client.call("KEYS", "*")
            self.values = dict(zip(keys, client.pipeline(
                ("DEBUG", "DIGEST-VALUE", key) for key in keys)))
            self.types = dict(zip(keys, client.pipeline(
                ("TYPE", key) for key in keys)))

    def versus(self, other):
        """In words: does the other have the same?"""
        if self.all == other.all:
            return YES
        kinds = {"hashes with field times" if key.startswith(b"hash:ttl:")
                 else {b"zset": "sorted sets"}.get(kind, kind.decode())
                 for key, kind in self.types.items()
                 if self.values[key] != other.values.get(key)}
        return "all but " + " and ".join(sorted(kinds)) if kinds else "no"


def digest(rdb):
    """The line of rdb-digest."""
    said = programs.run("rdb-digest", "--at", NOW, "-", input=rdb).good().out
    return said.decode().rsplit("  ", 1)[0]


def capture(server):
    return programs.run("rdb-capture", server.url()).good().out


# --- what there is ---

_servers, _dumps = {}, {}


def server_of(name):
    """One for all cases: a target is emptied, not started again."""
    if name not in _servers:
        _servers[name] = servers.Server(name)
    return _servers[name]


def empty(server):
    server.call("FLUSHALL")
    server.call("FUNCTION", "FLUSH")


def dumps_of(name):
    """[(with all the source knows, the same without times of fields)]: the
    second is None where the first has none."""
    if name not in _dumps:
        _dumps[name] = old_dumps() if name == OLD else [new_dumps(name)]
    return _dumps[name]


def new_dumps(name):
    server = server_of(name)
    empty(server)
    data.showcase(server)
    data.bulk(server, KEYS)
    more(server)
    full = Dump(capture(server), server)
    if not server.engine.field_ttls:
        return full, None
    with server.client() as client:
        for key in client.call("KEYS", "hash:ttl:*"):
            fields = client.call("HKEYS", key)
            client.call("HPERSIST", key, "FIELDS", len(fields), *fields)
    return full, Dump(capture(server), server)


def old_dumps():
    found = [own_dump()]
    for path in CORPUS:
        with open(path, "rb") as file:
            rdb = file.read()
        if rdb[:9] != b"REDIS0009":
            continue
        # What a module keeps beside the keys ends a server that lacks it.
        kept = programs.run("rdb-filter", "--not-type", "module",
                            input=rdb).good().out
        if " 0 keys" not in digest(kept):
            found.append(kept)
    return [(Dump(rdb), None) for rdb in found]


def ziplist(*elements):
    """The ziplist of these; an int is encoded as one, else as a string."""
    body, before, at = b"", 0, 0
    for element in elements:
        at = len(body)
        entry = (bytes([before]) if before < 254 else
                 b"\xfe" + before.to_bytes(4, "little")) + _zl_data(element)
        body += entry
        before = len(entry)
    return (len(body) + 11).to_bytes(4, "little") + \
        (at + 10).to_bytes(4, "little") + \
        len(elements).to_bytes(2, "little") + body + b"\xff"


def _zl_data(element):
    if isinstance(element, int):
        if 0 <= element <= 12:
            return bytes([0xf1 + element])
        code, size = next((c, n) for c, n in (
            (0xfe, 1), (0xc0, 2), (0xf0, 3), (0xd0, 4), (0xe0, 8))
            if -(1 << 8 * n - 1) <= element < 1 << 8 * n - 1)
        return bytes([code]) + element.to_bytes(size, "little", signed=True)
    text = rb.to_bytes(element)
    # The lengths of strings are, unlike all else here, big endian.
    head = bytes([len(text)]) if len(text) < 64 else \
        (0x4000 | len(text)).to_bytes(2, "big") if len(text) < 1 << 14 else \
        b"\x80" + len(text).to_bytes(4, "big")
    return head + text


def stream_of_5():
    """Type 15: entries 1-0 to 1-4, 1-1 deleted; two pending, and a consumer
    with nothing."""
    def ident(seq):
        return (1).to_bytes(8, "big") + seq.to_bytes(8, "big")
    moment = (1700000000000).to_bytes(8, "little")
    node = rb.listpack(4, 1, 1, "f", 0, *(
        x for seq in range(5)
        for x in (3 if seq == 1 else 2, 0, seq, f"v{seq}", 4)))
    pending = b"".join(ident(n) + moment + rb.length(n) for n in (0, 2))
    owner = rb.string("ann") + moment + rb.length(2) + ident(0) + ident(2)
    idle = rb.string("bob") + moment + rb.length(0)
    group = rb.string("g") + rb.length(1) + rb.length(2) + rb.length(2) + \
        pending + rb.length(2) + owner + idle
    fresh = rb.string("new") + rb.length(0) + rb.length(0) + rb.length(0) + \
        rb.length(0)
    return rb.length(1) + rb.string(ident(0)) + rb.string(node) + \
        rb.length(4) + rb.length(1) + rb.length(4) + rb.length(2) + \
        group + fresh


def own_dump():
    """Every type that Redis 5 and 6 write, in each of its encodings."""
    f = rb.File(9).aux("redis-ver", "6.2.14").aux("redis-bits", "64")
    f.select(0)
    f.key(rb.STRING, "text", rb.string("hello"))
    f.key(rb.STRING, b"\x00\xff", rb.string(b"\r\n\x00\xff" * 99))
    f.key(rb.STRING, "empty", rb.string(""))
    f.key(rb.STRING, "packed", rb.lzf_literal("z" * 500))
    for n in (0, -1, 127, -32768, 2147483647):
        f.key(rb.STRING, f"int:{n}", rb.integer(n))
    ends = (0, 12, 13, -1, 127, -128, 128, 32767, -32769, 8388607, -8388609,
            2 ** 31, -2 ** 63, "", "a", "b" * 63, "c" * 64, "d" * 300, "007",
            "e" * 16384, "last")
    f.key(rb.QUICKLIST, "list", rb.length(3) + rb.string(ziplist(*ends)) +
          rb.lzf_literal(ziplist("x", 1)) + rb.string(ziplist("y" * 70000)))
    for fmt, top in ("16", 300), ("32", 70000), ("64", 2 ** 40):
        f.key(rb.INTSET, f"set:int{fmt}", rb.string(rb.intset([1, -2, top])))
    f.key(rb.SET, "set", rb.strings("a", "", b"\x00", "7", "m" * 5000))
    f.key(rb.ZSET_ZIPLIST, "zset:small", rb.string(ziplist(
        "low", "-inf", "a", -3, "b", 0, "c", "0.5", "d", "2.5", "high",
        "inf")))
    f.key(rb.ZSET_2, "zset", rb.scores(
        {f"m{n}": n / 8 for n in range(300)} | {"top": float("inf"),
                                                "tenth": 0.1}))
    f.key(rb.HASH_ZIPLIST, "hash:small", rb.string(ziplist(
        "name", "Ada", "age", 36, "", "", "n", -70000)))
    f.key(rb.HASH, "hash", rb.pairs({f"f{n}": f"v{n * n}" for n in
                                     range(600)} | {"long": "w" * 9000}))
    f.key(rb.STREAM, "stream", stream_of_5())
    f.expire_ms(data.FAR).key(rb.STRING, "expiring", rb.string("v"))
    f.expire_ms(data.FAR + 1).idle(77)
    f.key(rb.HASH, "expiring:hash", rb.pairs({"f": "v"}))
    f.freq(9).key(rb.SET, "often", rb.strings("m"))
    f.expire_ms(1500000000000).key(rb.STRING, "over", rb.string("long ago"))
    for n in range(KEYS):
        f.key(rb.HASH_ZIPLIST, f"user:{n}", rb.string(ziplist(
            "name", f"name {n}", "id", n)))
    f.select(3).resize(1, 0).key(rb.STRING, "in:three", rb.string("3"))
    return f.end().bytes()


# --- one way from one to another ---

class Outcome:
    """YES, or the reason of a refusal; and the way that was taken."""

    def __init__(self, words, way):
        self.words, self.way = words, way


def reason(text, target):
    """A refusal in the table's words: without addresses, keys, numbers of
    patches, and advice in brackets."""
    text = text.strip().split("\n")[-1]
    if "expiry of a hash's fields" in text or "times of fields" in text:
        return TIMES
    text = re.sub(r"^rdb-\w+: (127\.0\.0\.1:\d+: )?", "", text)
    text = re.sub(r" \(.*\)", "", text)
    return re.sub(r"(Redis|Valkey) \d+\.\d+\.\d+", TITLES[target], text)


def go(dump, target, way, lossy=False, want=None):
    """Send a dump this way; want: the one it has become, if another.  Asserts
    all that must be so in any outcome."""
    server, rdb = server_of(target), dump.rdb
    empty(server)
    if way == "convert" or lossy:
        made = programs.run("rdb-convert", "--to", target, input=rdb,
                            *(["--lossy", "-q"] if lossy else []))
        if made.code != 0:
            cases.equal((made.code, made.err.count(b"\n")), (1, 1), made)
            return Outcome(reason(made.err.decode(), target), way)
        rdb = made.out
    via = "native" if way == "convert" else way
    got = restore(server.url(), "--via", via, input=rdb)
    if got.code != 0:
        return refused(server, got, target)
    taken = got.facts["via"]
    cases.equal(taken, via if via != "auto" else taken)
    cases.equal(digest(capture(server)), (want or dump).digest,
                f"data in {target} by {way}")
    return Outcome(YES, taken)


def refused(server, got, target):
    """What is in the target then is what the error says."""
    cases.equal(got.code, 4, got)
    said = got.err.decode()
    kept = re.search(r"; (\d+) keys? (was|were) restored before", said)
    held = sum(keys for keys, _ in data.counts(server).values())
    cases.equal(held, int(kept[1]) if kept else 0, f"keys kept after {said}")
    words, way = reason(said, target), re.search(r" via (\w+)", said)
    assert kept is None or words == TIMES, f"begun, but then refused: {said}"
    return Outcome(words, way[1] if way else None)


# --- a row of the table ---

class Row:
    """All ways from a source to a target, in words."""

    def __init__(self, source, target):
        self.source, self.target = source, target
        self.own = {}           # of the target, by what was sent
        self.cells = {way: self._cell(way) for way in WAYS}
        self.cells["own"] = self._own_digest()

    def _cell(self, way):
        words = {self._words(way, full, without)
                 for full, without in dumps_of(self.source)}
        return "; ".join(sorted(words))

    def _words(self, way, full, without):
        all_of_it = self._go(full, way)
        words, taken = all_of_it.words, all_of_it.way
        if without is not None:
            rest = self._go(without, way)
            if words == TIMES:
                cases.equal(rest.words, YES, f"{way} without field times")
                words = self._lossy(way, full, without)
            else:
                cases.equal(rest.words, words, f"{way} without field times")
        if words != YES and not words.startswith(YES):
            return "no: " + words
        return f"{taken}: {words}" if way == "auto" else words

    def _lossy(self, way, full, without):
        """Only the times of fields are lost."""
        outcome = go(full, self.target, way, lossy=True, want=without)
        cases.equal(outcome.words, YES, f"{way} of what --lossy left")
        self._note(without, outcome)
        return f"{YES}, without field times: {LOSSY.get(way, LOSSY_FIRST)}"

    def _go(self, dump, way):
        outcome = go(dump, self.target, way)
        if outcome.words == YES:
            self._note(dump, outcome)
        return outcome

    def _note(self, dump, outcome):
        """Whichever way data came, the target itself sees no difference."""
        seen = Own(server_of(self.target))
        known = self.own.setdefault(dump, seen)
        what = f"in {self.target}, by {outcome.way}"
        cases.equal(seen.values, known.values, f"DEBUG DIGEST-VALUE {what}")
        if dump.own is not None:    # the others have keys that expired
            cases.equal(seen.all, known.all, f"DEBUG DIGEST {what}")

    def _own_digest(self):
        """Of the most that both can hold."""
        full, without = dumps_of(self.source)[0]
        if full.own is None:
            return "nobody to ask"
        dump = full if full in self.own else without
        return dump.own.versus(self.own[dump])

    def line(self):
        return "| " + " | ".join([TITLES[self.source], TITLES[self.target],
                                  *self.cells.values()]) + " |"


def row_of_page(page, source, target):
    start = f"| {TITLES[source]} | {TITLES[target]} |"
    found = [line for line in page.split("\n") if line.startswith(start)]
    cases.equal(len(found), 1, f"rows of {PAGE} that begin {start}")
    return found[0]


@cases.each(*((a, b) for a in TITLES for b in engines.NAMES))
def test_pair(source, target):
    for name in {source, target} - {OLD}:
        engines.get(name)
    measured = Row(source, target).line()
    with open(PAGE) as file:
        page = file.read()
    written = row_of_page(page, source, target)
    if WRITE and measured != written:
        with open(PAGE, "w") as file:
            file.write(page.replace(written, measured))
        print(f"written: {measured}")
        return
    cases.equal(written, measured, "the row in docs/compatibility.md (with "
                "RDBPIPE_WRITE=1 this test writes what it measures)")


def test_whole_table():
    """No row is missing, none is of something else."""
    with open(PAGE) as file:
        rows = [line for line in file.read().split("\n")
                if line.startswith(("| Redis", "| Valkey"))]
    cases.equal([tuple(row.split(" | ")[:2]) for row in rows],
                [(f"| {a}", b) for a in TITLES.values()
                 for b in map(TITLES.get, engines.NAMES)])


if __name__ == "__main__":
    cases.main()
