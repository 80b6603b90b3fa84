#!/usr/bin/env python3
"""Goal: the driver with the real programs and real servers: backup, list,
show, verify, clone --prove; and what happens when the server, the store or
the backup is not as it should be."""

import json
import os
import shutil
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from harness import cases, certs, data, programs, servers      # noqa: E402
from harness.cases import equal, holds                          # noqa: E402

SECRET = "p4ss/w0rd@:x"
SECRET_IN_URL = "p4ss%2Fw0rd%40:x"


class Place:
    """A folder with a store."""

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="rdbpipe-")
        self.store = os.path.join(self.folder, "store")
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder)

    def run(self, *words, **env):
        return programs.run("rdbpipe", *words,
                            env={"RDBPIPE_STORE": self.store, **env})

    def backup(self, server, *words, **env):
        url = server if isinstance(server, str) else server.url()
        return self.run("backup", url, "--instance", "cache", *words, **env)

    def clone(self, server, *words, **env):
        url = server if isinstance(server, str) else server.url()
        return self.run("clone", "latest", "--to", url, *words, **env)

    def files(self):
        return sorted(os.path.join(d, f)
                      for d, _, names in os.walk(self.store) for f in names)

    def object(self):
        return next(f for f in self.files() if f.endswith(".zst"))

    def manifest(self):
        with open(next(f for f in self.files()
                       if f.endswith("json"))) as f:
            return json.load(f)


@cases.each("redis-7.0", "redis-8.0", "valkey-8.1", "valkey-9")
def test_there_and_back(engine):
    """The main job, for every engine that can be had."""
    with Place() as p, servers.Server(engine) as source, \
            servers.Server(engine) as target:
        data.fill(source, 3000)
        made = p.backup(source, "--remark", "before the move").good()
        name = made.out.decode().strip()
        holds("rdb-capture redis://127.0.0.1:", made.err)
        holds(" | rdb-verify | rdb-digest --watch | rdb-checksum ", made.err)
        counts = data.counts(source)
        keys = sum(k for k, _ in counts.values())
        shard = p.manifest()["shards"][0]
        equal({d["db"]: (d["keys"], d["expires"])
               for d in shard["databases"]}, counts)
        equal(shard["source"]["replid"],
              source.info("replication")["master_replid"])
        equal(p.manifest()["engine"], source.engine.kind)
        listed = p.run("list").good()
        holds(f"{name}  cache     manual  complete", listed.out)
        holds("before the move", listed.out)
        checked = p.run("verify", "latest").good()
        holds(f"cache/{name}: good, {keys} keys, digest {shard['digest']}",
              checked.out)
        cloned = p.clone(target, "--prove").good()
        holds(f"cache/{name} is in redis://127.0.0.1:{target.port}: "
              f"{keys} keys", cloned.out)
        holds(f"digest {shard['digest']} equal\n", cloned.out)
        data.same(source, target)
        equal(target.info("replication")["role"], "master")


def test_stock_programs_are_enough():
    """No program of ours is needed to restore from a store, nor to check a
    manifest."""
    with Place() as p, servers.Server() as source:
        data.fill(source, 300)
        p.backup(source).good()
        dump = os.path.join(p.folder, "dump.rdb")
        programs.shell(f"zstd -d -q -o {dump} {p.object()}").good()
        with servers.Server(rdb=dump) as again:
            data.same(source, again)
        shard = p.manifest()["shards"][0]
        said = programs.shell(f"xxhsum -H128 {p.object()} {dump}").good().out
        equal([line.split()[0].decode() for line in said.splitlines()],
              [shard["object"]["xxh3-128"], shard["rdb"]["xxh3-128"]])
        manifest = p.object().replace("shard-0000.rdb.zst", "manifest.json")
        said = programs.shell(f"head -n -2 {manifest} | xxhsum -H128").good()
        equal("xxh3-128:" + said.out.split()[0].decode(),
              p.manifest()["checksum"])


def test_empty_server():
    with Place() as p, servers.Server() as source, \
            servers.Server() as target:
        p.backup(source).good()
        holds("good, 0 keys", p.run("verify", "latest").good().out)
        holds(" equal", p.clone(target, "--prove").good().out)


def test_expiring_keys():
    """Keys that expire between backup and proof are left out on both sides,
    and their number is said."""
    with Place() as p, servers.Server() as source, \
            servers.Server() as target:
        with source.client() as c:
            for i in range(20):
                c.call("SET", f"stays:{i}", i)
                c.call("SET", f"goes:{i}", i, "PX", 4000)
                c.call("SET", f"goes-soon:{i}", i, "PX", 9000)
        p.backup(source).good()
        # The target needs a moment to drop what has expired.
        slow = os.path.join(p.folder, "bin")
        os.mkdir(slow)
        with open(os.path.join(slow, "rdb-capture"), "w") as f:
            f.write("#!/bin/sh\nsleep 5\n"
                    f'exec {programs.path("rdb-capture")} "$@"\n')
        os.chmod(os.path.join(slow, "rdb-capture"), 0o755)
        result = p.clone(target, "--prove", RDBPIPE_PROGRAMS=slow).good()
        holds("digests differ, things may have expired", result.err)
        holds("equal, 40 keys and 0 fields left out", result.out)


def test_difference_is_found():
    """A clone that was written to is not equal."""
    with Place() as p, servers.Server() as source, \
            servers.Server() as target:
        data.fill(source, 100)
        p.backup(source).good()
        # Whoever writes to the target as soon as it is a primary again.
        target.call("FUNCTION", "FLUSH")
        line = (f"rdbpipe clone latest --to {target.url()} && redis-cli -p "
                f"{target.port} SET one more && rdbpipe clone latest --flush "
                f"--dry-run --prove --to {target.url()} | tail -n 1 > prove")
        programs.shell(line, env={"RDBPIPE_STORE": p.store},
                       cwd=p.folder).good()
        said = programs.shell("sh ./prove", cwd=p.folder).good()
        assert p.manifest()["shards"][0]["digest"].encode() not in said.out


@cases.each("tls", "unix", "acl", "password-file")
def test_ways_to_the_server(way):
    """Over each transport; the password is nowhere to be seen."""
    with Place() as p:
        c = certs.Certs(os.path.join(p.folder, "certs"))
        with servers.Server(tls=c, unix=True) as source, \
                servers.Server(tls=c, unix=True) as target:
            data.showcase(source)
            for s in source, target:
                s.call("ACL", "SETUSER", "me", "on", ">" + SECRET, "~*",
                       "&*", "+@all")
            words, over, who, env = [], "tcp", "", {}
            if way == "tls":
                over = "tls"
                words = ["--tls-ca", c.ca, "--tls-cert", c.client_cert,
                         "--tls-key", c.client_key]
            elif way == "unix":
                over = "unix"
            elif way == "acl":
                who = f"me:{SECRET_IN_URL}@"
            else:
                path = os.path.join(p.folder, "password")
                with open(path, "w") as f:
                    f.write(SECRET + "\n")
                words = ["--user", "me", "--password-file", path]
            urls = [s.url(over).replace("//", "//" + who, 1)
                    for s in (source, target)]
            results = [p.backup(urls[0], *words, **env).good(),
                       p.clone(urls[1], "--prove", *words, **env).good()]
            holds(" equal", results[1].out)
            for file in p.files():
                with open(file, "rb") as f:
                    text = f.read()
                assert SECRET.encode() not in text
                assert SECRET_IN_URL.encode() not in text
            for r in results:
                assert SECRET_IN_URL.encode() not in r.out + r.err
            data.same(source, target)


def test_dry_run_can_be_pasted():
    with Place() as p, servers.Server() as source, \
            servers.Server() as target:
        data.fill(source, 100)
        p.store = os.path.join(p.folder, "a store's place")
        os.mkdir(p.store)
        line = p.backup(source, "--dry-run").good().out.decode()
        equal(p.files(), [])
        programs.shell(line).good()
        equal(len(p.files()), 1)
        holds("1 unfinished attempt", p.run("list").good().err)
        p.backup(source).good()
        line = p.run("verify", "latest", "--dry-run").good().out.decode()
        programs.shell(line).good()
        line = p.clone(target, "--dry-run").good().out.decode()
        equal(target.call("DBSIZE"), 0)
        programs.shell(line).good()
        data.same(source, target)


def test_damage_is_found():
    """Every way an object can be wrong, and the right words for it."""
    def flip(text, at):
        return text[:at] + bytes([text[at] ^ 1]) + text[at + 1:]
    with Place() as p, servers.Server() as source, \
            servers.Server() as target:
        data.fill(source, 500)
        p.backup(source).good()
        path = p.object()
        with open(path, "rb") as f:
            good = f.read()
        dump = os.path.join(p.folder, "other.rdb.zst")
        source.call("SET", "one", "more")
        programs.shell(f"rdb-capture {source.url()} | rdb-compress > {dump}"
                       ).good()
        with open(dump, "rb") as f:
            other = f.read()
        for what, text, words in [
                ("a flipped bit", flip(good, len(good) // 2),
                 "BAD: rdb-decompress failed first, with exit status 1"),
                ("cut short", good[:-10], "BAD: stored bytes: found"),
                ("empty", b"", "BAD: stored bytes: found 0, not"),
                ("another backup's", other, "BAD: "),
                ("packed again", None, "BAD: stored ")]:
            if text is None:
                text = programs.shell(f"zstd -d -c {dump} | zstd -c -1"
                                      ).good().out
            with open(path, "wb") as f:
                f.write(text)
            result = p.run("verify", "latest")
            equal(result.code, 1, what)
            holds(words, result.out, what)
            result = p.clone(target)
            assert result.code in (1, 4), (what, result)
            equal(target.call("DBSIZE"), 0, what)
            equal(target.info("replication")["role"], "master")
        os.remove(path)
        holds("BAD: object shard-0000.rdb.zst is missing",
              p.run("verify", "latest").out)
        result = p.clone(target)
        equal(result.code, 4)
        with open(path, "wb") as f:
            f.write(good)
        p.run("verify", "latest").good()
        p.clone(target, "--prove")


def test_manifest_that_lies():
    """Bytes that are right, counts that are not: the clone is called off
    before its last byte, and the target stays empty."""
    with Place() as p, servers.Server() as source, \
            servers.Server() as target:
        data.fill(source, 100)
        p.backup(source).good()
        path = p.object().replace("shard-0000.rdb.zst", "manifest.json")
        with open(path) as f:
            text = f.read()
        digest = p.manifest()["shards"][0]["digest"]
        body = "\n".join(text.replace(digest, "0" * 32).split("\n")[:-3])
        seal = programs.run("/usr/bin/xxhsum", "-H128", "-",
                            input=(body + "\n").encode()).out.split()[0]
        with open(path, "w") as f:
            f.write(f'{body}\n  "checksum": "xxh3-128:{seal.decode()}"\n}}\n')
        result = p.clone(target)
        equal(result.code, 1)
        holds(f"not what the manifest says: digest: found {digest}, not 0000",
              result.err)
        equal(target.call("DBSIZE"), 0)
        equal(target.info("replication")["role"], "master")


def test_target_with_data():
    with Place() as p, servers.Server() as source, \
            servers.Server() as target:
        data.fill(source, 100)
        p.backup(source).good()
        target.call("SET", "mine", 1)
        result = p.clone(target)
        equal(result.code, 4)
        holds("holds 1 key", result.err)
        holds("rdb-restore failed first, with exit status 4", result.err)
        equal(target.call("GET", "mine"), b"1")
        p.clone(target, "--flush", "--prove").good()
        data.same(source, target)


def test_server_refuses():
    with Place() as p:
        port = servers.free_port()
        result = p.backup(f"redis://127.0.0.1:{port}")
        equal(result.code, 4)
        holds("rdb-capture: ", result.err)
        holds("rdbpipe: rdb-capture failed first, with exit status 4",
              result.err)
        equal(p.files(), [])
        with servers.Server(password="right") as source:
            url = source.url().replace("right", "wr0ng-one")
            result = p.backup(url)
            equal(result.code, 4)
            assert b"wr0ng-one" not in result.err
            equal(p.files(), [])


def test_store_refuses():
    with Place() as p, servers.Server() as source:
        data.fill(source, 100)
        with open(p.store, "w"):
            pass
        result = p.backup(source)
        equal(result.code, 3)
        holds("not a directory", result.err)


def test_killed_programs_leave_nothing():
    """kill -9 of any program of a running chain, at several points."""
    import subprocess
    with Place() as p, servers.Server() as source:
        data.big_string(source, "big", 48 << 20)
        for name in ("rdb-capture", "rdb-verify", "rdb-digest",
                     "rdb-checksum", "rdb-compress", "cos-put", "rdbpipe"):
            for wait in 0.03, 0.15:
                child = subprocess.Popen(
                    [programs.path("rdbpipe"), "backup", source.url(),
                     "--instance", "cache", "--level", "9"],
                    stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                    env=programs.environment(RDBPIPE_STORE=p.store),
                    preexec_fn=programs.die_with_parent)
                pid = child.pid
                while name != "rdbpipe" and child.poll() is None and \
                        not (pid := child_of(child.pid, name)):
                    time.sleep(0.005)
                time.sleep(wait)
                os.kill(pid, 9)
                out, err = child.communicate(timeout=30)
                # Whoever is killed cannot give back his lease: it expires.
                left = [] if name != "rdbpipe" else \
                    [os.path.join(p.store, "cache", "lock-00000001")]
                for _ in range(200):
                    if p.files() == left:
                        break
                    time.sleep(0.05)
                equal(p.files(), left, name)
                for path in left:
                    os.remove(path)
                equal(out, b"")
                if name == "rdbpipe":
                    continue
                equal(child.returncode, 3, err)
                holds(f"rdbpipe: {name} was killed by signal 9", err)
        p.backup(source).good()


def test_killed_restore_says_what_the_target_needs():
    import subprocess
    with Place() as p, servers.Server() as source, \
            servers.Server() as target:
        data.big_string(source, "big", 48 << 20)
        p.backup(source).good()
        child = subprocess.Popen(
            [programs.path("rdbpipe"), "clone", "latest", "--to",
             target.url()], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=programs.environment(RDBPIPE_STORE=p.store),
            preexec_fn=programs.die_with_parent)
        while child.poll() is None and \
                not (pid := child_of(child.pid, "rdb-restore")):
            time.sleep(0.002)
        os.kill(pid, 9)
        _, err = child.communicate(timeout=30)
        equal(child.returncode, 3, err)
        holds("it may need REPLICAOF NO ONE, and FLUSHALL", err)
        holds("rdbpipe: rdb-restore was killed by signal 9", err)


def child_of(pid, name):
    """The program of that name among what a process has started, or what
    that has started; None while there is none."""
    parents, found = {}, []
    for child in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{child}/stat") as f:
                text = f.read()
            with open(f"/proc/{child}/cmdline", "rb") as f:
                words = f.read().split(b"\0")
        except OSError:
            continue
        parents[int(child)] = int(text.rpartition(")")[2].split()[1])
        if words[0] == name.encode() and _is_running(child, name):
            found.append(int(child))
    for child in found:
        above = parents[child]
        if pid in (above, parents.get(above)):
            return child
    return None


def _is_running(pid, name):
    """Not only forked yet."""
    try:
        return os.path.basename(os.readlink(f"/proc/{pid}/exe")) == name
    except OSError:
        return False


if __name__ == "__main__":
    cases.main()
