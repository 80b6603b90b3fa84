"""Memory is bounded, whatever the size of the data or of one value: 64 MiB
for every program, 96 MiB for rdb-compress.

With 100 MB; with 1 GB, and a value of 300 MB, when RDBPIPE_SOAK=1."""

import contextlib
import os
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from harness import cases, data, programs, servers              # noqa: E402

MIB = 1 << 20
LIMIT = {"rdb-compress": 96 * MIB}
DUMP = "1G" if programs.SOAK else "100M"
VALUE = (300 if programs.SOAK else 100) * MIB


@contextlib.contextmanager
def many_keys():
    """A server with a dump of every type, from the benchmarks' generator."""
    generate = os.path.join(os.path.dirname(programs.BIN), "bench", "generate")
    if not os.access(generate, os.X_OK):
        cases.skip(f"{generate} has not been built")
    with tempfile.TemporaryDirectory() as folder:
        dump = os.path.join(folder, "dump.rdb")
        programs.shell(f"{generate} B {DUMP} >{dump}").good()
        with servers.Server(rdb=dump) as server:
            yield server


@contextlib.contextmanager
def one_string():
    """A server with one value that nothing can compress."""
    with servers.Server() as server:
        data.big_string(server, "big", VALUE)
        yield server


@contextlib.contextmanager
def one_text():
    """A server with one value that it sends as LZF."""
    with servers.Server() as server:
        data.big_string(server, "big", VALUE, compressible=True)
        yield server


@contextlib.contextmanager
def one_hash():
    """A server with one hash of as many bytes as the one value."""
    with servers.Server() as server, server.client() as client:
        value = "v" * 20
        client.load(
            (f"*4\r\n$4\r\nHSET\r\n$3\r\nbig\r\n$12\r\nfield{n:07}\r\n$20\r\n"
             f"{value}\r\n").encode() for n in range(VALUE // 100))
        yield server


SHAPES = {f.__name__: f for f in (many_keys, one_string, one_text, one_hash)}


def measured(*commands):
    """Run a chain; nobody may fail, or need more than he is allowed."""
    if programs.sanitized(commands[0][0]):
        cases.skip("sanitizers need memory of their own")
    too_much = []
    for words, result in zip(commands, programs.chain(*commands)):
        result.good()
        limit = LIMIT.get(words[0], 64 * MIB)
        if not 0 < result.peak < limit:
            too_much.append(f"{words[0]} held {result.peak / MIB:.1f} MiB, "
                            f"allowed are {limit // MIB}")
    if too_much:
        raise AssertionError("; ".join(too_much))


@cases.each(*SHAPES)
def test_chain(shape):
    with tempfile.TemporaryDirectory() as folder, SHAPES[shape]() as source, \
            servers.Server() as target:
        stored = os.path.join(folder, "dump.rdb.zst")
        measured(["rdb-capture", source.url()], ["rdb-verify"],
                 ["rdb-digest", "--watch"],
                 ["rdb-checksum", "-o", os.path.join(folder, "sums")],
                 ["rdb-compress"], ["cos-put", stored])
        measured(["cos-get", stored], ["rdb-decompress"], ["rdb-verify"],
                 ["rdb-checksum", "-o", os.path.join(folder, "sums2")],
                 ["rdb-restore", target.url()])
        cases.equal(data.counts(target), data.counts(source))


@cases.each(("many_keys", "restore"), ("one_text", "restore"),
            ("one_hash", "restore"), ("one_hash", "commands"))
def test_key_by_key(shape, via):
    """A value beyond --hold is never in memory as a whole."""
    with tempfile.TemporaryDirectory() as folder, SHAPES[shape]() as source, \
            servers.Server() as target:
        stored = os.path.join(folder, "dump.rdb")
        measured(["rdb-capture", source.url()], ["cos-put", stored])
        measured(["cos-get", stored],
                 ["rdb-restore", "--via", via, target.url()])
        cases.equal(data.counts(target), data.counts(source))
        cases.equal(target.digest(), source.digest())


@cases.each("many_keys", "one_string")
def test_driver(shape):
    with tempfile.TemporaryDirectory() as folder, SHAPES[shape]() as source:
        measured(["rdbpipe", "backup", source.url(), "--store", folder,
                  "--instance", "memory"])
        measured(["rdbpipe", "verify", "latest", "--store", folder])


if __name__ == "__main__":
    cases.main()
