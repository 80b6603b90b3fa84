#!/usr/bin/env python3
"""Data on its way through real clusters of several shapes.

Goal: three masters, then five, then one server, then three again, each time
the same data, by the sum of the shards' digests; a master that dies on the
way, with a replica that takes over, costs nothing, or what is missing is said.

10,000 keys; a million with RDBPIPE_SOAK=1.
"""

import contextlib
import os
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)),
                                ".."))

from harness import cases, clusters, data, programs, servers  # noqa: E402
from test_restore import keys_of                              # noqa: E402

KEYS = 1000000 if programs.SOAK else 10000
PATIENCE = 600


def shell(line):
    return programs.shell(f"set -e; {line}", timeout=PATIENCE)


def digest_of(line):
    """The digest of what a line of sh writes, as a number; and its keys."""
    out = shell(f"{line} | rdb-digest").good().out.split()
    return int(out[0], 16), int(out[3])


def total(pairs):
    """Shards' digests, added, are the cluster's."""
    digests, keys = zip(*pairs)
    return sum(digests) % (1 << 128), sum(keys)


def digest_of_server(server):
    return digest_of(f"rdb-capture --quiet {server.url()}")


def digest_of_cluster(cluster):
    return total(map(digest_of_server, cluster.masters))


@contextlib.contextmanager
def folder_with_dump():
    """A folder with dump.rdb of KEYS keys, and its digest."""
    with tempfile.TemporaryDirectory() as folder:
        dump = os.path.join(folder, "dump.rdb")
        with servers.Server() as server:
            data.bulk(server, KEYS)
            shell(f"rdb-capture {server.url()} >{dump}").good()
        got = digest_of(f"cat {dump}")
        cases.equal(got[1], KEYS)
        yield folder, got


def shards_to(folder, source, target):
    """Shard by shard, each a file, one after the other."""
    for i, master in enumerate(source.masters):
        shard = os.path.join(folder, f"shard{i}.rdb")
        shell(f"rdb-capture {master.url()} >{shard}").good()
        how = "" if i == 0 else "--on-conflict skip"
        shell(f"rdb-restore {how} {target.url()} <{shard}").good()
        os.unlink(shard)


def piped(source, target, capture="", restore=""):
    shell(f"rdb-capture {capture} {source.url()} | "
          f"rdb-restore {restore} {target.url()}").good()


def test_around():
    with folder_with_dump() as (folder, want), \
            clusters.Cluster(masters=3, replicas=1) as three:
        shell(f"rdb-restore {three.url()} <{folder}/dump.rdb").good()
        cases.equal(digest_of_cluster(three), want, "three masters")
        with servers.Server() as one:
            with clusters.Cluster(masters=5) as five:
                shards_to(folder, three, five)
                cases.equal(digest_of_cluster(five), want, "five masters")
                piped(five, one, capture="--via scan")
            cases.equal(digest_of_server(one), want, "one server")
            piped(one, three, restore="--flush")
        cases.equal(digest_of_cluster(three), want, "three masters again")


def kill_one(cluster):
    """A master dies; whom it had as a replica takes over by and by."""
    dead, heir = cluster.masters[1], cluster.replicas[1]
    cluster.kill(dead)
    cluster.replicas.remove(heir)
    cluster.masters.append(heir)


def held(cluster):
    return sum(keys_of(master) for master in cluster.masters)


def start(line):
    return subprocess.Popen(
        ["/bin/sh", "-c", line], stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE, env=programs.environment(),
        preexec_fn=programs.die_with_parent)


def wait_for(child, condition):
    end = time.monotonic() + PATIENCE
    while not condition():
        assert child.poll() is None, child.stderr.read()
        assert time.monotonic() < end, "waited for too long"
        time.sleep(0.01)


@cases.each("restore", "commands")
def test_target_loses_a_master(via):
    """Equal at the end, or an error; and then a second run makes it so."""
    with folder_with_dump() as (folder, want), \
            clusters.Cluster(masters=3, replicas=1) as cluster:
        # Slowly, so that something is left when it happens.
        child = start(f"{{ head -c {dump_part(folder, 3)} {folder}/dump.rdb; "
                      f"sleep 2; tail -c +{dump_part(folder, 3) + 1} "
                      f"{folder}/dump.rdb; }} | exec rdb-restore --via {via} "
                      f"{cluster.url()}")
        wait_for(child, lambda: held(cluster) > KEYS // 10)
        kill_one(cluster)
        err = child.communicate(timeout=PATIENCE)[1].decode()
        print(f"{via}: exit {child.returncode}: "
              f"{err.strip().splitlines()[-1]}", flush=True)
        if child.returncode == 0:
            cases.equal(digest_of_cluster(cluster), want)
            return
        cases.holds("should be there", err)
        # A key that was cut short by commands would stay as it is.
        how = "skip" if via == "restore" else "replace"
        shell(f"rdb-restore --via {via} --on-conflict {how} {cluster.url()} "
              f"<{folder}/dump.rdb").good()
        cases.equal(digest_of_cluster(cluster), want, "the second run")


def dump_part(folder, n):
    return os.path.getsize(os.path.join(folder, "dump.rdb")) // n


def test_source_loses_a_master():
    """What is captured is whole, or is said not to be."""
    with folder_with_dump() as (folder, want), \
            clusters.Cluster(masters=3, replicas=1) as cluster:
        shell(f"rdb-restore {cluster.url()} <{folder}/dump.rdb").good()
        out = os.path.join(folder, "out.rdb")
        child = start(f"exec rdb-capture --via scan {cluster.url()} >{out}")
        wait_for(child, lambda: os.path.exists(out) and
                 os.path.getsize(out) > dump_part(folder, 10))
        kill_one(cluster)
        err = child.communicate(timeout=PATIENCE)[1].decode()
        print(f"capture: exit {child.returncode}: "
              f"{err.strip().splitlines()[-1]}", flush=True)
        if child.returncode == 0:
            cases.equal(digest_of(f"cat {out}"), want)
            return
        cases.equal(child.returncode, 4, err)
        # And nobody takes it for whole.
        cases.equal(shell(f"rdb-verify {out}").code, 1)


if __name__ == "__main__":
    cases.main()
