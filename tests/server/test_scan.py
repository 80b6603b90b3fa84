#!/usr/bin/env python3
"""rdb-capture --via scan: key by key, from servers that deny replication and
from whole clusters.

Goal: what it writes is an RDB that servers load, with the same data as
replication gives, each key once whatever SCAN does; it says what it is not;
and nothing that goes wrong leaves a whole RDB behind.
"""

import contextlib
import itertools
import json
import os
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)),
                                ".."))

from harness import (cases, certs, clusters, data, engines,     # noqa: E402
                     programs, servers)
from harness.rdbbytes import crc64                              # noqa: E402
from fake import FakeServer, bulk                               # noqa: E402

RULES = ["~*", "+ping", "+info", "+select", "+scan", "+multi", "+exec",
         "+time", "+pttl", "+dump", "+pexpiretime", "+function|dump"]


def capture(*words, **how):
    """Run rdb-capture: its Result, with .facts."""
    read, write = os.pipe()
    try:
        result = programs.run("rdb-capture", "--facts-fd", write, *words,
                              pass_fds=[write], **how)
    finally:
        os.close(write)
    with open(read) as lines:
        result.facts = dict(line.rstrip("\n").split(" ", 1) for line in lines)
    return result


def scan(*words, **how):
    return capture("--via", "scan", *words, **how)


def digest(dump):
    """The fingerprints of the data and of the functions."""
    read, write = os.pipe()
    try:
        programs.run("rdb-digest", "--facts-fd", write, input=dump,
                     pass_fds=[write]).good()
    finally:
        os.close(write)
    with open(read) as lines:
        facts = dict(line.rstrip("\n").split(" ", 1) for line in lines)
    return int(facts["digest"], 16), int(facts["digest-functions"], 16)


def replicated(server):
    return capture("--via", "psync", server.url()).good().out


def refused(result, code, *words):
    """It failed as it should, in one line, and what it wrote is no RDB."""
    cases.equal(result.code, code, result)
    cases.equal(len(result.err.strip().splitlines()), 1, result)
    for word in words:
        cases.holds(word, result.err)
    if result.out:
        cases.equal(programs.run("rdb-verify", input=result.out).code, 1)
    return result


@contextlib.contextmanager
def loaded(server, dump):
    """A server of the same kind that has started with this dump; its own
    checker has found it good."""
    with tempfile.TemporaryDirectory() as scratch:
        path = os.path.join(scratch, "dump.rdb")
        with open(path, "wb") as file:
            file.write(dump)
        programs.run(server.engine.check_rdb, path).good()
        with servers.Server(server.engine, rdb=path) as other:
            yield other


def noise(server, keys):
    """Keys of a kilobyte that nothing can compress."""
    with server.client() as client:
        client.pipeline(
            ("SET", f"k{n}", os.urandom(1000)) for n in range(keys))


@contextlib.contextmanager
def user(server, *rules):
    """The URL of a user with these rules only."""
    server.call("ACL", "SETUSER", "bob", "reset", "on", ">pw", *rules)
    yield server.url(user="bob", password="pw")


# --- the same data ---

@cases.each(*engines.NAMES)
def test_same_as_replication(name):
    """Every type, in three databases, with functions: the digest is that of
    replication, and servers load it, as a file and over replication."""
    with servers.Server(name) as server:
        data.fill(server, 3000)
        result = scan(server.url()).good()
        cases.equal(result.err, b"")
        cases.equal(digest(result.out), digest(replicated(server)))
        counts = data.counts(server)
        facts = result.facts
        cases.equal(facts["engine"], server.engine.kind)
        cases.equal(facts["run-id"], server.info()["run_id"])
        cases.equal(facts["role"], "master")
        cases.equal(facts["via"], "scan")
        cases.equal(facts["point-in-time"], "no")
        cases.equal(facts["keys"], str(sum(n for n, _ in counts.values())))
        cases.equal(facts["databases"], str(len(counts)))
        cases.equal(facts["vanished"], "0")
        cases.equal(facts["duplicates"], "0")
        cases.equal(facts["functions"], "saved")
        cases.equal(facts["bytes"], str(len(result.out)))
        assert 0 < int(facts["started"]) <= int(facts["finished"])
        for unknown in "replid", "offset", "framing":
            assert unknown not in facts, facts
        with loaded(server, result.out) as other:
            data.same(server, other)
        with servers.Server(name) as other:
            programs.run("rdb-restore", "--via", "native", other.url(),
                         input=result.out).good()
            data.same(server, other)


def test_header():
    """The RDB says what made it."""
    with servers.Server() as server:
        server.call("SET", "k", "v")
        began = time.time()
        out = scan(server.url()).good().out
        cases.equal(out[:9], b"REDIS0010")
        cases.holds("aux.rdbpipe-via scan", programs.shell(
            "rdb-capture --via scan " + server.url() +
            " | rdb-verify --facts-fd 2 >/dev/null").good().err)
        version = ".".join(map(str, server.engine.version)).encode()
        assert b"\xfa\x09redis-ver" + bytes([len(version)]) + version in out
        at = out.index(b"ctime") + 5
        assert out[at] == 10, out[at:at + 5]
        ctime = int(out[at + 1:at + 11])
        assert int(began) <= ctime <= time.time(), ctime


@cases.each(*engines.NAMES)
def test_empty(name):
    """Without keys the header is still that of the server."""
    with servers.Server(name) as server:
        want = replicated(server)
        result = scan(server.url()).good()
        cases.equal(result.out[:9], want[:9])
        cases.equal(result.facts["databases"], "0")
        with loaded(server, result.out) as other:
            cases.equal(data.counts(other), {})
        # Nobody tells the version: what all servers load.
        with user(server, *RULES, "-info", "-function") as url:
            cases.equal(scan(url).good().out[:9], b"REDIS0009")
        with user(server, *RULES, "-function") as url:
            cases.equal(scan(url).good().out[:9], want[:9])


@cases.each("redis-7.0", "valkey-9")
def test_expiries_and_idle_times(name):
    with servers.Server(name) as server:
        payload = None
        server.call("SET", "never", "x")
        payload = server.call("DUMP", "never")
        server.call("SET", "exact", "x", "PXAT", data.FAR + 123)
        server.call("RESTORE", "old", 0, payload, "IDLETIME", 100000)
        plain = scan(server.url()).good().out
        with loaded(server, plain) as other:
            cases.equal(other.call("PEXPIRETIME", "exact"), data.FAR + 123)
            cases.equal(other.call("PEXPIRETIME", "never"), -1)
            assert other.call("OBJECT", "IDLETIME", "old") < 1000
        # That it was looked at has made nothing younger, where a server can.
        if server.engine.version >= (7, 2):
            assert server.call("OBJECT", "IDLETIME", "old") >= 100000
        else:
            server.call("RESTORE", "old", 0, payload, "IDLETIME", 100000,
                        "REPLACE")
        with loaded(server, scan("--idle", server.url()).good().out) as other:
            assert other.call("OBJECT", "IDLETIME", "old") >= 100000
            assert other.call("OBJECT", "IDLETIME", "never") < 1000
        server.call("CONFIG", "SET", "maxmemory-policy", "allkeys-lfu")
        server.call("RESTORE", "often", 0, payload, "FREQ", 200)
        out = scan("--idle", server.url()).good().out
        assert b"\xf9\xc8\x00\x05often" in out, out


# --- what a user may ---

@cases.each(*engines.NAMES)
def test_replication_denied(name):
    """--via auto says that it reads keys, and that it is no point in time."""
    with servers.Server(name) as server:
        data.showcase(server)
        want = digest(replicated(server))
        for denied in "psync", "replconf":
            with user(server, *RULES, "+psync", "+replconf",
                      "-" + denied) as url:
                result = capture(url).good()
                cases.equal(digest(result.out), want)
                cases.equal(len(result.err.splitlines()), 1)
                cases.holds(f"warning: no replication (127.0.0.1:"
                            f"{server.port}: user \"bob\" lacks +{denied}",
                            result.err)
                cases.holds("reading key by key instead, which gives no point "
                            "in time", result.err)
                cases.equal(result.facts["via"], "scan")
                refused(capture("--via", "psync", url), 4,
                        f"lacks +{denied}: ACL SETUSER bob +psync")
        with user(server, *RULES, "+psync", "+replconf") as url:
            result = capture(url).good()
            cases.equal(result.facts["via"], "psync")
            cases.equal(result.facts["point-in-time"], "yes")


@cases.each("PSYNC", "REPLCONF")
def test_command_hidden(command):
    """Managed services do not know the commands."""
    with servers.Server(config=[f'rename-command {command} ""']) as server:
        server.call("SET", "k", "v")
        result = capture(server.url()).good()
        cases.holds(f"does not know {command.lower()}", result.err)
        cases.equal(result.facts["keys"], "1")


def test_no_other_failure_is_hidden():
    """Only a denial leads to another way: all else is what it was."""
    for says, word in (
            (b"-ERR Unable to perform background save\r\n", "refuses psync"),
            (b"-WRONGTYPE whatever\r\n", "refuses psync"),
            (b"+CONTINUE\r\n", "unexpected answer to PSYNC"),
            (b"", "closed the connection")):
        def serve(connection):
            while (words := connection.command()) is not None:
                if words[0] == "PSYNC":
                    connection.say(says)
                    return
                connection.say(b"+OK\r\n")
        with FakeServer(serve) as server:
            refused(capture("--timeout", "2s", server.url), 4, word)
    with servers.Server() as server:
        port = server.port
        refused(capture(server.url(password="wrong")), 4, "has no password")
    refused(capture(f"redis://127.0.0.1:{port}"), 4, "connection refused")


@cases.each("redis-7.0", "valkey-8.1")
def test_fewest_rights(name):
    """What is not allowed is asked for by name, or done without."""
    with servers.Server(name) as server:
        data.showcase(server)
        want, functions = digest(replicated(server))
        with user(server, *RULES) as url:
            cases.equal(digest(scan(url).good().out), (want, functions))
        for rule, command in (("-scan", "scan"), ("-dump", "dump"),
                              ("-multi", "multi"), ("-exec", "exec"),
                              ("-select", "select")):
            with user(server, *RULES, rule) as url:
                refused(scan(url), 4, f"lacks +{command}: ACL SETUSER bob ~*",
                        "+function|dump")
        # Databases are found without INFO, functions left out aloud.
        with user(server, *RULES, "-info", "-function") as url:
            result = scan(url).good()
            cases.holds("functions are left out", result.err)
            cases.equal(result.facts["functions"], "denied")
            assert "engine" not in result.facts
            cases.equal(digest(result.out)[0], want)
        with user(server, "%R~string:*", *RULES[1:]) as url:
            refused(scan(url), 4, 'user "bob" lacks some keys, for ')


@cases.each(
    (b"redis_version:6.2.0\r\ndb0:keys=1\r\n", b"-ERR unknown command\r\n",
     "none"),
    (b"redis_version:7.2.0\r\ndb0:keys=1\r\n", b"-ERR unknown command\r\n",
     "denied"),
    (b"# Keyspace\r\ndb0:keys=1\r\n", b"-ERR unknown command\r\n", "denied"),
    (b"redis_version:7.2.0\r\ndb0:keys=1\r\n", b"-NOPERM x\r\n", "denied"))
def test_functions_that_are_kept_from_us(info, answer, functions):
    """A server that hides FUNCTION is not one that has none."""
    with FakeServer(node([(b"0", b"k")], {"k": payload()},
                         {"INFO": bulk(info), "FUNCTION": answer})) as server:
        result = scan(server.url).good()
    cases.equal(result.facts["functions"], functions)
    cases.equal(b"functions are left out" in result.err, functions == "denied")


def test_nothing_in_the_first_database():
    """Where INFO does not say, too, and a look at a key has been taken."""
    with servers.Server() as server:
        with server.client() as client:
            client.call("SELECT", 3)
            client.call("SET", "k", "v")
        want = digest(replicated(server))
        for rule in "+info", "-info":
            # Without functions a key tells the version of the RDB.
            with user(server, *RULES, rule, "-function") as url:
                result = scan(url).good()
            cases.equal(digest(result.out), want, rule)
            cases.equal(result.facts["databases"], "1")


def test_older_servers_tell_the_time_left():
    """Before 7.0 there is no PEXPIRETIME: PTTL, and the server's clock."""
    with servers.Server() as server:
        for n in range(50):
            server.call("SET", f"k{n}", n, "PXAT", data.FAR + n * 1000)
        server.call("SET", "never", "x")
        with user(server, *RULES, "-pexpiretime") as url:
            result = scan(url).good()
        with loaded(server, result.out) as other:
            for n in range(50):
                got = other.call("PEXPIRETIME", f"k{n}") - n * 1000
                assert abs(got - data.FAR) < 50, (n, got - data.FAR)
            cases.equal(other.call("PEXPIRETIME", "never"), -1)


def test_server_that_loads_is_waited_for():
    asked = []

    def info():
        asked.append(1)
        return bulk(b"redis_version:7.2.0\r\nloading:%d\r\ndb0:keys=1\r\n"
                    % (len(asked) < 3))
    with FakeServer(node([(b"0", b"k")], {"k": payload()},
                         {"INFO": info})) as server:
        cases.equal(scan(server.url).good().facts["keys"], "1")
        assert len(asked) > 3, asked
    with FakeServer(node([], {}, {"INFO": bulk(b"loading:1\r\n")})) as server:
        refused(scan("--timeout", "300ms", server.url), 4,
                "still loading its own data")


# --- clusters ---

@cases.each("redis-7.0", "valkey-9")
def test_cluster(name):
    """All masters of a cluster: their digests add up to that of the whole,
    and another server loads it."""
    with clusters.Cluster(name, masters=3, replicas=1) as cluster:
        cluster.load([("SET", f"key:{n}", n) for n in range(2000)] +
                     [("HSET", f"hash:{n}", "f", n) for n in range(500)])
        for master in cluster.masters:
            master.call("FUNCTION", "LOAD", "#!lua name=l\nredis."
                        "register_function('f', function() return 1 end)")
        shards = [digest(replicated(m))[0] for m in cluster.masters]
        # Any node knows the others; the first may be gone.
        gone = f"127.0.0.1:{servers.free_port()}"
        url = cluster.url(nodes=cluster.replicas[:1]).replace("://",
                                                              f"://{gone},")
        result = scan(url).good()
        cases.equal(digest(result.out)[0], sum(shards) % (1 << 128))
        cases.equal(result.facts["masters"], "3")
        cases.equal(result.facts["keys"], "2500")
        cases.equal(result.facts["databases"], "1")
        assert "run-id" not in result.facts
        with loaded(cluster.masters[0], result.out) as other:
            cases.equal(data.counts(other), {0: (2500, 0)})
            cases.equal(len(other.call("FUNCTION", "LIST")), 1)
        for via in "auto", "psync":
            refused(capture("--via", via, cluster.url()), 2,
                    "one shard at a time")
        # One node by itself, if only a replica, is a server like any other.
        replica = cluster.replicas[1]
        cases.equal(cluster.masters[1].call("WAIT", 1, 5000), 1)
        cases.equal(digest(scan(replica.url()).good().out)[0], shards[1])
        # Somebody else is the master now, and says so.
        cluster.failover(cluster.replicas[0])
        cases.equal(digest(scan(url).good().out), digest(result.out))
        one = cluster.masters[1]
        cases.equal(digest(scan(one.url()).good().out)[0], shards[1])


def test_cluster_on_the_move():
    """A slot on its way, a slot without a master, a slot that went while we
    read: never a whole RDB."""
    with clusters.Cluster(masters=3) as cluster:
        keys = [f"key:{n}" for n in range(3000)]
        cluster.load([("SET", key, os.urandom(1000)) for key in keys])
        first, second = cluster.masters[:2]
        number = min(set(range(5000)) - set(map(clusters.slot, keys)))
        cluster.migrate_begin(number, first, second)
        refused(scan(cluster.url()), 4, f"127.0.0.1:{first.port}: has slots "
                "on the move")
        cluster.migrate_end(number, first)
        scan(cluster.url()).good()
        mover = threading.Timer(0.7, cluster.migrate_end,
                                [number, second])
        mover.start()
        refused(scan("--rate", "1500K", cluster.url()), 4,
                "the cluster is another than at the start")
        mover.join()

        def there_and_back():
            for source, target in (second, first), (first, second):
                cluster.migrate_begin(number, source, target)
                cluster.migrate_end(number, target)
        mover = threading.Timer(0.7, there_and_back)
        mover.start()
        refused(scan("--rate", "1500K", cluster.url()), 4,
                "the cluster is another than at the start, or was meanwhile")
        mover.join()
        cluster.kill(cluster.masters[2])
        refused(scan(cluster.url()), 4)


def test_cluster_rights():
    """Every node logs in as the URL says; what lacks is named."""
    with clusters.Cluster(masters=2) as cluster:
        for node in cluster.masters:
            node.call("ACL", "SETUSER", "bob", "on", ">pw", *RULES,
                      "+cluster|slots", "+cluster|nodes")
        url = cluster.url(user="bob", password="pw")
        scan(url).good()
        cluster.masters[1].call("ACL", "SETUSER", "bob", "-cluster|nodes")
        refused(scan(url), 4, f"127.0.0.1:{cluster.masters[1].port}: user "
                "\"bob\" lacks +cluster|nodes: ACL SETUSER bob ~*",
                "+cluster|slots +cluster|nodes")


def test_cluster_with_password_and_tls():
    with tempfile.TemporaryDirectory() as scratch:
        made = certs.Certs(scratch)
        with clusters.Cluster(masters=2, tls=made, password="pw") as cluster:
            cluster.load([("SET", f"key:{n}", n) for n in range(100)])
            how = ("--tls-ca", made.ca, "--tls-cert", made.client_cert,
                   "--tls-key", made.client_key)
            result = scan(*how, cluster.url("tls")).good()
            cases.equal(result.facts["keys"], "100")
            cases.equal(scan(cluster.url()).good().facts["keys"], "100")
            result = refused(scan(cluster.url(password="wrong")), 4,
                             "none of 2 nodes has a map", "wrong password")
            assert b"wrong@" not in result.err


# --- while others write ---

class Churn:
    """Tables that grow and shrink by turns; keys "stays:*" are left alone."""

    def __init__(self, server, keys):
        self.server, self.keys, self.over = server, keys, threading.Event()
        self.thread = threading.Thread(target=self._work)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()

    def _work(self):
        with self.server.client() as client:
            while not self.over.is_set():
                for n in range(0, self.keys, 1000):
                    if self.over.is_set():
                        return
                    client.pipeline(("SET", f"comes:{i}", "x" * 20)
                                    for i in range(n, n + 1000))
                for n in range(0, self.keys, 1000):
                    client.pipeline([("UNLINK", *(
                        f"comes:{i}" for i in range(n, n + 1000)))])


@cases.each(*(engines.NAMES if programs.SOAK else ("redis-7.0", "valkey-9")))
def test_under_load(name):
    """Each key once, all that stay, and figures that are true."""
    with servers.Server(name, ["hz 500"]) as server:
        with server.client() as client:
            client.pipeline(("SET", f"stays:{n}", n) for n in range(5000))
        with Churn(server, 100000):
            results = [scan("--count", "10", "--rate", rate, server.url())
                       for rate in ("500K", "1M")]
        for result in results:
            result.good()
            keys = int(result.facts["keys"])
            assert keys >= 5000, result.facts
            with loaded(server, result.out) as other:
                cases.equal(other.call("DBSIZE"), keys)
                with other.client() as client:
                    cases.equal(client.pipeline(
                        ("GET", f"stays:{n}") for n in range(5000)),
                        [str(n).encode() for n in range(5000)])
        print({k: [r.facts[k] for r in results]
               for k in ("keys", "vanished", "duplicates")})


def test_seen_keys_on_disk():
    """With little memory the keys seen are in a file that leaves no trace;
    without room for it, it ends."""
    with servers.Server() as server, \
            tempfile.TemporaryDirectory() as scratch:
        server.call("DEBUG", "POPULATE", 20000)
        result = scan("--memory", "64K", server.url(),
                      env={"TMPDIR": scratch}).good()
        cases.equal(result.facts["keys"], "20000")
        cases.equal(digest(result.out), digest(replicated(server)))
        cases.equal(os.listdir(scratch), [])
        refused(scan("--memory", "64K", server.url(),
                     env={"TMPDIR": scratch + "/none"}), 3,
                "cannot make a temporary file in", "(TMPDIR)")


# --- as a backup ---

@cases.each(False, True)
def test_backup(whole_cluster):
    """The manifest says how it was read, and a clone is equal."""
    with contextlib.ExitStack() as stack:
        scratch = stack.enter_context(tempfile.TemporaryDirectory())
        if whole_cluster:
            cluster = stack.enter_context(clusters.Cluster(masters=2))
            cluster.load([("SET", f"key:{n}", n) for n in range(200)])
            how = ["--via", "scan", cluster.url()]
        else:
            server = stack.enter_context(servers.Server())
            data.showcase(server)
            how = [stack.enter_context(user(server, *RULES))]
        where = ["--store", scratch, "--instance", "one"]
        made = programs.run("rdbpipe", "backup", *where, *how).good()
        shown = programs.run("rdbpipe", "show", *where, "latest").good().out
        cases.holds("scan, no point in time", shown)
        manifest = json.loads(programs.run(
            "rdbpipe", "show", *where, "--format", "json",
            "latest").good().out)
        source = manifest["shards"][0]["source"]
        cases.equal(manifest["format"], 2)
        cases.equal((source["via"], source["point-in-time"],
                     source["replid"], source["offset"]),
                    ("scan", "no", None, 0))
        cases.equal(manifest["topology"],
                    "cluster" if whole_cluster else "standalone")
        cases.equal(manifest["shards"][0]["slots"],
                    [{"first": 0, "last": 16383}] if whole_cluster else [])
        assert b":pw" not in json.dumps(manifest).encode(), manifest
        if not whole_cluster:
            cases.holds("no replication", made.err)
        programs.run("rdbpipe", "verify", *where, "latest").good()
        with servers.Server() as other:
            programs.run("rdbpipe", "clone", *where, "latest", "--to",
                         other.url()).good()
            if not whole_cluster:
                data.same(server, other)


# --- what breaks ---

@cases.each("kill", "client")
def test_server_goes_away(how):
    with servers.Server() as server:
        noise(server, 5000)

        def go_away():
            if how == "kill":
                server.process.kill()
            else:
                server.call("CLIENT", "KILL", "TYPE", "normal")
        timer = threading.Timer(0.5, go_away)
        timer.start()
        result = refused(scan("--rate", "2M", server.url()), 4)
        timer.join()
        assert len(result.out) > 100000, len(result.out)


def test_rate():
    with servers.Server() as server:
        noise(server, 1000)
        began = time.monotonic()
        out = scan("--rate", "500K", server.url()).good().out
        took = time.monotonic() - began
        assert len(out) > 1000000 and 1.5 < took < 6, (len(out), took)


def test_memory():
    """Large values pass; those on their way are few."""
    with servers.Server() as server:
        for n in range(3):
            data.big_string(server, f"big:{n}", 32 << 20, seed=n)
        result, = programs.chain(
            ["rdb-capture", "--via", "scan", server.url()])
        result.good()
        limit = (256 if programs.sanitized("rdb-capture") else 40) << 20
        assert result.peak < limit, result.peak


def test_usage():
    for words, says in (
            (("--via", "other", "redis://h"), "--via"),
            (("--count", "0", "redis://h"), "--count"),
            (("--memory", "1K", "redis://h"), "--memory"),
            (("--via", "scan", "redis://h/3"), "leave it out"),
            (("redis+cluster://h",), "--via scan"),
            (("--via", "psync", "redis+cluster://h"), "one shard at a time")):
        refused(capture(*words), 2, says)


# --- servers that say odd things ---

def payload(value=b"\x00\x01v", version=11, crc=None):
    body = value + version.to_bytes(2, "little")
    return body + (crc64(body) if crc is None else crc).to_bytes(8, "little")


def node(scans, dumps, replies=()):
    """A server: replies to SCAN in order, values by key, more by command."""
    replies = dict(replies)

    def serve(connection):
        waiting, queued = list(scans), None
        while (words := connection.command()) is not None:
            name = words[0]
            if name == "MULTI":
                queued = []
            if name in replies:
                answer = replies[name]
                answer = answer() if callable(answer) else answer
            elif name in ("PING", "CLIENT", "READONLY", "SELECT"):
                answer = b"+OK\r\n"
            elif name == "INFO":
                answer = bulk(b"redis_version:7.2.0\r\ndb0:keys=1\r\n")
            elif name == "FUNCTION":
                answer = bulk(payload(b""))
            elif name == "SCAN":
                cursor, *keys = waiting.pop(0)
                answer = b"*2\r\n" + bulk(cursor) + b"*%d\r\n" % len(keys) + \
                    b"".join(bulk(k) for k in keys)
                if not waiting:
                    waiting = list(scans)
            elif name == "MULTI":
                answer = b"+OK\r\n"
            elif name == "PEXPIRETIME":
                answer = b":-1\r\n"
            elif name == "DUMP":
                value = dumps[words[1]]
                answer = bulk(value) if isinstance(value, bytes) else value[0]
            elif name == "EXEC":
                answer = b"*%d\r\n" % len(queued) + b"".join(queued)
                queued = None
            if queued is not None and name not in ("MULTI", "EXEC"):
                queued.append(answer)
                answer = b"+QUEUED\r\n"
            connection.say(answer)
    return serve


def test_each_key_once():
    """SCAN repeats keys, within a reply and later; one vanishes."""
    scans = [(b"7", b"a", b"b", b"a"), (b"9",), (b"5", b"b", b"c", b"gone"),
             (b"0", b"a", b"gone", b"d")]
    dumps = dict.fromkeys("abcd", payload()) | {"gone": (b"$-1\r\n",)}
    with FakeServer(node(scans, dumps)) as server:
        result = scan(server.url).good()
    cases.equal(result.facts["keys"], "4")
    cases.equal(result.facts["duplicates"], "4")
    cases.equal(result.facts["vanished"], "1")
    for key in b"abcd":
        cases.equal(result.out.count(bytes((0, 1, key, 1)) + b"v"), 1)


@cases.each(
    ("crc", payload(crc=1), 1, "the CRC of its DUMP is wrong"),
    ("later", payload(version=12), 1, "of a later RDB version than others"),
    ("valkey", payload(version=80), 1, "of a later RDB version than others"),
    ("type", payload(b"\xc8\x01v"), 1, "unknown type"),
    ("short", payload(b"\x00\x05v"), 1, "not one whole value"),
    ("long", payload(b"\x00\x01vv"), 1, "database 0, key \"k\""),
    ("two", payload(b"\x00\x01v\x00\x01x\x01y"), 1, "not one whole value"),
    ("end", payload(b"\x00\x01v\xff"), 1, "database 0, key \"k\""),
    ("whole end", payload(b"\x00\x01v\xff" + bytes(8)), 1,
     "database 0, key \"k\": an end mark in its midst"),
    ("functions", payload(b"\x00\x01v\xf5\x01x"), 1, "not one whole value"),
    ("tiny", b"0123456789a", 1, "DUMP gives no value"),
    ("error", (b"-ERR no\r\n",), 4, "refuses dump: ERR no"),
    ("moved", (b"-MOVED 5 h:1\r\n",), 4, "slots are on the move"),
    ("number", (b":1\r\n",), 4, "unexpected answer to dump"),
    ("length", (b"$x\r\n",), 4, "unexpected number for an answer to dump"))
def test_odd_values(_, value, code, says):
    with FakeServer(node([(b"0", b"good", b"k")],
                         {"good": payload(), "k": value})) as server:
        refused(scan("--timeout", "2s", server.url), code, says)


@cases.each(
    ("SCAN", b"+OK\r\n", "the answer to SCAN makes no sense"),
    ("SCAN", b"*2\r\n$1\r\nx\r\n*0\r\n", "the answer to SCAN makes no"),
    ("SCAN", b"*2\r\n$25\r\n" + b"1" * 25 + b"\r\n*0\r\n", "makes no sense"),
    ("SCAN", b"*2\r\n$1\r\n0\r\n*1\r\n:5\r\n", "a key that is none"),
    ("SCAN", b"*2\r\n$1\r\n0\r\n*9999999\r\n", "or too much of it"),
    ("SCAN", b"-ERR unknown command 'SCAN'\r\n", "does not know scan"),
    ("FUNCTION", bulk(payload(b"\x00\x01k\x01v")), "gives no functions"),
    ("FUNCTION", bulk(payload(b"\xf5\x05x")), "gives no functions"),
    ("FUNCTION", bulk(payload(b"\xff" + bytes(8))), "an end mark in its"),
    ("FUNCTION", b"-ERR out of cheese\r\n", "refuses function|dump: ERR out"),
    ("FUNCTION", b"$-1\r\n", "the answer to FUNCTION DUMP makes no sense"),
    ("FUNCTION", bulk(payload(b"", crc=5)), "CRC of FUNCTION DUMP is wrong"),
    ("FUNCTION", bulk(payload(b"", version=99)), "is newer than 80"),
    ("EXEC", b"*-1\r\n", "unexpected number for an answer to exec"),
    ("EXEC", b"*1\r\n:1\r\n", "unexpected number for an answer to exec"),
    ("EXEC", b"-EXECABORT x\r\n", "refuses exec"),
    ("MULTI", b":1\r\n", "unexpected answer to multi"))
def test_odd_answers(command, answer, says):
    with FakeServer(node([(b"0", b"k")], {"k": payload()},
                         {command: answer})) as server:
        result = scan("--timeout", "2s", server.url)
        assert result.code in (1, 4), result
        refused(result, result.code, says)


@cases.each((80, 80, True), (80, 11, True), (80, 81, False), (80, 12, False),
            (80, 79, False), (11, 10, True), (11, 12, False), (11, 80, False))
def test_versions_under_one_header(first, other, good):
    """What no server writes together is not put into one file."""
    dumps = {"a": payload(version=first), "b": payload(version=other)}
    functions = bulk(payload(b"", version=first))
    with FakeServer(node([(b"0", b"a", b"b")], dumps,
                         {"FUNCTION": functions})) as server:
        result = scan(server.url)
    if good:
        cases.equal(result.good().out[:9],
                    b"VALKEY080" if first == 80 else b"REDIS%04d" % first)
    else:
        refused(result, 1, "its DUMP is of a later RDB version than others")


@cases.each((b"9223372036854775807", 1), (b"-1", 1), (b"soon", 1),
            (b"1795408085", (1 << 63) - 1), (b"1795408085", 5000))
def test_odd_times(seconds, left):
    """The server's clock and what a key has left, where there is no
    PEXPIRETIME."""
    replies = {"PEXPIRETIME": b"-ERR unknown command\r\n",
               "PTTL": b":%d\r\n" % left,
               "TIME": b"*2\r\n" + bulk(seconds) + bulk(b"999999")}
    with FakeServer(node([(b"0", b"k")], {"k": payload()},
                         replies)) as server:
        result = scan("--timeout", "2s", server.url)
    if seconds != b"1795408085":
        refused(result, 4, "unexpected answer to time")
        return
    when = 1795408085999 + left
    assert b"\xfc" + when.to_bytes(8, "little") in result.good().out
    cases.equal(result.err, b"")


@cases.each((b"7",), (b"7", b"9"), (b"3", b"5", b"7", b"9", b"2"))
def test_scan_in_a_circle(*cursors):
    """Behind one that gets on, cursors that come again and again: it would
    never end."""
    begin = [b"100", b"101", b"102"]
    turns = itertools.chain(begin, itertools.cycle(cursors))

    def answer():
        return b"*2\r\n" + bulk(next(turns)) + b"*0\r\n"
    with FakeServer(node([], {}, {"SCAN": answer})) as server:
        refused(scan("--timeout", "2s", server.url, timeout=20), 4,
                "SCAN goes in a circle: cursor ")


@cases.each(b"", b"redis_version:7.2.0\r\n", b"\0# Keyspace\r\n")
def test_databases_that_info_leaves_out(text):
    """Whoever answers may not tell of databases: then each is tried."""
    def select():
        selects.append(1)
        return b"+OK\r\n" if len(selects) < 3 else \
            b"-ERR DB index is out of range\r\n"
    selects = []
    with FakeServer(node([(b"0", b"k")], {"k": payload()},
                         {"INFO": bulk(text), "SELECT": select})) as server:
        result = scan(server.url).good()
    assert int(result.facts["keys"]) > 0, result.facts
    cases.equal(programs.run("rdb-verify", input=result.out).code, 0)


if __name__ == "__main__":
    cases.main()
