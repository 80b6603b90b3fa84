"""The main job as a person types it: a line of plain sh from a server into a
directory, another back into a second server, and the two hold the same.

20,000 keys; a million when RDBPIPE_SOAK=1."""

import contextlib
import os
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from harness import cases, data, engines, programs, servers     # noqa: E402

KEYS = 1_000_000 if programs.SOAK else 20_000

CAPTURE = ("rdb-capture {url} | rdb-verify | rdb-checksum --output {dir}/sums "
           "| rdb-compress | cos-put {dir}/dump.rdb.zst")
RESTORE = ("cos-get {dir}/dump.rdb.zst | rdb-decompress | rdb-verify "
           "| rdb-restore {url}")


@contextlib.contextmanager
def backed_up(keys=KEYS):
    """A filled server, and a folder that its capture chain has run into."""
    with tempfile.TemporaryDirectory() as folder, servers.Server() as source:
        data.fill(source, keys)
        result = programs.shell(CAPTURE.format(url=source.url(), dir=folder))
        cases.equal((result.code, result.err), (0, b""), "the capture chain")
        yield source, folder


def test_there_and_back():
    with backed_up() as (source, folder), servers.Server() as target:
        result = programs.shell(RESTORE.format(url=target.url(), dir=folder))
        cases.equal(result.code, 0, "the restore chain")
        total = sum(keys for keys, _ in data.counts(source).values())
        cases.holds(f"holds {total} keys", result.err)
        data.same(source, target)
        cases.equal(target.info("replication")["role"], "master")
        cases.equal(sorted(os.listdir(folder)), ["dump.rdb.zst", "sums"])


def test_stock_programs_accept_what_is_stored():
    """No program of ours is needed to check a backup, or to start from it."""
    with backed_up() as (source, folder):
        dump = os.path.join(folder, "dump.rdb")
        programs.shell(f"zstd -d -q {dump}.zst").good()
        said = programs.run(engines.get().check_rdb, dump).good().out
        cases.holds("RDB looks OK!", said)
        said = programs.shell(f"xxhsum -c {folder}/sums <{dump}").good().out
        cases.holds("OK", said)
        with servers.Server(rdb=dump) as again:
            data.same(source, again)


def test_a_target_that_holds_data_is_left_alone():
    with backed_up(keys=100) as (_, folder), servers.Server() as target:
        target.call("SET", "mine", 1)
        before = target.digest()
        line = RESTORE.format(url=target.url(), dir=folder)
        result = programs.shell(line)
        cases.equal(result.code, 4)
        cases.holds("rdb-restore: ", result.err)
        cases.equal(target.digest(), before)
        programs.shell(line + " --flush").good()
        cases.equal(target.call("GET", "mine"), None)


def test_a_stream_that_breaks_off_fills_no_target():
    """The object is cut: the target must end empty, a master, unpublished."""
    with backed_up(keys=2000) as (_, folder), servers.Server() as target:
        stored = os.path.join(folder, "dump.rdb.zst")
        os.truncate(stored, os.path.getsize(stored) // 2)
        result = programs.shell(RESTORE.format(url=target.url(), dir=folder))
        if result.code == 0:
            raise AssertionError("a half dump was restored")
        cases.equal(target.call("DBSIZE"), 0, "keys in the target")
        cases.equal(target.info("replication")["role"], "master")


if __name__ == "__main__":
    cases.main()
