#!/usr/bin/env python3
"""rdb-restore into real clusters.

Goal: every key on the master that has its slot, whatever becomes of slots and
masters meanwhile; what could be missing is never passed over in silence.
"""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)),
                                ".."))

from harness import cases, clusters, data, programs, rdbbytes, servers  # noqa
from test_fill import (  # noqa: E402
    Feeder, digest_of, lists, restart, restore, wait_for)
from test_restore import keys_of, refused  # noqa: E402


def dump_of_service(keys=20000):
    with servers.Server() as server:
        data.bulk(server, keys)
        return programs.run("rdb-capture", server.url()).good().out


def held_digest(cluster):
    return digest_of(programs.run("rdb-capture", "--via", "scan",
                                  cluster.url()).good().out)


def total(cluster):
    return sum(keys_of(m) for m in cluster.masters)


def tagged(n, tag):
    """n lists whose keys all have the slot of the tag."""
    file = rdbbytes.File(9).select(0)
    for i in range(n):
        file.key(rdbbytes.LIST, f"{{{tag}}}:{i}",
                 rdbbytes.strings(b"v" * 50, i))
    return file


def test_ways_and_refusals():
    dump = dump_of_service()
    with clusters.Cluster(masters=3) as cluster:
        for via in "restore", "commands", "auto":
            result = restore(cluster.url(), "--via", via, "--flush",
                             input=dump).good()
            cases.equal(result.facts["done"], "20000")
            cases.equal(result.facts["target-keys"], "20000")
            cases.equal(held_digest(cluster), digest_of(dump))
        refused(restore(cluster.url(), input=dump), 4,
                "holds 20000 keys: nothing was touched")
        # A node that is named alone is one of a cluster.
        refused(restore(cluster.masters[0].url(), input=dump), 4,
                f"redis+cluster://127.0.0.1:{cluster.masters[0].port}")
        elsewhere = rdbbytes.File(9).select(2).key(
            rdbbytes.STRING, "k", rdbbytes.string("v")).end().bytes()
        refused(restore(cluster.url(), "--flush", input=elsewhere), 4,
                'database 2, key "k"', "--map-db 2=0, or --db 0")
        restore(cluster.url(), "--flush", "--map-db", "2=0",
                input=elsewhere).good()
        cases.equal(total(cluster), 1)


def test_functions():
    """On every master."""
    code = "#!lua name=greet\nredis.register_function('hi', function() " \
        "return 'hi' end)\n"
    dump = rdbbytes.File(10).function(code).end().bytes()
    with clusters.Cluster(masters=3) as cluster:
        result = restore(cluster.url(), input=dump).good()
        cases.equal(result.facts["functions"], "3")
        for master in cluster.masters:
            cases.equal(master.call("FCALL", "hi", 0), b"hi")


@cases.each("restore", "commands")
def test_slot_on_the_move(via):
    """Keys that a migrating slot does not have go where it moves to (ASK)."""
    dump = tagged(500, "a").end().bytes()
    number = clusters.slot("a")
    with clusters.Cluster(masters=3) as cluster:
        source = cluster._owners()[number]
        target = next(m for m in cluster.masters if m is not source)
        cluster.migrate_begin(number, source, target)
        restore(cluster.url(), "--via", via, input=dump).good()
        cases.equal((keys_of(source), keys_of(target)), (0, 500))
        cluster.migrate_end(number, target)
        cases.equal(held_digest(cluster), digest_of(dump))


@cases.each("restore", "commands")
def test_slot_that_moved(via):
    """A slot that has changed hands since the map was asked for (MOVED)."""
    dump = tagged(20000, "a")
    for i in range(20000):
        dump.key(rdbbytes.LIST, f"{{b}}:{i}", rdbbytes.strings("v" * 50, i))
    dump = dump.end().bytes()
    number = clusters.slot("b")
    with clusters.Cluster(masters=3) as cluster:
        source = cluster._owners()[number]
        target = next(m for m in cluster.masters if m is not source)
        feeder = Feeder(cluster.url(), dump[:len(dump) * 9 // 10], "--via",
                        via)
        feeder.rest += dump[len(dump) * 9 // 10:]
        wait_for(lambda: total(cluster) > 1000)
        for node in [target] + [m for m in cluster.masters
                                if m is not target]:
            node.call("CLUSTER", "SETSLOT", number, "NODE",
                      target.call("CLUSTER", "MYID"))
        code, err = feeder.finish()
        cases.equal(code, 0, err)
        cases.equal(target.call("CLUSTER", "COUNTKEYSINSLOT", number), 20000)
        cases.equal(held_digest(cluster), digest_of(dump))


def test_node_restarts():
    """It may have forgotten commands, which counts of keys do not tell."""
    dump = lists(40000)
    with clusters.Cluster(masters=3) as cluster:
        node = cluster.masters[0]
        feeder = Feeder(cluster.url(), dump, "--via", "commands")
        wait_for(lambda: keys_of(node) > 2000)
        node.call("SAVE")
        restart(node)
        code, err = feeder.finish()
        cases.equal(code, 4, err)
        cases.holds("was started again half-way, and whether it has all", err)


def test_failover():
    """A replica takes over, in agreement."""
    dump = dump_of_service(60000)
    with clusters.Cluster(masters=3, replicas=1) as cluster:
        feeder = Feeder(cluster.url(), dump, "--via", "restore")
        wait_for(lambda: total(cluster) > 5000)
        cluster.failover(cluster.replicas[0])
        code, err = feeder.finish()
        cases.equal(code, 0, err)
        cases.equal(held_digest(cluster), digest_of(dump))


@cases.each("restore", "commands")
def test_master_killed(via):
    """A master dies and its replica takes over: all is there, or said."""
    if not programs.SOAK:
        cases.skip("a master killed: only with RDBPIPE_SOAK=1")
    dump = dump_of_service(200000)
    with clusters.Cluster(masters=3, replicas=1) as cluster:
        feeder = Feeder(cluster.url(), dump, "--via", via)
        wait_for(lambda: total(cluster) > 20000)
        dead, heir = cluster.masters[1], cluster.replicas[1]
        cluster.kill(dead)
        cluster.replicas.remove(heir)
        cluster.masters.append(heir)
        code, err = feeder.finish()
        if code != 0:
            cases.holds("should be there", err)
        else:
            cases.equal(held_digest(cluster), digest_of(dump))


if __name__ == "__main__":
    cases.main()
