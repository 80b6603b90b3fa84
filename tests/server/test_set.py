#!/usr/bin/env python3
"""Backups of clusters as one set.

Goal: all shards or none, each slot exactly once, whatever moves meanwhile;
what comes back, into a cluster of another shape or one server, is the same
data to the digest.
"""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)),
                                ".."))

from harness import cases, clusters, programs, servers  # noqa: E402
from harness.client import Client  # noqa: E402

KEYS = 300000 if programs.SOAK else 20000


def rdbpipe(store, *words, env=None):
    return subprocess.run([programs.path("rdbpipe"), *map(str, words),
                           "--store", store], capture_output=True, text=True,
                          timeout=300, env={**os.environ, **(env or {})})


def good(result):
    if result.returncode != 0:
        raise AssertionError(f"{result.args}: {result.stderr}")
    return result


def refused(result, code, *says):
    cases.equal(result.returncode, code, result.stderr)
    for text in says:
        cases.holds(text, result.stderr)


def backup(store, cluster, *words):
    """The id of a new backup of a cluster."""
    return good(rdbpipe(store, "backup", cluster.url(), "--instance", "c",
                        *words)).stdout.strip()


def manifest(store, name):
    return json.loads(good(rdbpipe(store, "show", name, "--format",
                                   "json")).stdout)


def attempts(store):
    """All ids that have left something."""
    folder = os.path.join(store, "c")
    return sorted(name for name in os.listdir(folder) if name[:2] == "20") \
        if os.path.isdir(folder) else []


def fill(cluster, keys=KEYS):
    cluster.load(("SET", f"key:{n}", f"value {n}") for n in range(keys))
    cluster.load(("RPUSH", f"list:{n}", *range(50)) for n in range(50))


def digest_of(store, name):
    words = good(rdbpipe(store, "verify", name)).stdout.split()
    return words[words.index("digest") + 1]


@contextlib.contextmanager
def store_folder():
    with tempfile.TemporaryDirectory() as folder:
        yield folder


class Load:
    """A writer on each master, until the end."""

    def __init__(self, cluster):
        self.ports = [m.port for m in cluster.masters]
        self.names = [[f"w:{n}" for n in range(3000)
                       if cluster._owners()[clusters.slot(f"w:{n}")] is m]
                      for m in cluster.masters]
        self.over = threading.Event()
        self.written = 0
        self.threads = [threading.Thread(target=self._write, args=pair)
                        for pair in zip(self.ports, self.names)]

    def _write(self, port, names):
        with Client(port=port) as client:
            while not self.over.is_set():
                client.pipeline([("INCR", name) for name in names[:50]])
                self.written += 50
                self.over.wait(0.005)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for thread in self.threads:
            thread.join()


def test_one_worker():
    with clusters.Cluster(masters=3, replicas=1) as cluster, \
            store_folder() as store:
        fill(cluster)
        with Load(cluster) as load:
            first = backup(store, cluster)
            cases.equal(load.written > 0, True)
        m = manifest(store, first)
        cases.equal((m["format"], m["topology"]), (3, "cluster"))
        cases.equal([s["object"]["name"] for s in m["shards"]],
                    [f"shard-000{n}.rdb.zst" for n in range(3)])
        cases.equal([s["source"]["role"] for s in m["shards"]], ["slave"] * 3)
        cases.equal(sorted(n for s in m["shards"] for r in s["slots"]
                           for n in range(r["first"], r["last"] + 1)),
                    list(range(clusters.SLOTS)))
        replids = {node.info("replication")["master_replid"]
                   for node in cluster.masters}
        cases.equal({s["source"]["replid"] for s in m["shards"]}, replids)
        good(rdbpipe(store, "verify", first))
        shown = good(rdbpipe(store, "show", first)).stdout
        cases.holds("ms from the first snapshot to the last", shown)

        # Nobody writes any more: two more sets, one of them of primaries,
        # hold the same, and what comes back is that.
        second = backup(store, cluster, "--source", "primary", "--parallel", 1)
        third = backup(store, cluster, "--parallel", 3)
        cases.equal([s["source"]["role"]
                     for s in manifest(store, second)["shards"]],
                    ["master"] * 3)
        cases.equal(digest_of(store, second), digest_of(store, third))
        back(store, third, digest_of(store, second))


def back(store, name, digest):
    """Into a cluster of two, and into one server."""
    with clusters.Cluster(masters=2) as target:
        result = good(rdbpipe(store, "clone", name, "--to", target.url(),
                              "--prove"))
        cases.holds(f"digest {digest} equal", result.stdout)
        refused(rdbpipe(store, "clone", name, "--to", target.url()), 4,
                "keys: nothing was touched")
        good(rdbpipe(store, "clone", name, "--to", target.url(), "--flush",
                     "--prove"))
    with servers.Server() as target:
        result = good(rdbpipe(store, "clone", name, "--to", target.url(),
                              "--prove"))
        cases.holds(f"digest {digest} equal", result.stdout)


def test_replica_without_link():
    """It is left out, and the primary stands in."""
    with clusters.Cluster(masters=2, replicas=1) as cluster, \
            store_folder() as store:
        cluster.load(("SET", f"key:{n}", n) for n in range(100))
        replica = cluster.replicas[0]
        cluster._until(lambda: all(
            len(row) == 4 for m in cluster.masters
            for row in m.call("CLUSTER", "SLOTS")), "replicas are not known")
        replica.call("CONFIG", "SET", "masterauth", "wrong")
        replica.call("CONFIG", "SET", "masteruser", "nobody")
        cluster.masters[0].call("CLIENT", "KILL", "TYPE", "replica")
        cluster._until(lambda: replica.info("replication")
                       ["master_link_status"] == "down", "the link is up")
        result = good(rdbpipe(store, "backup", cluster.url(), "--instance",
                              "c"))
        cases.holds(f"replica 127.0.0.1:{replica.port} is left out: its "
                    "link is down", result.stderr)
        cases.holds("taking it from the primary", result.stderr)
        roles = [s["source"]["role"] for s in
                 manifest(store, result.stdout.strip())["shards"]]
        cases.equal(roles, ["master", "slave"], result.stderr)


def test_slots_on_the_move():
    """Refused at the start; when it happens meanwhile, nothing is left."""
    with clusters.Cluster(masters=3) as cluster, store_folder() as store:
        cluster.load(("SET", f"key:{n}", n) for n in range(100))
        source, target = cluster.masters[:2]
        cluster.migrate_begin(5, source, target)
        refused(rdbpipe(store, "backup", cluster.url(), "--instance", "c"), 4,
                "has slots on the move: try again when the cluster has "
                "settled")
        cluster.migrate_end(5, source)
        cluster.wait_until_ok()

        with tempfile.TemporaryDirectory() as folder:
            moving(folder, lambda: cluster.migrate_end(5, target))
            result = slow_backup(folder, store, cluster)
        refused(result, 4, "the cluster changed while it was being backed up")
        cases.equal(attempts(store), [])


def moving(folder, move):
    """A folder of programs whose rdb-capture waits for a file, which appears
    when the slot has moved."""
    for name in os.listdir(os.path.dirname(programs.path("rdbpipe"))):
        os.symlink(programs.path(name), os.path.join(folder, name))
    slow = os.path.join(folder, "rdb-capture")
    os.unlink(slow)
    with open(slow, "w") as script:
        script.write(f"#!/bin/sh\ntouch {folder}/asked\n"
                     f"while [ ! -e {folder}/moved ]; do sleep 0.02; done\n"
                     f"exec {programs.path('rdb-capture')} \"$@\"\n")
    os.chmod(slow, 0o755)

    def wait():
        while not os.path.exists(os.path.join(folder, "asked")):
            threading.Event().wait(0.02)
        move()
        open(os.path.join(folder, "moved"), "w").close()
    threading.Thread(target=wait, daemon=True).start()


def slow_backup(folder, store, cluster, *words):
    return rdbpipe(store, "backup", cluster.url(), "--instance", "c", *words,
                   env={"RDBPIPE_PROGRAMS": folder})


def test_one_shard_fails():
    """All or none."""
    with clusters.Cluster(masters=3) as cluster, store_folder() as store:
        cluster.load(("SET", f"key:{n}", n) for n in range(100))
        cluster.masters[2].call("ACL", "SETUSER", "default", "-psync")
        refused(rdbpipe(store, "backup", cluster.url(), "--instance", "c",
                        "--via", "psync"), 4, "rdb-capture failed first")
        cases.equal(attempts(store), [])


def test_sidecar():
    """What is not in the RDB is beside it; what may not be read is noted."""
    with clusters.Cluster(masters=2) as cluster, store_folder() as store:
        cluster.load(("SET", f"key:{n}", n) for n in range(100))
        for master in cluster.masters:
            master.call("ACL", "SETUSER", "app", "on", ">sEcret", "~app:*",
                        "+get")
            master.call("FUNCTION", "LOAD", "#!lua name=greet\n"
                        "redis.register_function('hi', function() return 1 "
                        "end)\n")
        cluster.masters[1].call("ACL", "SETUSER", "default", "-acl|list")
        name = backup(store, cluster)
        cases.equal(manifest(store, name)["sidecar"], "sidecar.json")
        path = os.path.join(store, "c", name, "sidecar.json")
        with open(path) as file:
            text = file.read()
        cases.equal("sEcret" in text, False)
        one, two = json.loads(text)["servers"]
        cases.equal(len(one["users"]), 2)
        cases.holds("user app on #", "\n".join(one["users"]))
        cases.equal((two["users"], len(two["missing"])), ([], 1))
        cases.holds("+acl|list", two["missing"][0])
        cases.equal(one["functions"], ["greet"])
        cases.holds("maxmemory-policy noeviction",
                    "\n".join(one["configuration"]))
        cases.equal(len(one["cluster-nodes"]), 2)
        shown = good(rdbpipe(store, "show", name)).stdout
        for words in "user app on #", "not read", "greet":
            cases.holds(words, shown)
        good(rdbpipe(store, "verify", name))
        with open(path, "a") as file:
            file.write(" ")
        for verb in "show", "verify":
            result = rdbpipe(store, verb, name)
            cases.equal(result.returncode, 1)
            cases.holds("sidecar.json: checksum is wrong",
                        result.stdout + result.stderr)


# --- one point in time ---

class LockStep:
    """Writers that each raise a counter on one master after the other, so
    that at every moment two shards differ by one write of each at most."""

    WRITERS = 3

    def __init__(self, cluster):
        owner = cluster._owners()
        self.rows = [[next(f"{w}-{m.port}-{n}" for n in range(10000)
                           if owner[clusters.slot(f"{w}-{m.port}-{n}")] is m)
                      for m in cluster.masters] for w in range(self.WRITERS)]
        self.ports = [m.port for m in cluster.masters]
        self.over = threading.Event()
        self.slowest = 0
        self.threads = [threading.Thread(target=self._write, args=(row,))
                        for row in self.rows]

    def _write(self, row):
        with contextlib.ExitStack() as stack:
            row = [(stack.enter_context(Client(port=port)), name)
                   for port, name in zip(self.ports, row)]
            while not self.over.is_set():
                for client, name in row:
                    began = time.monotonic()
                    client.call("INCR", name)
                    self.slowest = max(self.slowest, time.monotonic() - began)

    __enter__, __exit__ = Load.__enter__, Load.__exit__


def values(store, name, rows):
    """What a set holds of the counters."""
    with servers.Server() as target:
        good(rdbpipe(store, "clone", name, "--to", target.url()))
        return [[int(target.call("GET", key) or 0) for key in row]
                for row in rows]


def lock_step(store, cluster, *words):
    with LockStep(cluster) as load:
        time.sleep(0.2)
        result = good(rdbpipe(store, "backup", cluster.url(), "--instance",
                              "c", "--consistent", *words))
    name = result.stdout.strip()
    m = manifest(store, name)
    cases.equal(m["consistent"], "yes")
    paused = m["pause-ms"]
    cases.holds(f"writes were paused for {paused} ms", result.stderr)
    print(f"paused for {paused} ms; slowest write "
          f"{1000 * load.slowest:.0f} ms; skew {m.get('skew-ms', 0)} ms")
    cases.equal(0 < paused < 500, True, f"{paused} ms")
    for row in values(store, name, load.rows):
        cases.equal(row[-1] > 0, True)
        # In the order they are written, each is as large as the next, or
        # one more.
        cases.equal(row == sorted(row, reverse=True) and
                    row[0] - row[-1] <= 1, True, f"{row}")


@cases.each("replica", "primary")
def test_consistent(source):
    with clusters.Cluster(masters=3, replicas=1) as cluster, \
            store_folder() as store:
        fill(cluster)
        for _ in range(5 if programs.SOAK else 2):
            lock_step(store, cluster, "--source", source)


def test_consistent_with_delay():
    """A server that would wait for other replicas first saves to its disk."""
    with clusters.Cluster(masters=3, config=[
            "repl-diskless-sync yes", "repl-diskless-sync-delay 5"]) \
            as cluster, store_folder() as store:
        fill(cluster, 1000)
        lock_step(store, cluster)


def writes_go_on(cluster):
    """No master is paused."""
    for master in cluster.masters:
        with Client(port=master.port, timeout=5) as client:
            began = time.monotonic()
            name = next(f"go:{n}" for n in range(10000) if
                        cluster._owners()[clusters.slot(f"go:{n}")] is master)
            client.call("SET", name, "on")
            cases.equal(time.monotonic() - began < 2, True)


def test_pause_too_short():
    """A snapshot cannot begin while another one is being made: let go at
    once, nothing is published."""
    with clusters.Cluster(masters=3, config=["rdb-key-save-delay 3000"]) \
            as cluster, store_folder() as store:
        fill(cluster, 3000)
        cluster.masters[1].call("BGSAVE")
        began = time.monotonic()
        refused(rdbpipe(store, "backup", cluster.url(), "--instance", "c",
                        "--consistent", "--pause-limit", "300ms"), 4,
                f"127.0.0.1:{cluster.masters[1].port}: no snapshot begun "
                "within the pause of 300 ms: make --pause-limit longer")
        cases.equal(time.monotonic() - began < 20, True)
        writes_go_on(cluster)
        cases.equal(attempts(store), [])


def test_pause_denied():
    with clusters.Cluster(masters=2) as cluster, store_folder() as store:
        cluster.load(("SET", f"key:{n}", n) for n in range(100))
        cluster.masters[1].call("ACL", "SETUSER", "default", "-client|pause")
        refused(rdbpipe(store, "backup", cluster.url(), "--instance", "c",
                        "--consistent"), 4, "+client|pause")
        writes_go_on(cluster)
        cases.equal(attempts(store), [])
    with servers.Server() as server, store_folder() as store:
        refused(rdbpipe(store, "backup", server.url(), "--instance", "c",
                        "--consistent"), 2, "--consistent is for clusters")


# --- several workers ---

def worker(store, cluster, k, n, word, **more):
    return rdbpipe(store, "backup", cluster.url(), "--instance", "c",
                   "--worker", f"{k}/{n}", "--join", word, **more)


def published(store):
    return [name for name in attempts(store) if
            os.path.exists(os.path.join(store, "c", name, "manifest.json"))]


def whole(store, name, digest):
    """The one backup there is, with nothing beside it."""
    cases.equal(published(store), [name])
    m = manifest(store, name)
    files = os.listdir(os.path.join(store, "c", name))
    cases.equal(sorted(files), sorted(
        ["manifest.json"] + [s["object"]["name"] for s in m["shards"]]))
    cases.equal(digest_of(store, name), digest)


def test_workers():
    with clusters.Cluster(masters=3, replicas=1) as cluster, \
            store_folder() as store, store_folder() as other:
        fill(cluster)
        digest = digest_of(other, backup(other, cluster))

        # One after the other.
        first = good(worker(store, cluster, 1, 3, "a"))
        cases.holds("1 of 3 shards are stored: the last worker publishes",
                    first.stderr)
        good(worker(store, cluster, 3, 3, "a"))
        cases.equal(published(store), [])
        last = good(worker(store, cluster, 2, 3, "a"))
        name = last.stdout.strip()
        cases.equal(first.stdout.strip(), name)
        whole(store, name, digest)
        # Again: nothing to do.
        cases.holds("is complete already",
                    good(worker(store, cluster, 2, 3, "a")).stderr)
        whole(store, name, digest)

    with clusters.Cluster(masters=3) as cluster, store_folder() as store:
        # All at once, under load; and each of them twice.
        fill(cluster, 3000)
        with Load(cluster):
            threads = [threading.Thread(
                target=lambda k=k: good(worker(store, cluster, k, 3, "b")))
                for k in (1, 2, 3, 1, 2, 3)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        name, = published(store)
        good(rdbpipe(store, "verify", name))
        cases.equal([s["slots"][0]["first"]
                     for s in manifest(store, name)["shards"]],
                    [0, 5461, 10922])


def test_workers_refused():
    for words, says in ((("--worker", "4/3", "--join", "a"), "wants K/N"),
                        (("--worker", "1/3"), "go together"),
                        (("--join", "a"), "go together"),
                        (("--worker", "1/2", "--join", "a/b"), "--join wants"),
                        (("--worker", "1/2", "--join", "a", "--min-keys", 5),
                         "no worker sees all")):
        with clusters.Cluster(masters=1) as cluster, store_folder() as store:
            refused(rdbpipe(store, "backup", cluster.url(), "--instance", "c",
                            *words), 2, says)
            cases.equal(attempts(store), [])


# What a worker is killed in: the program that kills it, before it does its
# own work or after.
STAGES = [(name, when) for name in ("rdb-capture", "rdb-compress", "cos-put")
          for when in ("before", "after")]


def deadly(folder, program, when):
    """A folder of programs, one of which kills the driver."""
    for name in os.listdir(os.path.dirname(programs.path("rdbpipe"))):
        os.symlink(programs.path(name), os.path.join(folder, name))
    path = os.path.join(folder, program)
    os.unlink(path)
    real = programs.path(program)
    with open(path, "w") as script:
        script.write("#!/bin/sh\n" + (
            f"kill -9 $PPID; exec {real} \"$@\"\n" if when == "before" else
            f"{real} \"$@\"; kill -9 $PPID\n"))
    os.chmod(path, 0o755)


@cases.each(*STAGES)
def test_worker_killed(program, when):
    """The set is not published, or complete after the retry."""
    with clusters.Cluster(masters=3) as cluster, store_folder() as store, \
            store_folder() as other, store_folder() as folder:
        fill(cluster, 500)
        digest = digest_of(other, backup(other, cluster))
        deadly(folder, program, when)
        good(worker(store, cluster, 1, 2, "a"))
        dead = worker(store, cluster, 2, 2, "a",
                      env={"RDBPIPE_PROGRAMS": folder})
        cases.equal(dead.returncode, -9)
        cases.equal(published(store), [])
        name = good(worker(store, cluster, 2, 2, "a")).stdout.strip()
        whole(store, name, digest)


if __name__ == "__main__":
    cases.main()
