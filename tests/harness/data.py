"""Fill a server with every type, and every encoding of it, that it knows.

    fill(server, keys=1000, seed=1)     both of these:
    showcase(server, seed)              some 80 keys that are all different
    bulk(server, keys, seed)            many keys like those of a real service
    big_string(server, key, size)       one value of that many bytes

and see what one holds:

    counts(server)                      keys and expires by database
    same(one, two)                      fail unless both hold the same

The same arguments give the same data on every run and on every engine, but
for what an engine does not know (times on fields of hashes) and for when a
stream's consumer was last seen, which is now.  What expires does so in the
year 2100 and after.
"""

import random

from .cases import equal
from .client import Refused, encode

FAR = 4102444800000         # 2100-01-01 in ms


def fill(server, keys=1000, seed=1):
    showcase(server, seed)
    bulk(server, keys, seed)


def showcase(server, seed=1):
    """Every type, small and large, in three databases, and functions."""
    rng = random.Random(seed)
    with server.client() as client:
        # Redis 7.0 keeps values below 1 GiB in listpacks unless told.
        client.call("DEBUG", "QUICKLIST-PACKED-THRESHOLD", "4096B")
        for commands in (_strings, _lists, _sets, _zsets, _hashes, _streams,
                         _expires, _databases):
            _all_good(client, list(commands(rng)))
        client.call("DEBUG", "QUICKLIST-PACKED-THRESHOLD", "0")
        if server.engine.field_ttls:
            _all_good(client, list(_field_ttls(rng)))
        _functions(client)


def bulk(server, keys, seed=1):
    """Half small strings (of them 30 % with an expiry), half the rest."""
    rng = random.Random(seed + 1)
    with server.client() as client:
        client.load(_bulk(keys, rng))


def big_string(server, key, size, seed=1, compressible=False):
    """Made in pieces, so that neither side needs it twice."""
    rng = random.Random(seed)
    piece = 8 << 20
    with server.client() as client:
        for at in range(0, size, piece):
            n = min(piece, size - at)
            client.call("APPEND", key, _text(rng, 997) * (n // 997) + b"x" *
                        (n % 997) if compressible else rng.randbytes(n))


def counts(server):
    """{db: (keys, expires)} as the server counts them."""
    found = {}
    for name, value in server.info("keyspace").items():
        if name.startswith("db"):
            fields = dict(f.split("=") for f in value.split(","))
            found[int(name[2:])] = int(fields["keys"]), int(fields["expires"])
    return found


def same(one, two):
    """Fail unless two servers of one engine hold the same: by their own
    fingerprint, and by what that leaves out."""
    equal(two.digest(), one.digest(), "DEBUG DIGEST")
    equal(counts(two), counts(one), "keys and expires")
    for of in _functions_of, _field_times_of, _expiries_of, _groups_of:
        equal(of(two), of(one), of.__doc__)


def _functions_of(server):
    """functions"""
    return sorted(map(str, server.call("FUNCTION", "LIST", "WITHCODE")))


def _field_times_of(server):
    """times of fields"""
    if not server.engine.field_ttls:
        return None
    with server.client() as client:
        return {key: sorted(zip(fields, client.call(
                    "HPEXPIRETIME", key, "FIELDS", len(fields), *fields)))
                for key in client.call("KEYS", "hash:ttl:*")
                for fields in [client.call("HKEYS", key)]}


def _expiries_of(server):
    """times of keys"""
    with server.client() as client:
        keys = sorted(client.call("KEYS", "expire:*"))
        return list(zip(keys, client.pipeline(
            ("PEXPIRETIME", key) for key in keys)))


def _groups_of(server):
    """groups of streams"""
    with server.client() as client:
        keys = sorted(client.call("KEYS", "stream:*"))
        return list(zip(keys, client.pipeline(
            ("XINFO", "GROUPS", key) for key in keys)))


def _all_good(client, commands):
    for command, reply in zip(commands, client.pipeline(commands)):
        if isinstance(reply, Refused):
            raise Refused(f"{str(command)[:200]}: {reply}")


_WORDS = ("backup restore stream shard offset slot replica primary listpack "
          "frame part engine memory window signal descriptor").split()


def _text(rng, size):
    """Printable and compressible, like a document."""
    out = []
    n = 0
    while n <= size:
        word = rng.choice(_WORDS)
        out.append(word)
        n += len(word) + 1
    return " ".join(out).encode()[:size]


def _strings(rng):
    yield "SET", "string:empty", b""
    yield "SET", b"string:\x00binary\r\n\xff", b"\x00\xff\r\n\x80"
    yield "SET", b"", "the key of no bytes"
    for n in (0, -1, 127, -128, 128, 32767, -32768, 65536, 2147483647,
              -2147483648, 2147483648, 9223372036854775807,
              -9223372036854775808):
        yield "SET", f"string:int:{n}", n
    for text in ("007", "+1", "-0", "1.5", "12345678901", "1e3"):
        yield "SET", f"string:almost-int:{text}", text
    # Around every change of a length's form, and of compression's.
    for n in (1, 19, 20, 21, 44, 45, 63, 64, 16383, 16384, 70000):
        yield "SET", f"string:text:{n}", _text(rng, n)
        yield "SET", f"string:random:{n}", rng.randbytes(n)
    yield "SET", "string:repeat", b"a" * 100000
    yield "SET", "string:megabyte", _text(rng, 1 << 20)
    yield "SET", b"key:" + rng.randbytes(300), "a long binary key"
    yield "SET", b"k" * 70000, "a very long key that compresses"
    yield "SETBIT", "string:bits", 12345, 1
    yield "PFADD", "string:hyperloglog", *range(3000)


def _lists(rng):
    yield "RPUSH", "list:one", ""
    yield "RPUSH", "list:small", "a", 1, -1, 12, 300, -70000, 2 ** 40, b"\xff"
    for i in range(0, 5000, 250):
        yield "RPUSH", "list:many", *(f"item {n}" for n in range(i, i + 250))
    yield "RPUSH", "list:integers", *range(-200, 70000, 777)
    # Values above the limit of a node stand alone (PLAIN), between others.
    yield "RPUSH", "list:plain", "before", rng.randbytes(20000), "between", \
        _text(rng, 100000), "after", rng.randbytes(9000)
    yield "RPUSH", "list:lengths", *(b"v" * n for n in (
        63, 64, 127, 128, 4095, 4096, 5000))


def _sets(rng):
    yield "SADD", "set:int16", 1, 2, 3, -5, 300
    yield "SADD", "set:int32", 1, 70000, -70000
    yield "SADD", "set:int64", 1, 2 ** 40, -2 ** 40
    yield "SADD", "set:integers:many", *range(0, 6000, 3)
    yield "SADD", "set:small", "a", "b", "", 7, b"\x00\xff", "30000"
    yield "SADD", "set:many", *(f"member:{n}" for n in range(3000))
    yield "SADD", "set:long", _text(rng, 3000), "x", rng.randbytes(200)


def _zsets(rng):
    yield "ZADD", "zset:small", 1, "one", 2.5, "two and a half", -3, "minus", \
        0, "zero", "-0.0", "minus zero", "inf", "top", "-inf", "bottom", \
        3, 42, "1e300", "huge", "5e-324", "tiny", 0.1, "tenth"
    yield "ZADD", "zset:many", *(w for n in range(3000)
                                 for w in (repr(rng.uniform(-1e6, 1e6)),
                                           f"member:{n}"))
    yield "ZADD", "zset:large:inf", "inf", "t" * 100, "-inf", "b", 0.5, "h"
    yield "ZADD", "zset:ties", *(w for n in range(400) for w in (7, f"m{n}"))
    yield "GEOADD", "zset:places", 13.36, 38.11, "Palermo", 15.08, 37.5, \
        "Catania"


def _hashes(rng):
    yield "HSET", "hash:small", "name", "Ada", "age", 36, "", "", "n", -1, \
        b"\x00", b"\xff" * 40
    yield "HSET", "hash:many", *(w for n in range(3000)
                                 for w in (f"field:{n}", f"value {n * n}"))
    yield "HSET", "hash:long", "text", _text(rng, 5000), "raw", \
        rng.randbytes(5000)
    yield "HSET", "hash:one", "f", "v"


def _streams(rng):
    for n in range(1, 1001):
        yield "XADD", "stream:many", f"{n * 1000}-{n % 3}", "name", \
            f"sensor {n % 10}", "value", n
    yield "XADD", "stream:mixed", "1-1", "a", 1
    yield "XADD", "stream:mixed", "1-2", "a", 1, "b", _text(rng, 200)
    yield "XADD", "stream:mixed", "5-0", b"\xff\x00", rng.randbytes(64)
    yield "XADD", "stream:mixed", "18446744073709551615-1", "z", -1
    yield "XGROUP", "CREATE", "stream:empty", "g", "$", "MKSTREAM"
    yield "XSETID", "stream:empty", "77-7"
    for n in range(1, 301):
        yield "XADD", "stream:groups", f"{n}-0", "n", n
    for n in (1, 2, 50, 299, 300):
        yield "XDEL", "stream:groups", f"{n}-0"
    yield "XTRIM", "stream:many", "MAXLEN", 900
    yield "XSETID", "stream:groups", "1000-0", "ENTRIESADDED", 400, \
        "MAXDELETEDID", "300-0"
    yield "XGROUP", "CREATE", "stream:groups", "from-start", 0
    yield "XGROUP", "CREATE", "stream:groups", "at-end", "$"
    yield "XGROUP", "CREATE", "stream:groups", "counted", "10-0", \
        "ENTRIESREAD", 8
    yield "XGROUP", "CREATECONSUMER", "stream:groups", "at-end", "idle one"
    # XCLAIM with a time makes a pending entry that does not know the clock.
    for n in range(3, 40):
        yield "XCLAIM", "stream:groups", "from-start", f"consumer-{n % 3}", \
            0, f"{n}-0", "TIME", 1700000000000 + n, "RETRYCOUNT", n, "FORCE", \
            "JUSTID", "LASTID", f"{n}-0"
    yield "XACK", "stream:groups", "from-start", "5-0", "6-0"
    # Pending, and the entry is gone.
    yield "XDEL", "stream:groups", "7-0", "8-0"


def _expires(rng):
    yield "SET", "expire:string", "later", "PXAT", FAR
    for i, (make, *words) in enumerate((
            ("RPUSH", "a"), ("SADD", "m"), ("ZADD", 1, "m"),
            ("HSET", "f", "v"), ("XADD", "1-1", "f", "v"))):
        yield make, f"expire:{make.lower()}", *words
        yield "PEXPIREAT", f"expire:{make.lower()}", FAR + i * 1001
    yield "SET", "expire:never-in-practice", "x", "PXAT", 2 ** 53


def _databases(rng):
    yield "SELECT", 3
    yield "SET", "in:three", "3"
    yield "SET", "in:three:expiring", "3", "PXAT", FAR
    yield "SELECT", 15
    yield "HSET", "in:fifteen", "f", "v"
    yield "SELECT", 0


def _field_ttls(rng):
    yield "HSET", "hash:ttl:small", "stays", 1, "goes", 2, "later", 3
    yield "HPEXPIREAT", "hash:ttl:small", FAR, "FIELDS", 1, "goes"
    yield "HPEXPIREAT", "hash:ttl:small", FAR + 5, "FIELDS", 1, "later"
    yield "HSET", "hash:ttl:many", *(w for n in range(2000)
                                     for w in (f"field:{n}", n))
    for n in range(0, 2000, 3):
        yield "HPEXPIREAT", "hash:ttl:many", FAR + n, "FIELDS", 1, f"field:{n}"
    yield "HSET", "hash:ttl:key-too", "f", "v", "g", "w"
    yield "HPEXPIREAT", "hash:ttl:key-too", FAR, "FIELDS", 1, "f"
    yield "PEXPIREAT", "hash:ttl:key-too", FAR + 1000


def _functions(client):
    """Two libraries, of Lua, where there is an engine for it."""
    for name in ("greet", "count"):
        client.call("FUNCTION", "LOAD", "REPLACE",
                    f"#!lua name={name}\n"
                    f"redis.register_function('{name}_it', "
                    f"function(keys, args) return '{name}' end)\n")


def _bulk(keys, rng):
    """Yield encoded commands; format strings, because encode() is slow."""
    text = _text(rng, 1 << 16).decode()
    number, many = rng.random, rng.randrange
    kinds = (_bulk_hash, _bulk_list, _bulk_set, _bulk_zset, _bulk_number)
    for n in range(keys):
        if n & 1:
            start, size = many(1 << 15), many(8, 120)
            value = text[start:start + size]
            key = f"user:{n}:name"
            if number() < 0.3:
                yield (f"*5\r\n$3\r\nSET\r\n${len(key)}\r\n{key}\r\n${size}"
                       f"\r\n{value}\r\n$4\r\nPXAT\r\n$13\r\n{FAR + n}\r\n"
                       ).encode()
            else:
                yield (f"*3\r\n$3\r\nSET\r\n${len(key)}\r\n{key}\r\n${size}"
                       f"\r\n{value}\r\n").encode()
        else:
            yield kinds[(n >> 1) % 5](n, text, many)


def _bulk_hash(n, text, many):
    at = many(1 << 15)
    return encode("HSET", f"user:{n}", "name", text[at:at + 12], "age",
                  many(100), "city", text[at + 20:at + 28], "id", n)


def _bulk_list(n, text, many):
    return encode("RPUSH", f"queue:{n}", *range(n, n + many(1, 8)),
                  text[:many(1, 60)])


def _bulk_set(n, text, many):
    start = many(1 << 20)
    if n & 4:
        return encode("SADD", f"tags:{n}", *range(start, start + 6))
    return encode("SADD", f"tags:{n}", *(f"tag{start + i}" for i in range(4)))


def _bulk_zset(n, text, many):
    return encode("ZADD", f"board:{n}", many(1000), "ann", many(1000) / 8,
                  "bob", many(1000), n)


def _bulk_number(n, text, many):
    return encode("SET", f"count:{n}", many(1 << 40))
