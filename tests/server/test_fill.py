#!/usr/bin/env python3
"""rdb-restore key by key: --via restore, commands and auto, on real servers.

Goal: the target holds exactly the data, by whichever way; what it held is
treated as was asked for; every refusal names key and database, says how far it
came, and a second run completes what the first could not.
"""

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)),
                                ".."))

from harness import cases, data, engines, programs, rdbbytes, servers  # noqa
from test_restore import dump_of, keys_of, refused  # noqa: E402


def restore(url, *words, input=b"", **how):
    """Run rdb-restore: its Result, with .facts."""
    read, write = os.pipe()
    try:
        result = programs.run("rdb-restore", "--facts-fd", write, url, *words,
                              input=input, pass_fds=[write], **how)
    finally:
        os.close(write)
    with open(read) as lines:
        result.facts = dict(line.rstrip("\n").split(" ", 1) for line in lines)
    return result


def strings(n, value=b"v" * 50, start=0):
    """A dump of n strings k0 ..., as a version all load."""
    file = rdbbytes.File(9).select(0)
    for i in range(start, start + n):
        file.key(rdbbytes.STRING, f"k{i}", rdbbytes.string(value))
    return file.end().bytes()


def lists(n, value=b"v" * 50):
    file = rdbbytes.File(9).select(0)
    for i in range(n):
        file.key(rdbbytes.LIST, f"l{i}", rdbbytes.strings(value, "b", "c"))
    return file.end().bytes()


def digest_of(dump):
    return programs.run("rdb-digest", input=dump).good().out


def held_digest(server):
    return digest_of(programs.run("rdb-capture", server.url()).good().out)


@cases.each(*[(name, via) for name in engines.NAMES
              for via in ("restore", "commands")])
def test_engines(name, via):
    """Every type, by both ways, into every engine: the same data."""
    dump, digest = dump_of(name)
    with servers.Server(name) as server:
        result = restore(server.url(), "--via", via, input=dump).good()
        cases.equal(server.digest(), digest, "DEBUG DIGEST")
        cases.equal(held_digest(server), digest_of(dump), "rdb-digest")
        facts = result.facts
        cases.equal(facts["via"], via)
        cases.equal(facts["keys"], str(keys_of(server)))
        for name in "done", "target-keys":
            cases.equal(facts[name], facts["keys"], name)
        cases.equal(sum(int(facts[f"by-{w}"]) for w in
                        ("restore", "set", "commands")), int(facts["done"]))
        cases.equal(facts["by-commands"],
                    facts["done"] if via == "commands" else "0")
        cases.equal(facts["functions"], "2")
        cases.equal(facts["bytes"], str(len(dump)))


@cases.each("1", "7")
def test_connections(n):
    dump, digest = dump_of()
    with servers.Server(unix=True) as server:
        result = restore(server.url("unix"), "--via", "restore",
                         "--connections", n, input=dump).good()
        cases.equal(server.digest(), digest)
        cases.holds(f"{n} connections", result.err)


def test_large_values():
    """Beyond --hold a value goes by commands as it comes; below, in one
    RESTORE larger than any buffer."""
    with servers.Server() as source, servers.Server() as target:
        data.big_string(source, "big", 3 << 20)
        with source.client() as client:
            for i in range(40):
                client.call("RPUSH", "list", *(f"{i}:{j}" * 30
                                               for j in range(500)))
            client.call("PEXPIREAT", "list", data.FAR)
        dump = programs.run("rdb-capture", source.url()).good().out
        for hold, by in ("100K", "2"), ("64M", "0"):
            result = restore(target.url(), "--via", "restore", "--flush",
                             "--hold", hold, input=dump).good()
            cases.equal(target.digest(), source.digest())
            cases.equal(result.facts["by-commands"], by)
    module = rdbbytes.File(9).select(0).key(
        rdbbytes.MODULE_2, "m", b"\x81" + bytes(8) + b"\x05" +
        rdbbytes.string("x" * 3000) + b"\x00").end().bytes()
    with servers.Server() as target:
        refused(restore(target.url(), "--via", "restore", "--hold", "1K",
                        input=module), 4, 'key "m" (module',
                "larger than --hold (1024 bytes), and module data has no")
        refused(restore(target.url(), "--via", "commands", input=module), 4,
                'database 0, key "m"', "module data has no commands")
        refused(restore(target.url(), "--via", "restore", input=module), 1,
                'database 0, key "m"', "it cannot load this value", "module")


def test_conflicts():
    dump = strings(100)
    with servers.Server() as server:
        for via in "restore", "commands":
            server.call("FLUSHALL")
            server.call("SET", "k7", "mine")
            server.call("SET", "other", "mine")
            refused(restore(server.url(), "--via", via, input=dump), 4,
                    "holds 2 keys: nothing was touched")
            cases.equal(keys_of(server), 2)
            result = restore(server.url(), "--via", via, "--on-conflict",
                             "skip", input=dump).good()
            cases.equal(result.facts["skipped"], "1")
            cases.equal(result.facts["done"], "99")
            cases.equal(server.call("GET", "k7"), b"mine")
            cases.holds("1 keys were there and were skipped", result.err)
            result = restore(server.url(), "--via", via, "--on-conflict",
                             "replace", input=dump).good()
            cases.equal(result.facts["replaced"], "100")
            cases.equal(server.call("GET", "k7"), b"v" * 50)
            cases.equal(server.call("GET", "other"), b"mine")
            restore(server.url(), "--via", via, "--flush", input=dump).good()
            cases.equal(keys_of(server), 100)
    refused(restore("redis://h", "--flush", "--on-conflict", "skip"), 2,
            "--flush removes all there is")


@cases.each("restore", "commands")
def test_conflicts_of_types(via):
    """Collections that are there, of another type: skipped, or replaced."""
    dump = lists(50)
    with servers.Server() as server:
        server.call("SADD", "l3", "mine")
        result = restore(server.url(), "--via", via, "--on-conflict", "skip",
                         input=dump).good()
        cases.equal(result.facts["skipped"], "1")
        cases.equal(server.call("TYPE", "l3"), b"set")
        restore(server.url(), "--via", via, "--on-conflict", "replace",
                input=dump).good()
        cases.equal(held_digest(server), digest_of(dump))


def test_functions_in_the_way():
    dump, _ = dump_of()
    code = "#!lua name=greet\nredis.register_function('mine', function() " \
        "return 1 end)\n"
    with servers.Server() as server:
        server.call("FUNCTION", "LOAD", code)
        refused(restore(server.url(), "--via", "restore", input=dump), 4,
                "holds 1 function libraries: nothing was touched")
        restore(server.url(), "--via", "restore", "--on-conflict", "skip",
                input=dump).good()
        cases.equal(server.call("FCALL", "mine", 0), 1)
        restore(server.url(), "--via", "restore", "--on-conflict", "replace",
                input=dump).good()
        cases.equal(server.call("FCALL", "greet_it", 0), b"greet")


@cases.each("restore", "commands")
def test_out_of_memory(via):
    """maxmemory: how far it came is said, and the second run completes it."""
    dump = lists(20000)
    with servers.Server(config=["maxmemory 3mb"]) as server:
        result = restore(server.url(), "--via", via, input=dump)
        refused(result, 4, 'database 0, key "l', "maxmemory is reached",
                "keys were restored before")
        done = keys_of(server)
        cases.equal(result.facts["done"], str(done))
        assert 0 < done < 20000, done
        server.call("CONFIG", "SET", "maxmemory", 0)
        result = restore(server.url(), "--via", via, "--on-conflict", "skip",
                         input=dump).good()
        cases.equal(result.facts["skipped"], str(done))
        cases.equal(held_digest(server), digest_of(dump))


def test_evictions():
    """Counts do not tell what went when others were there: that is said."""
    with servers.Server(config=["maxmemory-policy allkeys-random"]) as server:
        restore(server.url(), input=strings(20000)).good()
        used = int(server.info()["used_memory"])
        server.call("CONFIG", "SET", "maxmemory", used + (1 << 20))
        result = restore(server.url(), "--on-conflict", "replace",
                         input=strings(15000, start=20000))
        refused(result, 1, "has evicted", "(maxmemory)")
        assert keys_of(server) > 15000


def test_refusals():
    dump = strings(10)
    with servers.Server() as server:
        for rule, says in (("-restore", "lacks +restore"),
                           ("-info", "lacks +info")):
            server.call("ACL", "SETUSER", "u", "on", ">p", "~*", "+@all", rule)
            url = server.url(user="u", password="p")
            result = restore(url, "--via", "restore", input=lists(3))
            if rule == "-restore":
                # Then there are still commands, and that is said.
                result.good()
                cases.equal(result.facts["by-commands"], "3")
                server.call("FLUSHALL")
            else:
                refused(result, 4, says)
        server.call("ACL", "SETUSER", "u", "+@all", "resetkeys", "~l*")
        refused(restore(url, "--via", "restore", input=dump), 4,
                'database 0, key "k', "the user may not write this (NOPERM")
        port = server.port
        with servers.Server(config=[f"replicaof 127.0.0.1 {port}"]) as second:
            refused(restore(second.url(), "--via", "restore", input=dump), 4,
                    "is a replica of 127.0.0.1")
    with servers.Server(config=["databases 3"]) as server:
        far = rdbbytes.File(9).select(5).key(
            rdbbytes.STRING, "k", rdbbytes.string("v")).end().bytes()
        refused(restore(server.url(), "--via", "restore", input=far), 4,
                'database 5, key "k"', "has 3 databases")
        restore(server.url(), "--via", "restore", "--map-db", "5=1",
                input=far).good()
        cases.equal(data.counts(server), {1: (1, 0)})
        # Also where the setting is not for the user to see.
        server.call("ACL", "SETUSER", "u", "on", ">p", "~*", "&*", "+@all",
                    "-config|get")
        url = server.url(user="u", password="p")
        for via in "restore", "commands":
            refused(restore(url, "--via", via, "--on-conflict", "replace",
                            input=far), 4, "has 3 databases")
            cases.equal(data.counts(server), {1: (1, 0)})
        # A server that loads what it has no database for would end.
        server.call("FLUSHALL")
        refused(restore(url, "--via", "native", input=far), 4,
                "has 3 databases")
        cases.equal(data.counts(server), {})
        # What follows a SELECT that is refused goes nowhere.
        server.call("ACL", "SETUSER", "u", "-select")
        near = rdbbytes.File(9).select(1)
        for i in range(2000):
            near.key(rdbbytes.LIST, f"l{i}", rdbbytes.strings("v"))
        refused(restore(url, "--via", "restore", input=near.end().bytes()), 4,
                "refuses SELECT 1: NOPERM", "0 keys were restored before")
        cases.equal(data.counts(server), {})
    with servers.Server(config=["min-replicas-to-write 1"]) as server:
        refused(restore(server.url(), "--via", "restore", input=dump), 4,
                "too few of its replicas")


def test_bad_input():
    """Cut or wrong: an error, and how many keys are there already."""
    dump = strings(5000)
    flipped = bytearray(dump)
    flipped[-3] ^= 1
    with servers.Server() as server:
        for bad, says in ((dump[:-40], "cut short"),
                          (bytes(flipped), "RDB checksum is"),
                          (b"hello, no dump at all", "offset 0")):
            result = restore(server.url(), "--via", "restore", "--flush",
                             input=bad)
            refused(result, 1, says)
            if says != "offset 0":
                cases.holds("keys were restored before", result.err)
        # By commands, what was cut in the middle is removed.
        cut = rdbbytes.File(9).select(0).key(
            rdbbytes.LIST, "cut", rdbbytes.strings(
                *(b"%d" % i * 100 for i in range(20000)))).bytes()[:-5000]
        refused(restore(server.url(), "--via", "commands", "--flush",
                        input=cut), 1, 'key "cut"', "1 cut short removed")
        cases.equal(keys_of(server), 0)


def test_auto():
    """The way it takes, and why."""
    dump, digest = dump_of()
    with servers.Server() as server:
        keys = int(restore(server.url(), "--dry-run", input=dump).good()
                   .facts["keys"])
    with servers.Server() as server:
        result = restore(server.url(), input=dump).good()
        cases.equal(result.facts["via"], "native")
        cases.holds("a primary that loads RDB 10 itself", result.err)
        refused(restore(server.url(), input=dump), 4, "nothing was touched")
        result = restore(server.url(), "--on-conflict", "replace",
                         input=dump).good()
        cases.equal(result.facts["via"], "restore")
        cases.holds("what the target holds stays", result.err)
        result = restore(server.url(), "--flush", "--prefix", "list:",
                         input=dump).good()
        cases.equal(result.facts["via"], "restore")
        cases.equal(int(result.facts["keys"]) + int(result.facts["left-out"]),
                    keys)
        server.call("FLUSHALL")
        server.call("FUNCTION", "FLUSH")
        server.call("ACL", "SETUSER", "u", "on", ">p", "~*", "+@all",
                    "-replicaof", "-slaveof")
        result = restore(server.url(user="u", password="p"),
                         input=dump).good()
        cases.equal(result.facts["via"], "restore")
        cases.holds("lacks +replicaof", result.err)
        cases.equal(server.digest(), digest)


@cases.each(("redis-8.0", "redis-7.0"), ("valkey-9", "redis-7.0"),
            ("redis-7.0", "valkey-9"), ("valkey-8.1", "redis-8.0"))
def test_other_engines(source, target):
    """Data of one engine in another: the same logical data.  What only the
    newer one has is left out here."""
    dump, _ = dump_of(source)
    with servers.Server(target) as server:
        result = restore(server.url(), "--not-key", "hash:ttl:*",
                         input=dump).good()
        left = programs.run("rdb-filter", "--not-key", "hash:ttl:*",
                            input=dump).good().out
        cases.equal(held_digest(server), digest_of(left))
        cases.equal(result.facts["via"], "restore")


@cases.each(("redis-8.0", "valkey-9"), ("valkey-9", "redis-8.0"))
def test_times_of_fields(source, target):
    """Types of one engine that the other has no number for go by commands."""
    dump, _ = dump_of(source)
    with servers.Server(target) as server:
        result = restore(server.url(), "--via", "restore", input=dump).good()
        cases.equal(result.facts["by-commands"], "3")
        cases.equal(held_digest(server), digest_of(dump))


def times_gone():
    """A dump of Redis 8.0: a hash that had times of fields, one that has some
    still, and a string."""
    with servers.Server("redis-8.0") as server, server.client() as client:
        for key, n in (("had", 300), ("has", 3)):
            client.call("HSET", key, *(w for i in range(n)
                                       for w in (f"f{i}", f"v{i}")))
            client.call("HPEXPIREAT", key, data.FAR, "FIELDS", 2, "f0", "f2")
            if key == "had":
                client.call("HPERSIST", key, "FIELDS", 2, "f0", "f2")
        client.call("SET", "string", "v")
        dump = programs.run("rdb-capture", server.url()).good().out
    for name in b"had", b"has":
        assert bytes([rdbbytes.HASH_LISTPACK_TTL, 3]) + name in dump, \
            "Redis gave up the type when the times went"
    return dump


def table_without_times():
    """The type of larger ones, which Redis 8.0 gives up by itself."""
    return rdbbytes.File(12).select(0).key(
        rdbbytes.HASH_TTL, "table", bytes(8) + rdbbytes.length(3000) +
        b"".join(rdbbytes.length(0) + rdbbytes.string(f"f{i}") +
                 rdbbytes.string(f"v{i}") for i in range(3000))).end().bytes()


@cases.each("redis-7.0", "valkey-8.1")
def test_times_of_fields_gone(target):
    """A type that may hold times goes to who has none, when it holds none; a
    time is refused before anything of its key is begun."""
    dump = times_gone()
    want = programs.run("rdb-filter", "--not-key", "has",
                        input=dump).good().out
    with servers.Server(target) as server:
        for via, hold in (("restore", "8M"), ("commands", "8M"),
                          ("restore", "1K"), ("commands", "1K")):
            restore(server.url(), "--via", via, "--hold", hold, "--flush",
                    "--not-key", "has", input=dump).good()
            cases.equal(held_digest(server), digest_of(want), f"{via} {hold}")
            restore(server.url(), "--via", via, "--hold", hold, "--flush",
                    input=table_without_times()).good()
            cases.equal(held_digest(server),
                        digest_of(table_without_times()), f"{via} {hold}")
        server.call("SET", "has", "before")
        for via in "restore", "commands":
            words = ("--via", via, "--key", "has")
            refused(restore(server.url(), *words, "--on-conflict", "replace",
                            input=dump), 4, 'database 0, key "has"',
                    "the target has no expiry of a hash's fields; 0 keys "
                    "were restored before")
            cases.equal(server.call("GET", "has"), b"before")
            server.call("FLUSHALL")
            result = restore(server.url(), "--via", via, "--dry-run",
                             input=dump)
            refused(result, 1, "1 keys cannot be restored")
            cases.holds('does not fit: database 0, key "has"', result.out)
            cases.equal(result.out.count(b"does not fit"), 1, result.out)
            server.call("SET", "has", "before")


def test_dry_run():
    dump, _ = dump_of()
    with servers.Server(config=["maxmemory 1mb", "databases 4"]) as server:
        result = restore(server.url(), "--dry-run", "--via", "restore",
                         input=dump)
        refused(result, 1, "of its maxmemory")
        cases.holds('does not fit: database 15, key "in:fifteen"', result.out)
        server.call("CONFIG", "SET", "maxmemory", 0)
        refused(restore(server.url(), "--dry-run", "--via", "commands",
                        input=dump), 1, "1 keys cannot be restored")
        result = restore(server.url(), "--dry-run", "--via", "commands",
                         "--map-db", "15=1", input=dump).good()
        cases.holds("by commands: ", result.out)
        cases.holds("functions: 2 libraries", result.out)
        cases.equal(keys_of(server), 0, "touched")
    with servers.Server() as server:
        result = restore(server.url(), "--dry-run", input=dump).good()
        cases.holds("native, by the target itself: ", result.out)
        cases.equal(keys_of(server), 0, "touched")
        refused(restore(server.url(), "--dry-run", input=dump[:-20]), 1,
                "cut short")


def test_times():
    """Expiries: absolute, in the past, dropped."""
    now = int(time.time() * 1000)
    dump = rdbbytes.File(9).select(0).expire_ms(data.FAR).key(
        rdbbytes.STRING, "far", rdbbytes.string("v")).expire_ms(
        data.FAR).key(rdbbytes.LIST, "list", rdbbytes.strings("v")).expire_ms(
        now - 10000).key(rdbbytes.STRING, "past", rdbbytes.string("v")
        ).expire_ms(now - 10000).key(rdbbytes.LIST, "past:list",
                                     rdbbytes.strings("v")).idle(1000).key(
        rdbbytes.STRING, "idle", rdbbytes.string("v")).end().bytes()
    with servers.Server() as server:
        for via in "restore", "commands":
            restore(server.url(), "--via", via, "--flush", input=dump).good()
            for key in "far", "list":
                cases.equal(server.call("PEXPIRETIME", key), data.FAR)
            cases.equal(server.call("EXISTS", "past", "past:list"), 0)
            cases.equal(server.call("EXISTS", "idle"), 1)
            if via == "restore":
                cases.equal(server.call("OBJECT", "IDLETIME", "idle"), 1000)
        restore(server.url(), "--via", "restore", "--flush", "--ttl", "drop",
                input=dump).good()
        cases.equal(data.counts(server), {0: (5, 0)})


@cases.each("redis-8.0", "valkey-9")
def test_times_of_fields_changed(name):
    """--ttl is for those, too, as in rdb-filter; by both ways."""
    dump, _ = dump_of(name)
    for how in "drop", "shift=+1h":
        want = programs.run("rdb-filter", "--ttl", how, input=dump).good().out
        with servers.Server(name) as server:
            for via in "restore", "commands":
                restore(server.url(), "--via", via, "--flush", "--ttl", how,
                        input=dump).good()
                cases.equal(held_digest(server), digest_of(want), how)


def test_names_that_clash():
    dump = rdbbytes.File(9).select(0).key(
        rdbbytes.STRING, "a:1", rdbbytes.string("v")).key(
        rdbbytes.STRING, "b:1", rdbbytes.string("v")).end().bytes()
    with servers.Server() as server:
        refused(restore(server.url(), "--rename-prefix", "a:=b:", input=dump),
                1, 'database 0, key "b:1"', "two keys would get this name")


class Feeder:
    """rdb-restore that is given its input in two halves."""

    def __init__(self, url, dump, *words):
        self.rest = dump[len(dump) // 2:]
        self.child = subprocess.Popen(
            [programs.path("rdb-restore"), url, *words],
            stdin=subprocess.PIPE, stderr=subprocess.PIPE,
            env=programs.environment(), preexec_fn=programs.die_with_parent)
        self.child.stdin.write(dump[:len(dump) // 2])
        self.child.stdin.flush()

    def finish(self):
        """(exit code, standard error)"""
        _, err = self.child.communicate(self.rest, timeout=60)
        return self.child.returncode, err.decode()


def wait_for(condition):
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, "waited for too long"
        time.sleep(0.02)


@cases.each("restore", "commands")
def test_connections_dropped(via):
    """Connections that break half-way are made again, nothing is lost."""
    dump = lists(40000)
    with servers.Server() as server:
        feeder = Feeder(server.url(), dump, "--via", via)
        wait_for(lambda: keys_of(server) > 5000)
        with server.client() as client:
            client.call("CLIENT", "KILL", "TYPE", "normal")
        code, err = feeder.finish()
        cases.equal(code, 0, err)
        cases.equal(held_digest(server), digest_of(dump))


def restart(server):
    """End it without saving and start it again on its port."""
    server.process.kill()
    server.process.wait()
    server.process = subprocess.Popen(
        [server.engine.server, os.path.join(server.folder, "conf")],
        cwd=server.folder, stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, preexec_fn=programs.die_with_parent)


@cases.each("restore", "commands")
def test_target_flushed(via):
    """Fewer keys than were made are never good, whatever the policy."""
    with servers.Server() as server:
        feeder = Feeder(server.url(), lists(40000), "--via", via,
                        "--on-conflict", "skip")
        wait_for(lambda: keys_of(server) > 5000)
        server.call("FLUSHALL")
        code, err = feeder.finish()
        cases.equal(code, 1, err)
        cases.holds("at least 40000 should be there", err)


def test_target_restarts():
    """Without what it had: said, never silent.  The second run completes."""
    dump = lists(40000)
    with servers.Server() as server:
        feeder = Feeder(server.url(), dump, "--via", "restore")
        wait_for(lambda: keys_of(server) > 5000)
        restart(server)
        code, err = feeder.finish()
        cases.equal(code, 4, err)
        cases.holds("was started again half-way and has forgotten", err)
        cases.holds("keys were restored before", err)
        restore(server.url(), "--via", "restore", "--on-conflict", "skip",
                input=dump).good()
        cases.equal(held_digest(server), digest_of(dump))
    with servers.Server(config=["appendonly yes",
                                "appendfsync always"]) as server:
        feeder = Feeder(server.url(), dump, "--via", "restore")
        wait_for(lambda: keys_of(server) > 2000)
        restart(server)
        code, err = feeder.finish()
        cases.equal(code, 0, err)
        cases.equal(held_digest(server), digest_of(dump))


def test_target_stays_away():
    dump = strings(40000)
    with servers.Server() as server:
        feeder = Feeder(server.url(), dump, "--via", "restore", "--timeout",
                        "1s")
        wait_for(lambda: keys_of(server) > 5000)
        server.process.kill()
        server.process.wait()
        code, err = feeder.finish()
        cases.equal(code, 4, err)
        cases.holds("connection refused", err)
        cases.holds("keys were restored before", err)


@cases.each("restore", "commands")
def test_signal(via):
    """How far it came is said; what is cut is removed."""
    dump = lists(40000)
    with servers.Server() as server:
        feeder = Feeder(server.url(), dump, "--via", via)
        wait_for(lambda: keys_of(server) > 5000)
        feeder.child.send_signal(signal.SIGTERM)
        err = feeder.child.stderr.read().decode()
        cases.equal(feeder.child.wait(timeout=30), 143, err)
        feeder.child.stdin.close()
        restore(server.url(), "--via", via, "--on-conflict", "skip",
                input=dump).good()
        cases.equal(held_digest(server), digest_of(dump))


def test_slow_server():
    """A server that stops for a while: nothing grows, nothing is lost."""
    dump = strings(100000)
    with servers.Server() as server:
        timer = threading.Timer(
            1.5, lambda: server.process.send_signal(signal.SIGCONT))
        feeder = Feeder(server.url(), dump, "--via", "restore")
        wait_for(lambda: keys_of(server) > 5000)
        server.process.send_signal(signal.SIGSTOP)
        timer.start()
        code, err = feeder.finish()
        cases.equal(code, 0, err)
        cases.equal(held_digest(server), digest_of(dump))
    with servers.Server() as server:
        feeder = Feeder(server.url(), dump, "--via", "restore", "--timeout",
                        "1s")
        wait_for(lambda: keys_of(server) > 5000)
        server.process.send_signal(signal.SIGSTOP)
        code, err = feeder.finish()
        server.process.send_signal(signal.SIGCONT)
        cases.equal(code, 4, err)
        cases.holds("for 1 s", err)


if __name__ == "__main__":
    cases.main()
