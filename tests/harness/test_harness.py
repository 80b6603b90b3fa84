"""Goal of this test: what all other tests trust.  A server dies with its test,
the runner notices what a test leaves behind, and the files that are written
byte by byte are what a server takes for its own."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from harness import cases, engines, programs, servers          # noqa: E402
from harness import rdbbytes as r                              # noqa: E402

TESTS = os.path.join(programs.ROOT, "tests")


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


@cases.each(*engines.NAMES)
def test_server_dies_with_its_test(engine):
    engines.get(engine)
    with tempfile.TemporaryDirectory() as folder:
        script = (f"from harness import servers; import time\n"
                  f"print(servers.Server({engine!r}).pid, flush=True)\n"
                  f"time.sleep(60)\n")
        with subprocess.Popen(
                [sys.executable, "-c", script], stdout=subprocess.PIPE,
                env={**os.environ, "PYTHONPATH": TESTS, "TMPDIR": folder},
                preexec_fn=programs.die_with_parent) as test:
            pid = int(test.stdout.readline())
            cases.equal(alive(pid), True, "the server runs")
            test.send_signal(signal.SIGKILL)
        end = time.monotonic() + 5
        while alive(pid) and time.monotonic() < end:
            time.sleep(0.02)
        cases.equal(alive(pid), False, "the server runs")


def run_of(body):
    """What tests/run says about a test file with this body."""
    with tempfile.TemporaryDirectory() as folder:
        os.makedirs(os.path.join(folder, "tests", "x"))
        shutil.copy(os.path.join(TESTS, "run"), os.path.join(folder, "tests"))
        os.symlink(os.path.join(TESTS, "harness"),
                   os.path.join(folder, "tests", "harness"))
        with open(os.path.join(folder, "tests", "x", "test_it.py"), "w") as f:
            f.write(body)
        return programs.run(os.path.join(folder, "tests", "run"), "x/")


CASES = """
from harness import cases
def test_good(): pass
def test_other(): cases.skip("no moon tonight")
def test_more(): {}
cases.main()
"""


@cases.each(
    ("pass", 0, "2 passed, 0 failed, 1 skipped", "no moon tonight"),
    ("cases.equal(1, 2)", 1, "1 passed, 1 failed, 1 skipped", "got 1, want 2"),
    ("open('litter', 'w')", 1, "2 passed, 1 failed, 1 skipped",
     "file left behind: litter"),
    ("__import__('subprocess').Popen(['sleep', '77'])", 1,
     "2 passed, 1 failed, 1 skipped", "process left behind: sleep 77"),
    ("__import__('subprocess').Popen(['setsid', '-f', 'sleep', '78'])", 1,
     "2 passed, 1 failed, 1 skipped", "process left behind: sleep 78"),
    ("__import__('os').kill(__import__('os').getpid(), 9)", 1,
     "0 passed, 1 failed, 0 skipped", "ended by signal 9"))
def test_runner(body, code, summary, words):
    result = run_of(CASES.format(body))
    cases.equal(result.out.decode().splitlines()[-1], summary)
    cases.equal(result.code, code)
    cases.holds(words, result.out)


def test_nothing_run_is_not_passed():
    result = programs.run(os.path.join(TESTS, "run"), "no test of this name")
    cases.equal((result.code, result.out),
                (1, b"0 passed, 0 failed, 0 skipped\n"))


def test_bytes_are_what_servers_read():
    cases.equal(r.crc64(b"123456789"), 0xe9c6d914c4b8d9ca, "CRC")
    f = r.File(version=10).aux("redis-ver", "7.0.15")
    f.function("#!lua name=lib\n"
               "redis.register_function('f', function() return 1 end)")
    f.select(0).resize(3, 1)
    f.expire_ms(4102444800000).key(r.STRING, "text", r.string("v"))
    f.idle(5).key(r.STRING, "number", r.integer(-70000))
    f.key(r.STRING, "lzf", r.lzf_literal("abc" * 40))
    f.key(r.LIST, "list", r.strings("a", "b"))
    f.key(r.SET, "set", r.strings("a", "b"))
    f.key(r.HASH, "hash", r.pairs({"a": 1, "b": 2}))
    f.key(r.ZSET_2, "zset", r.scores({"a": 1.5, "b": 2}))
    f.key(r.ZSET, "zset:old", r.text_scores({"a": float("-inf"), "b": 2}))
    f.key(r.INTSET, "intset", r.string(r.intset([70000, 1, -2])))
    f.key(r.HASH_LISTPACK, "packed", r.string(r.listpack(
        "f", 1, "g", -5000, "h" * 200, 2 ** 40, "i", "w" * 5000)))
    f.key(r.QUICKLIST_2, "quick", r.quicklist(["a", 300], b"plain" * 100))
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "x.rdb")
        with open(path, "wb") as out:
            out.write(f.end().bytes())
        with servers.Server(rdb=path,
                            config=["sanitize-dump-payload yes"]) as server:
            for want, *command in (
                    (11, "DBSIZE"),
                    (4102444800000, "PEXPIRETIME", "text"),
                    (b"-70000", "GET", "number"), (b"abc" * 40, "GET", "lzf"),
                    ([b"a", b"b"], "LRANGE", "list", 0, -1),
                    (1, "SISMEMBER", "set", "b"), (b"2", "HGET", "hash", "b"),
                    (b"1.5", "ZSCORE", "zset", "a"),
                    (b"-inf", "ZSCORE", "zset:old", "a"),
                    ([b"-2", b"1", b"70000"], "SMEMBERS", "intset"),
                    ([b"1", b"-5000", b"1099511627776", b"w" * 5000], "HMGET",
                     "packed", "f", "g", "h" * 200, "i"),
                    ([b"a", b"300", b"plain" * 100], "LRANGE", "quick", 0, -1),
                    (1, "FCALL", "f", 0)):
                cases.equal(server.call(*command), want, " ".join(command[:2]))


if __name__ == "__main__":
    cases.main()
