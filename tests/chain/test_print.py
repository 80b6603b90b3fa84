#!/usr/bin/env python3
"""rdb-print: what is in a stream, as text.

Goal: the JSON of every dump of the corpus that librdb has written down, as
values (when the corpus is there); the exact text of every format for values of
every type built here; that binary data can be turned back; that what was cut or
is bad never looks complete; and that memory does not grow with a value.
"""

import base64
import csv
import glob
import io
import json
import os
import pty
import struct
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)),
                                ".."))

from harness import cases, programs, rdbbytes as rb  # noqa: E402
from harness.cases import each, equal, holds  # noqa: E402
from harness.programs import run  # noqa: E402

CORPUS = os.path.join(programs.ROOT, "..", "shared", "corpus", "librdb")

# The dump that librdb's expected output is of, where the name does not say.
DUMP_OF = {"hash_data": "hash_v3", "plain_hash_data": "hash_v3",
           "hash_ex_v12_data": "hash_with_expire_v12",
           "hash_lp_ex_v12_data": "hash_lp_with_hexpire_v12",
           "single_list_data": "quicklist2_v11",
           "stream_data": "stream_v11", "ziplist_data": "ziplist_v3",
           "multiple_lists_strings_no_aux": "multiple_lists_strings",
           "set_not_expired": "set_not_expired_v11"}
MORE = ["multiple_lists_strings_no_aux", "mem_policy_lfu", "mem_policy_lru",
        "set_not_expired", "string_int_encoded"]

EVERY_BYTE = bytes(range(256))
NASTY = [EVERY_BYTE, "\u4e2d\u6587 \U0001f600".encode(), b"\xe4\xb8", b"",
         b"\xed\xb2\x80\xff\\udcff", b"\x80\xc2\x80\x7f", b'"\\/\x00',
         b"\\xff \\n", b"a\nb", b"\xc3\xa9\xc3"]


def printed(data, *words):
    return run("rdb-print", *words, input=data).good().out


def as_json(data, *words):
    return json.loads(printed(data, *words))


def as_lines(data, *words):
    return [json.loads(line) for line in
            printed(data, "--format", "jsonl", *words).splitlines()]


# --- librdb's expectations ---

def expectations():
    found = glob.glob(os.path.join(CORPUS, "*_data.json"))
    return sorted(os.path.basename(f)[:-5] for f in found) + MORE


def expected(name):
    """librdb's tests keep most files without the outer brackets."""
    with open(os.path.join(CORPUS, name + ".json"), encoding="utf-8") as f:
        text = f.read()
    return json.loads(text if text.startswith("[") else "[{" + text + "}]")


def test_json_is_what_librdb_writes():
    if not os.path.isdir(CORPUS):
        cases.skip("no ../shared/corpus here")
    names = expectations()
    if len(names) < 24 + len(MORE):
        raise AssertionError(f"only {len(names)} expectations found")
    for name in names:
        want = expected(name)
        dump = DUMP_OF.get(name, name.removesuffix("_data"))
        aux = ["--aux"] if "__aux__" in want[0] else []
        got = run("rdb-print", "--format", "json", *aux,
                  os.path.join(CORPUS, dump + ".rdb")).good().out
        equal(json.loads(got), want, name)


def test_stream_with_all_is_what_librdb_writes():
    if not os.path.isdir(CORPUS):
        cases.skip("no ../shared/corpus here")
    out = run("rdb-print", "--format", "jsonl",
              os.path.join(CORPUS, "stream_v11.rdb")).good().out
    equal(json.loads(out)["value"],
          expected("stream_data_with_meta")[0]["mystream"])


# --- every type, exactly ---

def log_value():
    """The value of a STREAM_3: two entries, a group, two consumers."""
    def id_(ms, seq):
        return struct.pack(">QQ", ms, seq)
    node = rb.listpack(2, 0, 1, "f", 0, 2, 0, 0, "v", 4,
                       0, 0, 1, 1, "g", "w", 6)
    group = (rb.string("gr") + rb.length(1) + rb.length(2) +
             b"\x81" + b"\xff" * 8 +                # entries read: unknown
             rb.length(1) + id_(1, 1) + struct.pack("<Q", 1700) +
             rb.length(3) + rb.length(2) +
             rb.string("al") + struct.pack("<QQ", 50, 60) +
             rb.length(1) + id_(1, 1) +
             rb.string("bo") + struct.pack("<Qq", 70, -1) + rb.length(0))
    return (rb.length(1) + rb.string(id_(1, 1)) + rb.string(node) +
            rb.length(2) + rb.length(1) + rb.length(2) +
            rb.length(1) + rb.length(1) + rb.length(0) + rb.length(0) +
            rb.length(2) + rb.length(1) + group)


def late_log_value():
    """The value of a STREAM of type 27: no entries, a group with a pending one
    that was handed back, a producer with an ID and one without."""
    head = rb.length(0) + rb.length(0) + rb.length(9) + rb.length(0) + \
        rb.length(0) + rb.length(0) + rb.length(8) + rb.length(0) + \
        rb.length(3) + rb.length(1)
    group = (rb.string("g\u00e9") + rb.length(9) + rb.length(0) +
             rb.length(3) + rb.length(1) + struct.pack(">QQ", 8, 0) +
             struct.pack("<Q", 1700) + rb.length(2) + rb.length(0) +
             rb.length(1) + struct.pack(">QQ", 8, 0))
    made = (rb.length(100) + rb.length(50) + rb.length(2) +
            rb.string("p1") + rb.length(1) + rb.string("id\xff") +
            rb.length(8) + rb.length(0) + rb.string("p2") + rb.length(0) +
            rb.length(1) + rb.length(4))
    return head + group + made


def module_value():
    """A part of each kind, under the name of librdb's test module."""
    name, of = "test__rdb", ("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrst"
                             "uvwxyz0123456789-_")
    number = 0
    for c in name:
        number = number << 6 | of.index(c)
    minus = b"\x81" + b"\xff" * 8
    return (b"\x81" + struct.pack(">Q", number << 10 | 3) +
            rb.length(1) + minus + rb.length(2) + rb.length(300) +
            rb.length(3) + struct.pack("<f", 0.5) +
            rb.length(4) + struct.pack("<d", -0.1) +
            rb.length(5) + rb.string('t"') + rb.length(0))


def array_value():
    return (rb.length(3) + rb.length(1) + rb.length(9) +
            rb.length(0) + rb.length(0) + rb.string("text") +
            rb.length(5) + rb.length(2) + struct.pack("<d", 1.5) +
            rb.length(70) + rb.length(1) + struct.pack("<q", -7))


# name, dialect, type, value, its JSON in json, in jsonl, and from csv its
# encoding, elements and the largest
TYPES = [
    ("string", "REDIS0014", rb.STRING, rb.string("va\"l"), r'"va\"l"', None,
     "string", 4, 4),
    ("string", "REDIS0014", rb.STRING, rb.integer(-300), '"-300"', None,
     "string", 4, 4),
    ("string", "REDIS0014", rb.STRING, rb.lzf_literal("x" * 40),
     '"' + "x" * 40 + '"', None, "string", 40, 40),
    ("list", "REDIS0014", rb.LIST, rb.strings("a", "bcd"), '["a","bcd"]',
     None, "list", 2, 3),
    ("list", "REDIS0014", rb.QUICKLIST_2, rb.quicklist(["a", 7], "plain"),
     '["a","7","plain"]', None, "list-quicklist-v2", 3, 5),
    ("set", "REDIS0014", rb.SET, rb.strings("a", "b"), '["a","b"]', None,
     "set", 2, 1),
    ("set", "REDIS0014", rb.INTSET, rb.string(rb.intset([-1, 70000])),
     '["-1","70000"]', None, "set-intset", 2, 5),
    ("zset", "REDIS0014", rb.ZSET_2,
     rb.scores({"a": 1.5, "b": float("inf"), "c": 1e300, "d": -3}),
     '{"a":"1.5","b":"inf","c":"1e+300","d":"-3"}', None, "zset-v2", 4, 1),
    ("zset", "REDIS0014", rb.ZSET_LISTPACK,
     rb.string(rb.listpack("one", 1, "more", "1.25")),
     '{"one":"1","more":"1.25"}', None, "zset-listpack", 2, 4),
    ("hash", "REDIS0014", rb.HASH, rb.pairs({"f": "v", "": ""}),
     '{"f":"v","":""}', None, "hash", 2, 1),
    ("hash", "REDIS0014", rb.HASH_LISTPACK_TTL,
     struct.pack("<q", 100) + rb.string(
         rb.listpack("f", "v", 100, "g", "w", 0)),
     '{"f":"v","g":"w"}', '{"f":["v",100],"g":["w",null]}',
     None, 2, 1),
    ("hash", "VALKEY080", rb.HASH_2,
     rb.length(2) + rb.string("f") + rb.string("v") +
     struct.pack("<q", 1900000000000) + rb.string("g") + rb.string("w") +
     struct.pack("<q", -1),
     '{"f":"v","g":"w"}', '{"f":["v",1900000000000],"g":["w",null]}',
     None, 2, 1),
    ("module", "REDIS0014", rb.MODULE_2, module_value(),
     "\"<Content of Module 'test__rdb'. Occupies a serialized size of 41 "
     "bytes>\"",
     '{"module":"test__rdb","version":3,"parts":[{"int":-1},{"uint":300},'
     '{"float":"0.5"},{"double":"-0.1"},{"string":"t\\""}]}',
     "module-2", 5, 2),
    ("array", "REDIS0014", 28, array_value(),
     '{"0":"text","5":"1.5","70":"-7"}',
     '{"insert":9,"items":{"0":"text","5":"1.5","70":"-7"}}', "array", 3, 4),
    ("array", "REDIS0014", 28, rb.length(0) + rb.length(0), '{}',
     '{"items":{}}', "array", 0, 0),
    ("stream", "REDIS0014", rb.STREAM_3, log_value(),
     '{"entries":[{"id":"1-1","items":{"f":"v"}},'
     '{"id":"1-2","items":{"g":"w"}}]}',
     '{"entries":[{"id":"1-1","items":{"f":"v"}},'
     '{"id":"1-2","items":{"g":"w"}}],"length":2,"lastID":"1-2",'
     '"firstID":"1-1","maxDelEntryID":"0-0","entriesAdded":2,"groups":['
     '{"name":"gr","lastid":"1-2","entriesRead":null,'
     '"pending":[{"sent":1700,"id":"1-1","count":3}],'
     '"consumers":[{"name":"al","activeTime":60,"seenTime":50,'
     '"pending":[{"id":"1-1"}]},'
     '{"name":"bo","activeTime":null,"seenTime":70}]}]}',
     "stream-v3", 2, 2),
    ("stream", "REDIS0014", 27, late_log_value(), '{"entries":[]}',
     '{"entries":[],"length":0,"lastID":"9-0","firstID":"0-0",'
     '"maxDelEntryID":"8-0","entriesAdded":3,"groups":['
     '{"name":"g\\u00c3\\u00a9","lastid":"9-0","entriesRead":3,'
     '"pending":[{"sent":1700,"id":"8-0","count":2}],"consumers":[],'
     '"nacked":["8-0"]}],"idmp":{"duration":100,"maxEntries":50,"producers":['
     '{"pid":"p1","entries":[{"iid":"id\\u00c3\\u00bf","streamId":"8-0"}],'
     '"numEntries":1},{"pid":"p2","entries":[],"numEntries":0}],'
     '"numProducers":2,"added":1,"duplicates":4}}',
     None, 0, 4),
]


def one_key(row):
    f = rb.File(version=14, magic=row[1].encode())
    return f.select(0).key(row[2], "k", row[3]).end().bytes()


@each(*range(len(TYPES)))
def test_every_type(i):
    kind, dialect, _, value, plain, rich, encoding, elements, largest = \
        TYPES[i]
    data = one_key(TYPES[i])
    equal(printed(data).decode(), f'[{{\n"k":{plain}\n}}]\n')
    json.loads(plain)
    line = as_lines(data)[0]
    name = line["encoding"]
    equal(printed(data, "--format", "jsonl").decode(),
          f'{{"db":0,"key":"k","type":"{kind}","encoding":"{name}",'
          f'"expire":null,"value":{rich or plain}}}\n')
    equal(printed(data, "--format", "keys"), b"k\n")
    equal(printed(data, "--format", "csv").decode().splitlines()[1],
          f'0,{kind},"k",{3 + len(value)},{name},{elements},{largest},')


def full():
    """Everything that is not a value: two databases, expiry, idle time,
    frequency, functions, auxiliary fields."""
    f = rb.File(version=11).aux("redis-ver", "7.2.4").aux("ctime", "170")
    f.function("#!lua name=l\nreturn 1").select(0).resize(2, 1)
    f.expire_ms(4102444800123).key(rb.STRING, "one", rb.string("1"))
    f.idle(77).key(rb.STRING, "two", rb.string("2"))
    f.select(3).freq(9).expire_s(0).key(rb.LIST, "l", rb.strings("x"))
    return f.end().bytes()


def test_json_of_a_whole_stream():
    equal(printed(full()).decode(),
          '[{\n"one":"1",\n"two":"2"\n},{\n"l":["x"]\n}]\n')
    equal(printed(full(), "--aux", "--functions").decode(),
          '[{\n"__aux__":{"redis-ver":"7.2.4","ctime":"170"},\n'
          '"__func__":{"__Function_1":"#!lua name=l\\nreturn 1"},\n'
          '"one":"1",\n"two":"2"\n},{\n"l":["x"]\n}]\n')
    equal(as_json(rb.File().end().bytes()), [])
    equal(as_json(rb.File().aux("a", "b").end().bytes(), "--aux"),
          [{"__aux__": {"a": "b"}}])


def test_jsonl_of_a_whole_stream():
    one, two, three = (
        '{"db":0,"key":"one","type":"string","encoding":"string",'
        '"expire":4102444800123,"value":"1"}\n',
        '{"db":0,"key":"two","type":"string","encoding":"string",'
        '"expire":null,"idle":77,"value":"2"}\n',
        '{"db":3,"key":"l","type":"list","encoding":"list",'
        '"expire":0,"freq":9,"value":["x"]}\n')
    equal(printed(full(), "-f", "jsonl").decode(), one + two + three)
    equal(printed(full(), "-f", "jsonl", "--aux", "--functions").decode(),
          '{"aux":"redis-ver","value":"7.2.4"}\n'
          '{"aux":"ctime","value":"170"}\n'
          '{"function":"#!lua name=l\\nreturn 1"}\n' + one + two + three)


def test_libraries_before_they_were_one_string():
    f = rb.File(version=10).opcode(246, rb.string("lib"), rb.string("LUA"),
                                   rb.length(1), rb.string("what for"),
                                   rb.string("return 1"))
    f.opcode(246, rb.string("two"), rb.string("LUA"), rb.length(0),
             rb.string("return 2"))
    data = f.end().bytes()
    equal(printed(data, "-f", "jsonl", "--functions").decode(),
          '{"name":"lib","engine":"LUA","about":"what for",'
          '"function":"return 1"}\n'
          '{"name":"two","engine":"LUA","function":"return 2"}\n')
    equal(as_json(data, "--functions"), [
        {"__func__": {"__Function_1": "return 1",
                      "__Function_2": "return 2"}}])


def test_groups_of_nobody():
    """A group has its rows, be there nothing in them."""
    group = rb.length(1) + rb.length(2) + rb.length(0) + rb.length(0) * 2
    value = rb.length(0) * 9 + rb.length(2) + b"".join(
        rb.string(name) + group for name in ("one", "two"))
    data = rb.File(version=11).select(0).key(
        rb.STREAM_3, "s", value).end().bytes()
    line, = printed(data, "-f", "jsonl").splitlines()
    equal(json.loads(line)["value"]["groups"], [
        {"name": name, "lastid": "1-2", "entriesRead": 0, "pending": [],
         "consumers": []} for name in ("one", "two")])


def test_metadata_is_counted():
    meta = rb.length(1) + struct.pack("<I", 0x12345601) + rb.length(5) + \
        rb.string("text") + rb.length(0)
    data = rb.File(version=14).select(0).opcode(243, meta).key(
        rb.STRING, "k", rb.string("v")).end().bytes()
    equal(as_lines(data), [{"db": 0, "key": "k", "type": "string",
                            "encoding": "string", "expire": None,
                            "metadata": 1 + len(meta), "value": "v"}])


def test_csv_of_a_whole_stream():
    equal(printed(full(), "-f", "csv").decode(),
          "database,type,key,size_in_bytes,encoding,num_elements,"
          "len_largest_element,expiry\n"
          '0,string,"one",16,string,1,1,2100-01-01T00:00:00.123Z\n'
          '0,string,"two",10,string,1,1,\n'
          '3,list,"l",13,list,1,1,1970-01-01T00:00:00.000Z\n')


def test_csv_times():
    def expiry(ms):
        f = rb.File(version=10).expire_ms(ms)
        data = f.key(rb.STRING, "k", rb.string("")).end().bytes()
        return printed(data, "-f", "csv").decode().split(",")[-1].strip()
    equal(expiry(-2), "1969-12-31T23:59:59.998Z")
    equal(expiry(253402300799999), "9999-12-31T23:59:59.999Z")
    equal(expiry(253402300800000), "253402300800000")
    equal(expiry(2 ** 63 - 1), str(2 ** 63 - 1))
    equal(expiry(-2 ** 63), str(-2 ** 63))


def test_resp_of_a_whole_stream():
    def command(*words):
        return b"*%d\r\n" % len(words) + b"".join(
            b"$%d\r\n%s\r\n" % (len(w), w) for w in map(rb.to_bytes, words))
    one = (command("SET", "one", "1", "PXAT", 4102444800123),
           command("SET", "one", "1") +
           command("PEXPIREAT", "one", 4102444800123))
    got = printed(full(), "--format", "resp", "--replace",
                  "--not-type", "list", "--target", "redis-7.0")
    begin = command("FUNCTION", "LOAD", "REPLACE",
                    "#!lua name=l\nreturn 1") + command("SELECT", 0) + \
        command("DEL", "one")
    end = command("DEL", "two") + command("SET", "two", "2")
    if got not in [begin + way + end for way in one]:
        raise AssertionError(f"commands: {got!r}")


# --- bytes that are no text ---

def nasty():
    f = rb.File(version=10).select(0)
    for n, text in enumerate(NASTY):
        f.key(rb.STRING, text, rb.string(text))
        f.key(rb.HASH, b"h%d" % n, rb.pairs({text: text}))
    return f.end().bytes()


DECODERS = {
    "bytes": lambda text: text.encode("latin-1"),
    "utf8": lambda text: text.encode("utf-8", "surrogateescape"),
    "base64": lambda text: base64.b64decode(text, validate=True),
}


@each(*DECODERS)
def test_strings_come_back(encoding):
    decode = DECODERS[encoding]
    keys = [line["key"] for line in as_lines(nasty(), "-e", encoding)]
    equal([decode(key) for key in keys[::2]], NASTY, "keys")
    values = [line["value"] for line in as_lines(nasty(), "-e", encoding)]
    equal([decode(value) for value in values[::2]], NASTY, "strings")
    equal([[*map(decode, pair)] for value in values[1::2]
           for pair in value.items()], [[t, t] for t in NASTY], "hashes")
    database = as_json(nasty(), "--encoding", encoding)[0]
    equal({decode(k): decode(v) for k, v in database.items()
           if isinstance(v, str)}, {t: t for t in NASTY}, "json")


def test_readable_utf8_is_left_alone():
    text = "\u4e2d\u6587 \U0001f600"
    data = rb.File().select(0).key(rb.STRING, text.encode(),
                                   rb.string("\u00e9".encode())).end().bytes()
    equal(printed(data, "-e", "utf8").decode(),
          f'[{{\n"{text}":"\u00e9"\n}}]\n')
    equal(printed(data, "-f", "keys").decode(), text + "\n")
    equal(printed(data).decode().count("\\u00"), 10 + 2)


def test_lone_surrogates_are_warned_of():
    data = rb.File().select(0).key(rb.STRING, b"k\xff", rb.string(
        b"\xe4\xb8")).end().bytes()
    for form in "json", "jsonl":
        result = run("rdb-print", "-f", form, "-e", "utf8", input=data)
        holds("warning: 3 bytes are no UTF-8", result.good().err)
        for encoding in "bytes", "base64":
            result = run("rdb-print", "-f", form, "-e", encoding, input=data)
            equal(result.good().err, b"")


def test_bytes_are_as_in_librdb():
    data = rb.File().select(0).key(
        rb.STRING, "k", rb.string(b"\x04\x0b\xc0\n\r\t\b\f\"\\/\x1f\x7f")) \
        .end().bytes()
    holds(r'"\u0004\u000b\u00c0\n\r\t\b\f\"\\/\u001f\u007f"', printed(data))


def unescaped(line):
    """The way back that the manual page has."""
    out, at = b"", 0
    while at < len(line):
        if line[at:at + 1] != b"\\":
            out += line[at:at + 1]
            at += 1
        elif line[at + 1:at + 2] == b"x":
            out += bytes([int(line[at + 2:at + 4], 16)])
            at += 4
        else:
            out += {b"\\": b"\\", b"n": b"\n", b"r": b"\r",
                    b"t": b"\t"}[line[at + 1:at + 2]]
            at += 2
    return out


def test_keys_come_back():
    lines = printed(nasty(), "-f", "keys").split(b"\n")
    equal(lines.pop(), b"", "after the last line")
    equal([unescaped(line) for line in lines[::2]], NASTY)
    raw = printed(nasty(), "-f", "keys", "-0").split(b"\0")
    equal(raw[-2], b"h%d" % (len(NASTY) - 1))
    equal(printed(nasty(), "-f", "keys", "--null"),
          b"".join(k + b"\0" for n, text in enumerate(NASTY)
                   for k in (text, b"h%d" % n)))


def test_csv_comes_back():
    text = printed(nasty(), "-f", "csv").decode("utf-8")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    equal([unescaped(row["key"].encode()) for row in rows[::2]], NASTY)
    equal([len(row) for row in rows], [8] * 2 * len(NASTY))


# --- what is left out, and renamed ---

def test_filters_and_mappings():
    equal(as_json(full(), "--type", "string", "--key", "t*"), [{"two": "2"}])
    equal(as_json(full(), "--db", "3"), [{"l": ["x"]}])
    equal(as_json(full(), "--key", "nothing"), [])
    lines = as_lines(full(), "--map-db", "3=0", "--ttl", "drop",
                     "--rename-prefix", "o=O")
    equal([(x["db"], x["key"], x["expire"]) for x in lines],
          [(0, "One", None), (0, "two", None), (0, "l", None)])
    equal(printed(full(), "-f", "keys", "--expired", "drop"), b"one\ntwo\n")


def test_times_of_fields_follow_ttl():
    row = next(r for r in TYPES if r[1] == "VALKEY080")
    late = {"f": ["v", 1900000060000], "g": ["w", None]}
    equal(as_lines(one_key(row), "--ttl", "shift=+1m")[0]["value"], late)
    equal(as_lines(one_key(row), "--ttl", "drop")[0]["value"],
          {"f": ["v", None], "g": ["w", None]})
    result = run("rdb-print", "-f", "resp", "--ttl", "drop",
                 input=one_key(row))
    equal(result.code, 4)
    holds('key "k": ', result.err)
    holds("its fields have times, which --ttl asks to change", result.err)


def test_commands_do_not_mix_two_keys():
    data = rb.File().select(0).key(rb.LIST, "a:1", rb.strings("x")).key(
        rb.LIST, "b:1", rb.strings("y")).end().bytes()
    words = "--rename-prefix", "a:=b:"
    result = run("rdb-print", "-f", "resp", *words, input=data)
    equal(result.code, 1)
    holds("two keys would get this name", result.err)
    equal(printed(data, "-f", "keys", *words), b"b:1\nb:1\n")


# --- what is not whole ---

def is_json(text):
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


@each("json", "jsonl", "csv", "keys", "resp")
def test_cut_streams(form):
    data = full()
    whole = printed(data, "-f", form)
    for n in range(len(data)):
        result = run("rdb-print", "-f", form, input=data[:n])
        equal(result.code, 1, f"exit at {n}")
        holds("rdb-print: ", result.err)
        if not whole.startswith(result.out):
            raise AssertionError(f"cut at {n}: {result.out!r}")
        if form == "json" and is_json(result.out):
            raise AssertionError(f"cut at {n}, looks whole: {result.out!r}")
        if form in ("jsonl", "csv", "keys") and result.out and \
                not result.out.endswith(b"\n"):
            raise AssertionError(f"cut at {n}, half a line: {result.out!r}")


def test_a_wrong_checksum():
    data = bytearray(full())
    data[-1] ^= 1
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "bad.rdb")
        with open(path, "wb") as f:
            f.write(data)
        result = run("rdb-print", path)
        equal(result.code, 1)
        holds(f"rdb-print: {path}: offset {len(data) - 8}: RDB checksum is",
              result.err)
        equal(result.out, b'[{\n"one":"1",\n"two":"2"\n},{\n"l":["x"]')


def test_a_value_that_cannot_be():
    good = rb.listpack("f", "v")
    data = rb.File().select(0).key(rb.STRING, "fine", rb.string("1")).key(
        rb.HASH_LISTPACK, "broken", rb.string(good[:-2] + b"\x7f\xff")) \
        .end().bytes()
    result = run("rdb-print", input=data)
    equal(result.code, 1)
    holds('key "broken"', result.err)
    equal(result.out, b'[{\n"fine":"1"')
    equal(run("rdb-print", "-f", "keys", input=data).good().out,
          b"fine\nbroken\n")


def test_files_and_standard_input():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "x.rdb")
        with open(path, "wb") as f:
            f.write(full())
        equal(run("rdb-print", path).good().out, printed(full()))
        equal(run("rdb-print", "-", input=full()).good().out, printed(full()))
        equal(run("rdb-print", path, path).code, 2)
        result = run("rdb-print", path + "x")
        equal(result.code, 3)
        holds("cannot open", result.err)


@each(("--null", "json"), ("--replace", "json"), ("--aux", "csv"),
      ("--functions", "keys"), ("--target=redis-7.0", "json"),
      ("--encoding=utf8", "csv"))
def test_options_that_do_not_fit(option, form):
    result = run("rdb-print", option, "-f", form, input=full())
    equal(result.code, 2)
    holds(f"{option.split('=')[0]} is not for --format {form}", result.err)


def test_a_target_that_is_none():
    """All of them are named."""
    said = programs.run("rdb-print", "-f", "resp", "-t", "none").err.decode()
    holds("wants one of redis-2.8, ", said)
    holds(", valkey-9", said)
    assert said.endswith(", not 'none'\n"), said


def test_a_reader_that_leaves():
    big = rb.File().select(0)
    for n in range(30000):
        big.key(rb.STRING, f"key:{n}", rb.string("x" * 50))
    with tempfile.NamedTemporaryFile() as f:
        f.write(big.end().bytes())
        f.flush()
        result = programs.shell(f"rdb-print {f.name} | head -n 2")
        equal(result.out, b'[{\n"key:0":"' + b"x" * 50 + b'",\n')
        equal(result.err, b"")


def on_a_terminal(*words):
    """The exit status, and what a person sees of both outputs."""
    parent, child = pty.openpty()
    with tempfile.NamedTemporaryFile() as f:
        f.write(full())
        f.flush()
        with subprocess.Popen([programs.path("rdb-print"), *words, f.name],
                              stdout=child, stderr=child) as p:
            code = p.wait()
    os.close(child)
    seen = b""
    try:
        while more := os.read(parent, 65536):
            seen += more
    except OSError:         # how a terminal says that nobody writes any more
        pass
    os.close(parent)
    return code, seen.replace(b"\r\n", b"\n")


def test_a_terminal_shows_text_and_nothing_else():
    for form in "json", "jsonl", "csv", "keys":
        equal(on_a_terminal("-f", form), (0, printed(full(), "-f", form)))
    for words in ("-f", "resp"), ("-f", "keys", "-0"):
        code, seen = on_a_terminal(*words)
        equal(code, 2)
        holds("rdb-print: standard output is a terminal", seen)


def test_a_full_disk():
    result = programs.shell("rdb-print >/dev/full", env={}, cwd="/")
    equal(result.code, 1)           # nothing on standard input
    with tempfile.NamedTemporaryFile() as f:
        f.write(full())
        f.flush()
        result = programs.shell(f"rdb-print {f.name} >/dev/full")
        equal(result.code, 3)
        holds("cannot write standard output", result.err)


def test_memory_is_bounded():
    if programs.sanitized("rdb-print"):
        cases.skip("sanitizers need memory of their own")
    size = 64 << 20
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "big.rdb")
        with open(path, "wb") as f:
            f.write(b"REDIS0010\xfe\x00\x00\x01k" + rb.length(size))
            for _ in range(size >> 20):
                f.write(EVERY_BYTE * 4096)
            f.write(b"\xff" + bytes(8))
        for form in "json", "jsonl", "csv", "keys", "resp":
            got = programs.chain(["rdb-print", "-f", form, path])[0].good()
            if got.peak > 40 << 20:
                raise AssertionError(f"{form}: {got.peak >> 20} MiB")


if __name__ == "__main__":
    cases.main()
