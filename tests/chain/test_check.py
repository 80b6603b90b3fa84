#!/usr/bin/env python3
"""Goal of this test: `rdbpipe check` says what is wrong, with the exit status
of whose fault it is, and what it calls good is good: every finding is
produced on purpose, by real servers, a directory and the COS double.  Nothing
is changed by looking: no replication begins, nothing stays in the store."""

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))

from harness import cases, engines, programs, stores            # noqa: E402
from harness.cases import each, equal, holds, skip              # noqa: E402
from harness.clusters import Cluster                            # noqa: E402
from harness.programs import run                                # noqa: E402
from harness.servers import Server, free_port                   # noqa: E402

CAPTURE = ("+psync", "+replconf")
SCAN = ("+info", "+select", "+scan", "+time", "+pttl", "+dump",
        "+pexpiretime", "+multi", "+exec")
DAY = 86400


class Place:
    """A folder with a store and a configuration."""

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="rdbpipe-check-")
        programs.at_exit_remove(self.folder)
        self.store = os.path.join(self.folder, "store")
        os.mkdir(self.store)
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.folder, name)

    def files(self):
        return sorted(os.path.join(d, f)[len(self.store) + 1:]
                      for d, _, names in os.walk(self.store) for f in names)

    def config(self, text):
        with open(self.path("conf"), "w") as f:
            f.write(text)
        return {"RDBPIPE_CONFIG": self.path("conf")}

    def check(self, *words, env=None):
        return Said(run("rdbpipe", "check", *words, "--format", "json",
                        env={"RDBPIPE_CONFIG": "", "RDBPIPE_STORE": self.store,
                             **(env or {})}))

    def of(self, server, *words, **more):
        return self.check(server if isinstance(server, str) else server.url(),
                          "--instance", "cache", *words, **more)

    def backup(self, server, instance="cache"):
        return run("rdbpipe", "backup", server.url(), "--instance", instance,
                   "--store", self.store, env={"RDBPIPE_CONFIG": ""}) \
            .good().out.decode().strip()

    def older(self, ident, seconds):
        """Make a backup older, as if it had been made then: its new id."""
        was = json.load(open(os.path.join(self.store, "cache", ident,
                                          "manifest.json")))
        began = time.mktime(time.strptime(was["started"][:19],
                                          "%Y-%m-%dT%H:%M:%S")) - time.timezone
        then = time.gmtime(began - seconds)
        new = time.strftime("%Y%m%dT%H%M%SZ", then) + ident[16:]
        os.rename(os.path.join(self.store, "cache", ident),
                  os.path.join(self.store, "cache", new))
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", then)
        self.edit(new, [(rf'"{ident}"', f'"{new}"'),
                        (r'("(?:started|finished)": ")[^"]*',
                         rf"\g<1>{stamp}.000Z")
                        ])
        return new

    def edit(self, ident, changes):
        """Change a manifest, and seal it again."""
        path = os.path.join(self.store, "cache", ident, "manifest.json")
        with open(path) as f:
            lines = f.read().split("\n")
        text = "\n".join(lines[:-3]) + "\n"
        for old, new in changes:
            text, n = re.subn(old, new, text)
            equal(n > 0, True, f"{old} in the manifest")
        seal = subprocess.run(["xxhsum", "-H128"], input=text.encode(),
                              capture_output=True, check=True)
        digest = seal.stdout.split()[0].decode()
        last = re.sub(r"[0-9a-f]{32}", digest, lines[-3])
        with open(path, "w") as f:
            f.write("\n".join([text + last, *lines[-2:]]))


class Said:
    """What a check said."""

    def __init__(self, result):
        self.code, self.err = result.code, result.err.decode()
        self.all = json.loads(result.out)["findings"] if result.out else []

    def level(self, check, about="cache"):
        """The worst level of a check, and all it says; None: it was not."""
        levels = ["ok", "warn", "bad"]
        found = [f for f in self.all
                 if f["check"] == check and f["about"] == about]
        if not found:
            return None, ""
        return (max((f["level"] for f in found), key=levels.index),
                "; ".join(f"{f['says']} -> {f['advice']}" for f in found))

    def expect(self, check, level, words="", about="cache"):
        got, says = self.level(check, about)
        equal(got, level, f"{check} ({says or self.all or self.err})")
        holds(words, says, check)
        return self

    def ends(self, code):
        equal(self.code, code, f"exit of {self.all} {self.err}")
        return self

    def not_good(self):
        return [f for f in self.all if f["level"] != "ok"]


@contextlib.contextmanager
def user(server, *rules):
    """A URL of a new user with these rules."""
    server.call("ACL", "SETUSER", "bk", "reset", "on", ">pw", "-@all", *rules)
    yield server.url(user="bk", password="pw")
    server.call("ACL", "DELUSER", "bk")


# --- all is well ---

@each(*engines.NAMES)
def test_good(name):
    try:
        server = Server(name)
    except engines.Missing as e:
        skip(str(e))
    with server, Place() as p, user(server, *CAPTURE) as url:
        server.call("SET", "key", "value")
        p.backup(server)
        before, began = p.files(), server.info()["sync_full"]
        said = p.of(url).ends(0)
        equal(said.not_good(), [], "findings")
        for check in "reach", "version", "role", "permission", "store", "age":
            said.expect(check, "ok")
        said.expect("version", "ok", "RDB")
        equal(p.files(), before, "files in the store")
        equal(server.info()["sync_full"], began, "synchronisations begun")
        equal(server.info()["connected_slaves"], "0", "replicas")


def test_lines_for_people():
    with Server() as server, Place() as p:
        p.backup(server)
        out = run("rdbpipe", "check", server.url(), "--instance", "cache",
                  env={"RDBPIPE_STORE": p.store}).good().out.decode()
        for line in out.splitlines():
            equal(bool(re.match(r"ok  cache  [a-z]+  +\S", line)), True, line)
        run_bad = run("rdbpipe", "check", f"redis://127.0.0.1:{free_port()}",
                      "--instance", "cache", env={"RDBPIPE_STORE": p.store})
        equal(run_bad.code, 4)
        holds("bad ", run_bad.out)
        holds("1 finding is bad", run_bad.err)


# --- servers ---

def test_server_down():
    with Server() as server, Place() as p:
        p.backup(server)
        server.stop()
        p.of(server).ends(4).expect("reach", "bad", "connection refused")


def test_wrong_password():
    with Server(password="right") as server, Place() as p:
        p.backup(server)
        p.of(server.url(password="wrong")).ends(4) \
            .expect("reach", "bad", "wrong password")
        said = p.of(f"redis://127.0.0.1:{server.port}").ends(4)
        said.expect("reach", "bad", "wants a password")


@each(*CAPTURE)
def test_rule_missing_for_replication(rule):
    """What is told is what happens: key by key, or no capture."""
    with Server() as server, Place() as p:
        p.backup(server)
        others = [r for r in CAPTURE if r != rule]
        with user(server, *others) as url:
            said = p.of(url).ends(4).expect("permission", "bad", rule)
            holds(f"ACL SETUSER bk {rule}", said.level("permission")[1])
            equal(run("rdb-capture", url).code, 4, "capture")
        with user(server, *others, "~*", *SCAN, "+function|dump") as url:
            p.of(url).ends(0).expect("permission", "warn", "key by key")
            run("rdb-capture", url).good()


@each(*SCAN)
def test_rule_missing_for_scan(rule):
    with Server() as server, Place() as p:
        p.backup(server)
        with user(server, "~*", *[r for r in SCAN if r != rule]) as url:
            said = p.of(url).ends(4)
            holds(f"nor key by key without {rule} ",
                  said.level("permission")[1])


def test_keys_out_of_reach():
    with Server() as server, Place() as p:
        p.backup(server)
        with user(server, "~cache:*", *SCAN) as url:
            said = p.of(url).ends(4)
            holds("nor key by key without ~*", said.level("permission")[1])


def test_hidden_command():
    with Server(config=['rename-command PSYNC ""']) as server, Place() as p:
        p.backup(server)
        p.of(server).ends(0).expect("permission", "warn", "managed services")


def test_replica():
    with Server() as primary, Server() as replica, Place() as p:
        p.backup(primary)
        replica.call("REPLICAOF", "127.0.0.1", str(primary.port))
        wait_for(lambda: replica.info()["master_link_status"] == "up")
        p.of(replica).ends(0).expect("role", "ok", "linked")
        env = p.config(f"[instance cache]\nurl = {replica.url()}\n"
                       "[plan p]\ninstance = cache\nsource = primary\n")
        p.check("cache", "--max-age", "1d", env=env).ends(0) \
            .expect("role", "warn", "wants a primary")
        primary.stop()
        wait_for(lambda: replica.info()["master_link_status"] == "down")
        said = p.of(replica).ends(4).expect("role", "bad", "without a link")
        equal(run("rdb-capture", "--via", "psync", "--timeout", "1s",
                  replica.url()).code, 4, "capture")
        # A user that may not ask INFO learns it from PSYNC.
        with user(replica, *CAPTURE) as url:
            holds("NOMASTERLINK", p.of(url).level("permission")[1])


def test_old_and_new_versions():
    """Stand-ins that answer as servers that cannot be had here."""
    with Place() as p, Server() as real:
        p.backup(real)
        for version, level in ("2.6.17", "bad"), ("99.1.0", "warn"):
            with Impostor(version) as server:
                p.of(server.url).expect("version", level, version)


def test_psync_is_not_begun_before_7():
    """There, an offset that is no number would begin one."""
    with Place() as p, Impostor("6.2.14") as server:
        p.of(server.url)
        equal([w for w in server.heard if w[0] == "PSYNC"],
              [["PSYNC", "?", "-1"]])
        at = server.heard.index(["PSYNC", "?", "-1"])
        equal([server.heard[at - 1], server.heard[at + 1]],
              [["MULTI"], ["DISCARD"]])


def test_clock_of_server():
    with Place() as p, Impostor("7.0.0", late=90) as server:
        p.of(server.url).expect("clock", "warn", "behind")


def test_cluster():
    with Cluster(masters=2) as cluster, Place() as p:
        said = p.of(cluster.url()).ends(1)      # no backup yet
        said.expect("cluster", "ok", "2 masters, 0 replicas")
        names = [f"cache 127.0.0.1:{node.port}" for node in cluster.masters]
        for name in names:
            said.expect("permission", "ok", "may replicate", about=name)
        rules = ("+cluster|slots", "+cluster|nodes", "+ping", *CAPTURE)
        for node in cluster.masters:
            node.call("ACL", "SETUSER", "bk", "reset", "on", ">pw", *rules)
        url = cluster.url().replace("://", "://bk:pw@")
        p.of(url).expect("permission", "bad", "cluster without +info",
                         about=names[0])
        for node in cluster.masters:
            node.call("ACL", "SETUSER", "bk", "+info")
        p.of(url).expect("permission", "ok", "may replicate", about=names[1])


# --- stores ---

def test_store_unwritable():
    with Server() as server, Place() as p:
        p.backup(server)
        env = {}
        if os.geteuid() == 0:   # nothing is forbidden to root
            blocked = p.path("file")
            open(blocked, "w").close()
            env["RDBPIPE_STORE"] = blocked
        else:
            os.chmod(os.path.join(p.store, "cache"), 0o500)
        said = p.of(server, env=env)
        said.expect("store", "bad", "check address, credentials")
        equal(said.code in (1, 3), True, f"exit {said.code}")


def test_store_not_mounted():
    with Server() as server, Place() as p:
        missing = p.path("missing")
        said = p.of(server, env={"RDBPIPE_STORE": missing}).ends(1)
        said.expect("store", "warn", "mounted")
        equal(os.path.exists(missing), False, "it was made")


def test_object_store():
    with Server() as server, Place() as p, stores.Double() as store:
        env = store.env(RDBPIPE_STORE=store.url("place"))
        run("rdbpipe", "backup", server.url(), "--instance", "cache",
            env=env).good()
        before = sorted(store.objects())
        equal(p.of(server, env=env).ends(0).not_good(), [])
        equal(sorted(store.objects()), before, "objects")
        equal(store.uploads(), [])
        refused = {**env, "TENCENTCLOUD_SECRET_KEY": "x" * 32,
                   "COS_SECRET_KEY": "x" * 32}
        said = p.of(server, env=refused).ends(4)
        said.expect("store", "bad")


def test_open_uploads():
    with Server() as server, Place() as p, stores.Double() as store:
        env = store.env(RDBPIPE_STORE=store.url())
        ident = run("rdbpipe", "backup", server.url(), "--instance", "cache",
                    env=env).good().out.decode().strip()
        begin_upload(store, f"cache/{ident}/shard-0001.rdb.zst")
        begin_upload(store, "cache/not-ours")
        equal(p.of(server, env=env).level("leftover")[0], None, "young ones")
        store.ask("age", seconds=3 * DAY)
        p.of(server, "--max-age", "10d", env=env) \
            .expect("leftover", "warn", "1 upload is open")


def begin_upload(store, key):
    """One that nobody finishes: its client is killed."""
    child = subprocess.Popen(
        [programs.path("cos-put"), "--part-size", "1M", store.url(key)],
        stdin=subprocess.PIPE, env=programs.environment(**store.env()),
        stderr=subprocess.DEVNULL, preexec_fn=programs.die_with_parent)
    child.stdin.write(b"x" * (3 << 20))
    child.stdin.flush()
    wait_for(lambda: any(u["key"] == key for u in store.uploads()))
    child.kill()
    child.wait()
    with contextlib.suppress(BrokenPipeError):
        child.stdin.close()


@each("directory", "cos")
def test_stopped_while_probing(kind):
    """The probe is taken away, whenever the signal comes."""
    with Server() as server, Place() as p, stores.Double() as store:
        env = store.env(RDBPIPE_STORE=store.url("place")) if kind == "cos" \
            else {"RDBPIPE_STORE": p.store}
        done = stopped = 0
        for i in range(15):
            child = subprocess.Popen(
                [programs.path("rdbpipe"), "check", server.url(),
                 "--instance", "cache"], stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL, env=programs.environment(**env),
                preexec_fn=programs.die_with_parent)
            time.sleep(i * 0.004)
            child.send_signal(signal.SIGTERM)
            stopped += child.wait() in (128 + 15, -15)
            done += 1
            left = store.objects() if kind == "cos" else p.files()
            equal(sorted(left), [], f"left after {i * 4} ms")
        equal((done, stopped > 0), (15, True), "some were stopped")


def test_old_probe():
    """What SIGKILL left."""
    with Server() as server, Place() as p:
        p.backup(server)
        left = os.path.join(p.store, "cache", "probe-1-1")
        open(left, "w").close()
        young = os.path.join(p.store, "cache", "probe-2-2")
        open(young, "w").close()
        os.utime(left, (time.time() - 3600,) * 2)
        p.of(server).ends(0).expect("leftover", "ok", "probe-1-1")
        equal((os.path.exists(left), os.path.exists(young)), (False, True))


def test_clock_of_store():
    with Server() as server, Place() as p, stores.Double() as store:
        env = store.env(RDBPIPE_STORE=store.url())
        run("rdbpipe", "backup", server.url(), "--instance", "cache",
            env=env).good()
        store.ask("set", skew=60)
        said = p.of(server, env=env)
        said.expect("clock", "warn", "the store's clock is")


# --- backups ---

def test_no_backup():
    with Server() as server, Place() as p:
        p.of(server).ends(1).expect("age", "bad", "no good backup")


def test_old_backup():
    with Server() as server, Place() as p:
        ident = p.backup(server)
        p.older(ident, 30 * 3600)
        run("rdbpipe", "show", "latest", "--store", p.store).good()
        p.of(server).ends(1).expect("age", "bad", "30h")
        p.of(server, "--max-age", "31h").ends(0).expect("age", "ok")
        p.of(server, "--max-age", "29h").ends(1).expect("age", "bad", "29h")
        # Data that is wrong counts before a server that is down.
        server.stop()
        p.of(server).ends(1)


def test_age_by_plan():
    """A plan for one day of the week allows a week."""
    with Server() as server, Place() as p:
        ident = p.backup(server)
        today = time.strftime("%a", time.gmtime())
        env = p.config(f"[instance cache]\nurl = {server.url()}\n"
                       f"[plan weekly]\ninstance = cache\nwindow = "
                       f"00:00-24:00\nweekdays = {today}\n")
        # It was a week ago, as the window of today has not closed.
        ident = p.older(ident, 5 * DAY)
        p.check(env=env).ends(0).expect("age", "ok", "plan weekly")
        p.older(ident, 4 * DAY)
        p.check(env=env).ends(1).expect("age", "bad", "plan weekly: no good")


def test_window_too_short():
    with Server() as server, Place() as p:
        ident = p.backup(server)
        env = p.config(f"[instance cache]\nurl = {server.url()}\n"
                       "[plan p]\ninstance = cache\nwindow = 02:00-03:00\n")
        was = json.load(open(os.path.join(p.store, "cache", ident,
                                          "manifest.json")))
        words = ("cache", "--max-age", "2d")
        equal(p.check(*words, env=env).level("window")[0], None)
        hours = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(
            time.time() + 2 * 3600))
        p.edit(ident, [(rf'("finished": "){was["finished"][:19]}',
                        rf"\g<1>{hours}")])
        p.check(*words, env=env).ends(0) \
            .expect("window", "warn", "widen the window")


def test_leftovers_and_broken():
    with Server() as server, Place() as p:
        first = p.backup(server)
        broken = p.older(p.backup(server), 3600)
        attempt = os.path.join(p.store, "cache", "20260101T000000Z-auto")
        os.mkdir(attempt)
        open(os.path.join(attempt, "shard-0000.rdb.zst"), "w").close()
        equal(p.of(server).level("leftover")[0], None, "a young attempt")
        old = time.time() - 3 * DAY
        os.utime(os.path.join(attempt, "shard-0000.rdb.zst"), (old, old))
        p.of(server).ends(0).expect("leftover", "warn", "1 unfinished")
        temporary = os.path.join(p.store, "cache", first, ".rdbpipe-1-1.tmp")
        open(temporary, "w").close()
        os.utime(temporary, (old, old))
        p.of(server).ends(0).expect("leftover", "warn", temporary)
        path = os.path.join(p.store, "cache", broken, "manifest.json")
        with open(path, "r+b") as f:
            f.write(b"x")
        p.of(server).ends(1).expect("broken", "bad", broken)


def test_suspect():
    with Server() as server, Place() as p:
        good = p.older(p.backup(server), 3600)
        newest = p.backup(server)
        p.edit(newest, [('"complete"', '"suspect"')])
        said = p.of(server).ends(1).expect("suspect", "bad", newest)
        said.expect("age", "ok", good)


def test_failed():
    """What a plan's attempt left that failed."""
    with Server() as server, Place() as p:
        good = p.older(p.backup(server), 3600)
        failed = p.path("store/cache/" + time.strftime(
            "%Y%m%dT%H%M%SZ-auto", time.gmtime()))
        os.mkdir(failed)
        now = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime())
        with open(os.path.join(failed, "failed.json"), "w") as f:
            json.dump({"format": 1, "plan": "p", "started": now, "ended": now,
                       "exit": 4, "reason": "the moon was full"}, f)
        said = p.of(server).ends(0).expect("failed", "warn", "moon was full")
        said.expect("age", "ok", good)


# --- which ---

def test_all_of_a_configuration():
    with Server() as one, Server() as two, Place() as p, Place() as other:
        p.backup(one, "one")
        env = p.config(
            f"[store a]\nurl = {p.store}\n[store b]\nurl = {other.store}\n"
            f"[instance one]\nurl = {one.url()}\nstore = a\n"
            f"[instance two]\nurl = {two.url()}\nstore = b\n")
        env["RDBPIPE_STORE"] = ""
        said = p.check(env=env).ends(1)
        said.expect("age", "ok", about="one")
        said.expect("age", "bad", about="two")
        equal({f["about"] for f in p.check("one", env=env).ends(0).all},
              {"one"})
        holds("no [instance", p.check("three", env=env).ends(2).err)
        holds("one URL", p.check("one", one.url(), env=env).ends(2).err)


def test_of_the_store_alone():
    with Server() as server, Place() as p:
        holds("nothing to check", p.check().ends(2).err)
        p.backup(server, "a")
        p.backup(server, "b")
        said = p.check().ends(0)
        equal(sorted({f["about"] for f in said.all}), ["a", "b"])
        equal({f["about"] for f in p.check("--instance", "b").ends(0).all},
              {"b"})


# --- metrics ---

def test_metrics():
    with Server() as server, Place() as p:
        for i in range(7):
            server.call("SET", f"k{i}", "x" * 100)
        ident = p.backup(server)
        path = p.path("rdbpipe.prom")
        with open(path, "w") as f:
            f.write("old")
        p.of(server, "--metrics", path).ends(0)
        got = exposition(open(path).read())
        m = json.load(open(os.path.join(p.store, "cache", ident,
                                        "manifest.json")))
        shard = m["shards"][0]
        of = {"instance": "cache"}
        equal(value(got, "rdbpipe_backup_keys", of), 7)
        equal(value(got, "rdbpipe_backup_raw_bytes", of),
              shard["rdb"]["bytes"])
        equal(value(got, "rdbpipe_backup_stored_bytes", of),
              shard["object"]["bytes"])
        equal(value(got, "rdbpipe_backup_verified", of), 1)
        age = value(got, "rdbpipe_backup_age_seconds", of)
        equal(0 <= age < 60, True, f"age {age}")
        equal(abs(value(got, "rdbpipe_last_success_timestamp_seconds", of)
                  - time.time()) < 60, True, "last success")
        equal(value(got, "rdbpipe_backups", {**of, "state": "complete"}), 1)
        equal(value(got, "rdbpipe_check_findings", {"level": "bad"}), 0)
        equal(oct(os.stat(path).st_mode & 0o777), "0o644", "mode")
        equal([f for f in os.listdir(p.folder) if "prom" in f],
              ["rdbpipe.prom"], "temporary files")
        if shutil.which("promtool"):
            with open(path) as f:
                said = subprocess.run(["promtool", "check", "metrics"],
                                      stdin=f, capture_output=True, text=True,
                                      check=False)
            equal((said.returncode, said.stderr), (0, ""), "promtool")


def test_metrics_without_a_backup():
    with Server() as server, Place() as p:
        path = p.path("x.prom")
        p.of(server, "--metrics", path).ends(1)
        got = exposition(open(path).read())
        equal([k for k in got if k[0] == "rdbpipe_backup_age_seconds"], [])
        equal(value(got, "rdbpipe_backups",
                    {"instance": "cache", "state": "complete"}), 0)
        equal(value(got, "rdbpipe_check_findings", {"level": "bad"}), 1)


def test_metrics_not_writable():
    with Server() as server, Place() as p:
        p.backup(server)
        said = p.of(server, "--metrics", p.path("no/x.prom")).ends(3)
        holds("no/x.prom", said.err)


LINE = re.compile(
    r'([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{((?:[a-z_]+="(?:[^"\\\n]|\\[\\"n])*",?)*)'
    r'\})? (-?[0-9]+(?:\.[0-9]+)?)')


def exposition(text):
    """{(name, labels): value} of the text format, read strictly: HELP and TYPE
    once and before the samples of a name, those together, none twice."""
    found, typed, seen = {}, None, set()
    equal(text[-1:], "\n", "end of the text")
    lines = text[:-1].split("\n")
    while lines:
        line = lines.pop(0)
        if line.startswith("#"):
            name = re.fullmatch(r"# HELP (\S+) \S.*\.", line)[1]
            equal(name in seen, False, f"{name} twice")
            equal(lines.pop(0), f"# TYPE {name} gauge")
            typed = name
            seen.add(name)
            continue
        match = LINE.fullmatch(line)
        equal(match is not None, True, line)
        equal(match[1], typed, "sample behind its TYPE")
        labels = tuple(sorted(re.findall(r'([a-z_]+)="((?:[^"\\]|\\.)*)"',
                                         match[2] or "")))
        equal((match[1], labels) in found, False, f"{line} twice")
        found[match[1], labels] = float(match[3])
    return found


def value(found, name, labels):
    return found[name, tuple(sorted(labels.items()))]


# --- a server that says what it is told to ---

class Impostor:
    """Answers as a server of a version that may not be had here."""

    def __init__(self, version, late=0):
        self.version, self.late, self.heard = version, late, []

    def __enter__(self):
        import threading
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"redis://127.0.0.1:{self.socket.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.socket.close()

    def _serve(self):
        while True:
            try:
                peer, _ = self.socket.accept()
            except OSError:
                return
            with peer, peer.makefile("rb") as lines:
                while (head := lines.readline()):
                    words = []
                    for _ in range(int(head[1:])):
                        n = int(lines.readline()[1:])
                        words.append(lines.read(n + 2)[:-2].decode())
                    self.heard.append(words)
                    peer.sendall(self._answer(words))

    def _answer(self, words):
        if words[0] == "INFO":
            text = f"redis_version:{self.version}\r\nrole:master\r\n"
            return f"${len(text)}\r\n{text}\r\n".encode()
        if words[0] == "TIME":
            now = str(int(time.time()) - self.late)
            return f"*2\r\n${len(now)}\r\n{now}\r\n$1\r\n0\r\n".encode()
        if words[0] in ("HELLO", "COMMAND"):
            return b"-ERR unknown command\r\n"
        if words[0] == "PSYNC":
            return b"+QUEUED\r\n" if words[2] == "-1" else \
                b"-ERR value is not an integer or out of range\r\n"
        return b"+OK\r\n"


def wait_for(what, seconds=20):
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


if __name__ == "__main__":
    cases.main()
