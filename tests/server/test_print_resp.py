#!/usr/bin/env python3
"""rdb-print --format resp against real servers.

Goal: `rdb-print --format resp | redis-cli --pipe` fills a server with what a
dump holds: every type and encoding that a server of each engine and version
writes, into one of the same and into a newer one, has the same digest there;
and --replace puts right what was there before.
"""

import os
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)),
                                ".."))

from harness import cases, data, engines, programs, servers  # noqa: E402
from harness.cases import each, equal, holds  # noqa: E402
from harness.programs import run, shell  # noqa: E402

# From where, and for where: what stands in the newer one is a superset.
ROUTES = [("redis-7.0", "redis-7.0"), ("redis-8.0", "redis-8.0"),
          ("valkey-8.1", "valkey-8.1"), ("valkey-9", "valkey-9"),
          ("redis-7.0", "redis-8.0"), ("redis-7.0", "valkey-9"),
          ("redis-8.0", "valkey-9"), ("valkey-9", "redis-8.0")]


def dump_of(engine, folder, keys=300):
    """The dump of a server with every type, and its digest."""
    with servers.Server(engine) as server:
        data.fill(server, keys=keys)
        server.call("SAVE")
        path = os.path.join(folder, "dump.rdb")
        with open(server.rdb_path, "rb") as saved, open(path, "wb") as kept:
            kept.write(saved.read())
    return path, digest(path)


def digest(path):
    return run("rdb-digest", path).good().out.decode().rsplit("  ", 1)[0]


def saved_digest(server):
    server.call("SAVE")
    return digest(server.rdb_path)


def pipe(path, server, *words):
    """What the last line of redis-cli --pipe says."""
    said = shell(f"rdb-print --format resp {' '.join(words)} {path} | "
                 f"{server.engine.cli} -p {server.port} --pipe")
    equal(said.err, b"", "standard error")
    return said.good().out.decode().splitlines()[-1]


@each(*ROUTES)
def test_a_server_filled_by_commands(source, target):
    one, other = engines.get(source), engines.get(target)
    with tempfile.TemporaryDirectory() as folder:
        path, want = dump_of(one, folder)
        with servers.Server(other) as server:
            holds("errors: 0, ", pipe(path, server, "--target", target))
            equal(saved_digest(server), want)


def test_without_target_it_is_for_the_writer():
    with tempfile.TemporaryDirectory() as folder:
        path, want = dump_of(engines.get("redis-7.0"), folder, keys=50)
        with servers.Server(engines.get("redis-7.0")) as server:
            holds("errors: 0, ", pipe(path, server))
            equal(saved_digest(server), want)


def test_replace():
    """Twice: without --replace lists grow, with it all is as it was."""
    with tempfile.TemporaryDirectory() as folder:
        path, want = dump_of(engines.get("redis-7.0"), folder, keys=50)
        with servers.Server(engines.get("redis-7.0")) as server:
            for _ in range(2):
                holds("errors: 0, ", pipe(path, server, "--replace"))
                equal(saved_digest(server), want)


if __name__ == "__main__":
    cases.main()
