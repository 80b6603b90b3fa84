#!/usr/bin/env python3
"""Values larger than memory of ours, and than a server takes.

Goal: rdb-restore makes them by commands, exactly, in bounded memory; raises
proto-max-bulk-len where it must and may, says so, and puts it back; where it
may not, that is said before anything of the value is written.

Values of some MB, in servers that take 1 MB; with RDBPIPE_SOAK=1 also a list
of 1.5 GB and a string of 700 MB, in servers as they come.
"""

import contextlib
import os
import signal
import struct
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)),
                                ".."))

from harness import cases, clusters, engines, programs, rdbbytes  # noqa: E402
from harness import servers                                       # noqa: E402
from test_fill import (Feeder, digest_of, held_digest, restart,   # noqa: E402
                       restore, wait_for)
from test_restore import keys_of, refused                         # noqa: E402

MIB = 1 << 20
MEMORY = 128 * MIB
LIMIT = "proto-max-bulk-len"


def pattern(n):
    """Text that LZF would make smaller, and no two lines alike."""
    block = b"".join(b"%07d of the block, " % i for i in range(n // 19 + 1))
    return block[:n]


def small_giants():
    """What a server that takes 1 MB does not."""
    return rdbbytes.File(9).select(0).key(
        rdbbytes.STRING, "small", rdbbytes.string("v")).key(
        rdbbytes.STRING, "long", rdbbytes.string(pattern(5 * MIB))).expire_ms(
        4102444800000).key(rdbbytes.LIST, "list", rdbbytes.strings(
            "a", pattern(2 * MIB), "b")).end(crc=0).bytes()


def limit_of(server):
    return int(server.call("CONFIG", "GET", LIMIT)[1])


@contextlib.contextmanager
def low_server(engine="redis-7.0"):
    """A server that takes 1 MB, but for who asks for more."""
    with servers.Server(engine, config=[f"{LIMIT} 1mb"]) as server:
        yield server


@cases.each(*[(name, via) for name in engines.NAMES
              for via in ("restore", "commands")])
def test_limit_is_raised(name, via):
    dump = small_giants()
    with low_server(name) as server:
        result = restore(server.url(), "--via", via, input=dump).good()
        cases.holds(f"{LIMIT} is raised from {MIB} to {5 * MIB} for the time",
                    result.err)
        cases.equal(limit_of(server), MIB)
        cases.equal(result.facts["done"], "3")
        server.call("CONFIG", "SET", LIMIT, "512mb")    # to be read
        cases.equal(held_digest(server), digest_of(dump))


@cases.each(*engines.NAMES)
def test_append_only_file(name):
    """The limit is as before when the server is started again, and what it
    wrote down of the value is read all the same."""
    dump = small_giants()
    with servers.Server(name, config=[
            f"{LIMIT} 1mb", "appendonly yes", "appendfsync always",
            "auto-aof-rewrite-percentage 0"]) as server:
        restore(server.url(), "--via", "commands", input=dump).good()
        restart(server)
        assert server._wait_until_ready()
        cases.equal(limit_of(server), MIB)
        server.call("CONFIG", "SET", LIMIT, "512mb")
        cases.equal(held_digest(server), digest_of(dump))


def test_raised_already():
    """Nothing is said or changed where all fits."""
    dump = small_giants()
    with servers.Server() as server:
        result = restore(server.url(), "--via", "commands", input=dump).good()
        assert b"is raised" not in result.err, result.err
        cases.equal(held_digest(server), digest_of(dump))


@cases.each("restore", "commands")
def test_not_permitted(via):
    """Said before anything of the value is written."""
    dump = small_giants()
    with low_server() as server:
        server.call("ACL", "SETUSER", "u", "on", ">p", "~*", "+@all",
                    "-config|set")
        url = server.url(user="u", password="p")
        result = restore(url, "--via", via, input=dump)
        refused(result, 4, 'key "long"', f"its {5 * MIB} bytes are more than "
                f"the target's {LIMIT}, {MIB}", "lacks +config|set",
                "keys were restored before")
        cases.equal(server.call("EXISTS", "long", "list"), 0)
        result = restore(url, "--via", via, "--dry-run", "--flush",
                         input=dump)
        refused(result, 1, "2 keys cannot be restored")
        cases.holds('does not fit: database 0, key "long"', result.out)
        cases.holds('does not fit: database 0, key "list"', result.out)
        result = restore(server.url(), "--via", via, "--dry-run", "--flush",
                         input=dump).good()
        cases.holds(f"largest value: {5 * MIB} bytes: {LIMIT}, {MIB}, would "
                    "be raised", result.out)
        cases.equal(limit_of(server), MIB)


def cut_giants():
    """A string that is raised for, and then a list that never ends."""
    return small_giants()[:-100]


def test_put_back_after_failure():
    with low_server() as server:
        refused(restore(server.url(), "--via", "commands",
                        input=cut_giants()), 1, "cut short")
        cases.equal(limit_of(server), MIB)


def test_put_back_after_signal():
    dump = small_giants()
    with low_server() as server:
        feeder = Feeder(server.url(), dump + dump, "--via", "commands")
        wait_for(lambda: limit_of(server) > MIB)
        feeder.child.send_signal(signal.SIGTERM)
        err = feeder.child.stderr.read().decode()
        cases.equal(feeder.child.wait(timeout=30), 143, err)
        feeder.child.stdin.close()
        cases.equal(limit_of(server), MIB)


def test_cannot_be_put_back():
    """Whoever takes the permission away meanwhile is told."""
    dump = small_giants()
    with low_server() as server:
        server.call("ACL", "SETUSER", "u", "on", ">p", "~*", "+@all")
        url = server.url(user="u", password="p")
        feeder = Feeder(url, dump, "--via", "commands")
        wait_for(lambda: limit_of(server) > MIB)
        server.call("ACL", "SETUSER", "u", "-config|set")
        code, err = feeder.finish()
        cases.equal(code, 4, err)
        cases.holds(f"{LIMIT} was {MIB} and could not be put back", err)


def test_cluster():
    """Only the master that gets the value is touched."""
    dump = small_giants()
    with clusters.Cluster(masters=3, config=[f"{LIMIT} 1mb"]) as cluster:
        result = restore(cluster.url(), input=dump).good()
        owner = cluster._owners()
        raised = {owner[clusters.slot(key)].port for key in ("long", "list")}
        cases.equal(result.err.count(b"is raised from"), len(raised),
                    result.err)
        for master in cluster.masters:
            cases.equal(limit_of(master), MIB)
            master.call("CONFIG", "SET", LIMIT, "512mb")
        captured = programs.run("rdb-capture", "--via", "scan",
                                cluster.url()).good().out
        cases.equal(digest_of(captured), digest_of(dump))


# --- as large as they get ---

LIST_BYTES, LIST_GIANT = 1500 * MIB, 50 * MIB
STRING_BYTES = 700 * MIB


def write_string(file, n):
    """A string of n bytes, blocks of which each has its number."""
    file.write(rdbbytes.length(n))
    tail = pattern(MIB - 8)
    for i in range(0, n, MIB):
        file.write((struct.pack(">Q", i) + tail)[:n - i])


def write_list(file):
    """Some million elements, and one of 50 MB now and then."""
    giants, lot = 6, 100000
    small = (LIST_BYTES - giants * LIST_GIANT) // 120
    lots = small // lot
    file.write(rdbbytes.length(lots * lot + giants))
    for i in range(lots):
        file.write(b"".join(
            rdbbytes.string(b"%012d" % (i * lot + k) + b"e" * 106)
            for k in range(lot)))
        if i % 16 == 0 and i // 16 < giants:
            write_string(file, LIST_GIANT)
    for i in range((lots + 15) // 16, giants):
        write_string(file, LIST_GIANT)


def write_giants(path):
    with open(path, "wb") as file:
        file.write(rdbbytes.File(9).select(0).bytes())
        for type, key, write in (
                (rdbbytes.LIST, "list", write_list),
                (rdbbytes.STRING, "string",
                 lambda f: write_string(f, STRING_BYTES))):
            file.write(bytes([type]) + rdbbytes.string(key))
            write(file)
        # Without a CRC, as a server writes with rdbchecksum no.
        file.write(bytes([rdbbytes.END]) + bytes(8))


def chain(*commands, stdin=None):
    """The last one's result, when all are good."""
    results = programs.chain(*commands, stdin=stdin, timeout=1200)
    for result in results:
        result.good()
    return results


def digest_file(*commands, stdin=None):
    with tempfile.TemporaryFile() as out:
        for result in programs.chain(*commands, ["rdb-digest"], stdin=stdin,
                                     stdout=out, timeout=1200):
            result.good()
        out.seek(0)
        return out.read()


@cases.each("restore", "commands")
def test_giants(via):
    if not programs.SOAK:
        cases.skip("values of 2.2 GB: only with RDBPIPE_SOAK=1")
    if programs.sanitized("rdb-restore"):
        cases.skip("sanitizers need memory of their own")
    with tempfile.TemporaryDirectory() as folder, \
            servers.Server() as server:
        path = os.path.join(folder, "giants.rdb")
        write_giants(path)
        with open(path, "rb") as dump:
            want = digest_file(stdin=dump)
            dump.seek(0)
            result, = chain(["rdb-restore", "--via", via, server.url()],
                            stdin=dump)
        os.unlink(path)
        print(f"rdb-restore held {result.peak / MIB:.1f} MiB", flush=True)
        assert 0 < result.peak < MEMORY, result.peak
        cases.holds(f"to {STRING_BYTES} for the time", result.err)
        cases.equal(keys_of(server), 2)
        cases.equal(server.call("STRLEN", "string"), STRING_BYTES)
        cases.equal(limit_of(server), 512 * MIB)
        cases.equal(digest_file(["rdb-capture", server.url()]), want)


if __name__ == "__main__":
    cases.main()
