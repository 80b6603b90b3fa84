"""Every engine that can be had, captured and cloned into its own kind: with
both ways it may send a dump, over every transport, as a user who may do only
what --help asks for."""

import os
import re
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from harness import (cases, certs, data, engines, programs,     # noqa: E402
                     servers)

KEYS = 2000
SECRET = "only for tests"


class Route:
    """One way to reach a pair of servers: what they are started with, and
    what our programs are told."""

    server = {}             # arguments of both servers
    source_config = target_config = ()
    capture = restore = ""  # options
    env = {}

    def url(self, server):
        return server.url()


class Tls(Route):
    """Client certificates both ways, and the target replicates over TLS."""

    target_config = ("tls-replication yes",)

    def __init__(self, folder):
        made = certs.Certs(folder)
        self.server = {"tls": made}
        self.capture = (f"--tls-ca {made.ca} --tls-cert {made.client_cert} "
                        f"--tls-key {made.client_key}")
        # To the target we are a server as well.
        self.restore = (f"--tls-ca {made.ca} --tls-cert {made.server_cert} "
                        f"--tls-key {made.server_key}")

    def url(self, server):
        return server.url("tls")


class Unix(Route):
    server = {"unix": True}

    def url(self, server):
        return server.url("unix")


class Acl(Route):
    """A user with the rules that --help names, and no others."""

    capture = restore = "--user backup"
    env = {"REDISCLI_AUTH": SECRET}

    def __init__(self):
        self.source_config = (self._user("rdb-capture"),)
        self.target_config = (self._user("rdb-restore"),)

    @staticmethod
    def _user(program):
        page = programs.run(program, "--help").good().out.decode()
        rules = re.search(r"An ACL user needs\s+((\+\S+\s+)+)", page)[1]
        rules = " ".join(rules.split()).rstrip(".,")
        return f'user backup on ">{SECRET}" resetchannels -@all {rules}'


ROUTES = {"tcp": lambda folder: Route(), "tls": Tls,
          "unix": lambda folder: Unix(), "acl": lambda folder: Acl()}


def fact(folder, name):
    with open(os.path.join(folder, "facts")) as facts:
        return dict(line.split(None, 1) for line in facts)[name].strip()


@cases.each(*((engine, diskless, route) for engine in engines.NAMES
              for diskless in ("yes", "no") for route in ROUTES))
def test_clone(engine, diskless, name):
    engines.get(engine)
    with tempfile.TemporaryDirectory() as folder:
        route = ROUTES[name](os.path.join(folder, "certs"))
        with servers.Server(engine, **route.server, config=(
                f"repl-diskless-sync {diskless}", *route.source_config)) \
                as source, \
                servers.Server(engine, **route.server,
                               config=route.target_config) as target:
            data.fill(source, KEYS)
            programs.shell(
                f"rdb-capture {route.url(source)} {route.capture} "
                f"--facts-fd 3 3>facts | rdb-verify | rdb-checksum -o sums "
                f"| rdb-compress | cos-put dump.rdb.zst",
                cwd=folder, env=route.env).good()
            cases.equal(fact(folder, "framing"),
                        "eof" if diskless == "yes" else "length", "framing")
            programs.shell(
                f"cos-get dump.rdb.zst | rdb-decompress | rdb-verify "
                f"| rdb-restore {route.url(target)} {route.restore}",
                cwd=folder, env=route.env).good()
            data.same(source, target)
            cases.equal(target.info("replication")["role"], "master")
            check_stored(engine, folder)


def check_stored(engine, folder):
    """The engine's own checker likes what is stored."""
    programs.shell("zstd -d -q dump.rdb.zst && xxhsum -c sums <dump.rdb",
                   cwd=folder).good()
    said = programs.run(engines.get(engine).check_rdb, "dump.rdb",
                        cwd=folder).good().out
    cases.holds("RDB looks OK!", said)


def test_some_engine_is_there():
    """Skipping them all is not passing."""
    missing = []
    for name in engines.NAMES:
        try:
            engines.get(name)
        except cases.Skipped as reason:
            missing.append(str(reason))
    if len(missing) == len(engines.NAMES):
        raise AssertionError("; ".join(missing))


if __name__ == "__main__":
    cases.main()
