#!/usr/bin/env python3
"""Goal of this test: prune, delete, hold and release do what they say, and
say what they do: the manifest goes first, what is held stays, the last good
backup is not lost, litter goes by age, and a dry run changes nothing.  The
same over an object store."""

import json
import os
import shutil
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))

from chain.scratch import blame                                 # noqa: E402
from chain.test_catalogue import Store, reseal                  # noqa: E402
from harness import cases, programs, stores                     # noqa: E402
from harness.cases import equal, holds                          # noqa: E402

DAYS = [f"202601{n:02}T020000Z-auto" for n in range(1, 11)]
FILES = ["manifest.json", "shard-0000.rdb.zst"]


def ids(s):
    """What is in the store: {"instance/id": files}."""
    found = {}
    for name in s.files():
        if name.count("/") == 2:
            folder, file = name.rsplit("/", 1)
            if folder != "model":
                found.setdefault(folder, []).append(file)
    return found


def suspect(path):
    reseal(path, lambda text: text.replace('"complete"', '"suspect"'))


def expiring(path, when):
    reseal(path, lambda text: text.replace('"expires": null',
                                           f'"expires": "{when}"'))


def old(path, days=3):
    """All in a folder was written days ago."""
    then = time.time() - days * 86400
    for name in os.listdir(path):
        os.utime(os.path.join(path, name), (then, then))


class Ten(Store):
    """Ten backups of ten days, of which some are not good."""

    def __enter__(self):
        super().__enter__()
        for day in DAYS:
            self.add("cache", day)
        suspect(self.manifest(DAYS[1]))
        with open(self.manifest(DAYS[2]), "a") as f:
            f.write("x")
        os.remove(self.manifest(DAYS[3]))
        old(self.path("cache", DAYS[3]))
        expiring(self.manifest(DAYS[4]), "2026-02-01T00:00:00.000Z")
        suspect(self.manifest(DAYS[9]))
        return self

    def manifest(self, name):
        return self.path("cache", name, "manifest.json")

    def prune(self, *words):
        """{id: (keep, reason)}"""
        out = self.run("prune", "--format", "json", *words).good().out
        self.sheet = json.loads(out)
        return {b["id"]: (b["keep"], b["reason"])
                for b in self.sheet["backups"]}


# --- prune ---

WANT = {
    DAYS[0]: (False, "no rule keeps it"),
    DAYS[1]: (False, "suspect, older than all that is kept"),
    DAYS[2]: (False, "broken, older than all that is kept"),
    DAYS[3]: (False, "unfinished"),
    DAYS[4]: (False, "expired 2026-02-01T00:00:00.000Z"),
    DAYS[5]: (False, "no rule keeps it"),
    DAYS[6]: (True, "last"),
    DAYS[7]: (True, "last"),
    DAYS[8]: (True, "last, last good"),
    DAYS[9]: (True, "suspect"),
}


def test_prune():
    with Ten() as s:
        before = s.files()
        equal(s.prune("--keep-last", "3", "--dry-run"), WANT)
        equal(s.files(), before, "a dry run")
        result = s.run("prune", "--keep-last", "3").good()
        holds("4 kept, 6 removed, ", result.err)
        holds(f"{DAYS[0]}  cache     complete    ", result.out)
        holds("  remove  no rule keeps it\n", result.out)
        equal(ids(s), {f"cache/{d}": FILES for d in DAYS[6:]})
        equal(s.prune("--keep-last", "3"), {d: WANT[d] for d in DAYS[6:]})
        equal((s.sheet["kept"], s.sheet["removed"]), (4, 0))


def test_prune_within():
    """Time runs from the last good one, not from now."""
    for option in "--keep", "--keep-within":
        with Ten() as s:
            kept = s.prune(option, "3d", "-n")
            equal([d for d in DAYS if kept[d][0]], DAYS[6:])
            equal(kept[DAYS[8]], (True, "within, last good"))


def test_prune_keeps_the_last_good_one():
    with Ten() as s:
        for day in DAYS[5:9]:
            suspect(s.manifest(day))
        s.run("prune", "--keep-last", "1").good()
        equal(f"cache/{DAYS[0]}" in ids(s), True)
    with Ten() as s:        # its own time of expiry is no reason either
        for day in DAYS[:9]:
            shutil.rmtree(s.path("cache", day))
        s.add("cache", "20260109T030000Z-manual")
        expiring(s.path("cache", "20260109T030000Z-manual", "manifest.json"),
                 "2026-02-01T00:00:00.000Z")
        equal(s.prune("--keep-last", "1"),
              {"20260109T030000Z-manual": (True, "last good"),
               DAYS[9]: (True, "suspect")})


def test_prune_without_rules():
    with Ten() as s:
        equal([d for d, (keep, _) in s.prune().items() if not keep],
              [DAYS[3], DAYS[4]])


def test_prune_by_plans():
    """Each instance by its plans; who has none keeps all."""
    with Ten() as s:
        for day in DAYS:
            s.add("model-b", day)
            s.add("none", day)
        settings = ["instance.cache.url=redis://h", "plan.a.instance=cache",
                    "plan.a.keep-last=1", "instance.model-b.url=redis://h",
                    "plan.b.instance=model-*", "plan.b.keep-last=2",
                    "plan.c.instance=model-b", "plan.c.keep-daily=4"]
        words = [w for setting in settings for w in ("--set", setting)]
        s.run("prune", *words).good()
        left = ids(s)
        for instance, count in ("cache", 2), ("model-b", 4), ("none", 10):
            equal(len([f for f in left if f.startswith(instance + "/")]),
                  count, instance)
        # Rules that are given stand for all plans.
        s.run("prune", "--keep-last", "1", "--instance", "model-b",
              *words).good()
        left = ids(s)
        equal(len([f for f in left if f.startswith("model-b/")]), 1)
        equal(len([f for f in left if f.startswith("none/")]), 10)


def test_litter_by_age():
    with Ten() as s:
        equal(s.prune("-n")[DAYS[3]], (False, "unfinished"))
        equal(s.prune("-n", "--litter", "4d")[DAYS[3]],
              (True, "unfinished, may be at work"))
        os.utime(s.path("cache", DAYS[3], FILES[1]))
        equal(s.prune("-n")[DAYS[3]], (True, "unfinished, may be at work"))


def test_what_is_not_ours_stays():
    with Ten() as s:
        for name in "cache/notes", "cache/lock", "cache/x/y", "readme":
            os.makedirs(os.path.dirname(s.path(name)), exist_ok=True)
            with open(s.path(name), "w") as f:
                f.write("mine")
        s.run("prune", "--keep-last", "1").good()
        for name in "cache/notes", "cache/lock", "cache/x/y", "readme":
            equal(os.path.exists(s.path(name)), True, name)


def test_prune_wrong_usage():
    with Store() as s:
        for words, said in (
                (["--keep-last", "0"], '--keep-last: "0" is no number to '
                 'keep, from 1, or "unlimited"'),
                (["--keep", "7"], '--keep: "7" is no time to keep, such as '
                 '7d, 2y5m7d3h or forever'),
                (["--keep", "7d", "--keep-within", "7d"],
                 "--keep and --keep-within are the same; give one"),
                (["--timezone", "UTC"], "--timezone is for the rules given "
                 "with it; plans have their own"),
                (["--keep-last", "1", "--timezone", "Mars"], "--timezone: no "
                 'time zone "Mars": there is no /usr/share/zoneinfo/Mars'),
                (["--now", "2026-01-01"], "--now is for --dry-run only"),
                (["-n", "--now", "soon"], "--now wants a time (UTC) such as "
                 "2026-11-22, not 'soon'")):
            result = s.run("prune", *words)
            equal((result.code, blame(result)), (2, "rdbpipe: " + said))


# --- order ---

def removals(s, *words):
    """The files a run unlinked, in order; None without strace."""
    if not shutil.which("strace"):
        return None
    log = os.path.join(s.folder, "strace")
    subprocess.run(["strace", "-f", "-qq", "-e", "trace=unlink,unlinkat",
                    "-o", log, programs.path("rdbpipe"), *words],
                   env=programs.environment(**s.environment(),
                                            ASAN_OPTIONS="detect_leaks=0"),
                   check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with open(log) as f:
        return [line.split('"')[1] for line in f
                if line.count('"') == 2 and line.rstrip().endswith("= 0")]


def test_manifest_goes_first():
    """Even where others come before it by name."""
    with Ten() as s:
        for day in DAYS:
            with open(s.path("cache", day, "a-first"), "w") as f:
                f.write("x")
        gone = removals(s, "prune", "--keep-last", "1")
        if gone is None:
            cases.skip("strace is not installed")
        for day in DAYS[0], DAYS[1], DAYS[2], DAYS[4]:
            of_day = [os.path.basename(g) for g in gone if day in g]
            equal((of_day[0], sorted(of_day)),
                  ("manifest.json", ["a-first"] + FILES), day)


# --- hold, release ---

def test_hold_and_release():
    with Ten() as s:
        result = s.run("hold", DAYS[0], "--why", "the auditors").good()
        equal(result.out.decode(), f"held cache/{DAYS[0]}\n")
        with open(s.path("cache", DAYS[0], "hold.json")) as f:
            hold = json.load(f)
        equal((hold["format"], hold["hold"], hold["why"]),
              (1, True, "the auditors"))
        equal("@" in hold["who"], True)
        shown = s.run("show", DAYS[0]).good().out
        holds(f"yes, since {hold['when']}, by {hold['who']}: the auditors",
              shown)
        row = {b["id"]: b for b in s.listed()["backups"]}[DAYS[0]]
        equal(row["hold"], True)
        holds("  held  ", s.run("list").good().out)
        equal(s.prune("--keep-last", "1")[DAYS[0]], (True, "held"))
        refused = s.run("delete", "--force", DAYS[0])
        equal((refused.code, blame(refused)),
              (2, f"rdbpipe: cache/{DAYS[0]} is held; release it first"))
        s.run("hold", DAYS[0]).good()       # another word replaces the first
        holds("yes, since ", s.run("show", DAYS[0]).good().out)
        equal(s.run("release", DAYS[0]).good().out.decode(),
              f"released cache/{DAYS[0]}\n")
        s.run("release", DAYS[0]).good()    # once more does no harm
        equal(sorted(os.listdir(s.path("cache", DAYS[0]))), FILES)
        equal(s.prune("--keep-last", "1")[DAYS[0]][0], False)


def test_made_held():
    """The manifest's own word counts until somebody says another."""
    with Ten() as s:
        reseal(s.manifest(DAYS[0]), lambda text: text.replace(
            '"hold": false', '"hold": true'))
        equal(s.prune("--keep-last", "1", "-n")[DAYS[0]], (True, "held"))
        s.run("release", DAYS[0], "--why", "done").good()
        holds("no, since ", s.run("show", DAYS[0]).good().out)
        equal(s.prune("--keep-last", "1", "-n")[DAYS[0]],
              (False, "no rule keeps it"))
        s.run("hold", DAYS[0]).good()
        equal(s.prune("--keep-last", "1", "-n")[DAYS[0]], (True, "held"))


def test_broken_holds_hold():
    for text, said in (("{}", "format is missing"), ("", "not JSON"),
                       ("x" * 70000, "longer than 65536 bytes")):
        with Ten() as s:
            with open(s.path("cache", DAYS[0], "hold.json"), "w") as f:
                f.write(text)
            result = s.run("prune", "--keep-last", "1").good()
            holds(f"rdbpipe: hold.json of cache/{DAYS[0]}: {said}",
                  result.err)
            equal(f"cache/{DAYS[0]}" in ids(s), True)
            equal(s.run("show", DAYS[0]).code, 1)


def test_holds_of_others():
    """A broken backup and an unfinished attempt can be held too."""
    with Ten() as s:
        for day in DAYS[2], DAYS[3]:
            s.run("hold", day).good()
        kept = s.prune("--keep-last", "1")
        equal([kept[d] for d in DAYS[2:4]], [(True, "held")] * 2)


# --- delete ---

def test_delete():
    with Ten() as s:
        before = s.files()
        words = ["delete", DAYS[0], DAYS[2], "cache/" + DAYS[3]]
        said = "".join(f"would delete cache/{DAYS[i]}\n" for i in (0, 2, 3))
        equal(s.run(*words, "-n").good().out.decode(), said)
        equal(s.files(), before)
        equal(s.run(*words).good().out.decode(),
              said.replace("would delete", "deleted"))
        equal(sorted(ids(s)), [f"cache/{d}" for d in DAYS
                               if d not in (DAYS[0], DAYS[2], DAYS[3])])
        result = s.run("delete", DAYS[0])
        equal((result.code, blame(result)),
              (2, f'rdbpipe: no backup "{DAYS[0]}" here'))
        result = s.run("delete", "2026")
        equal(result.code, 2)
        holds("could be any of 7 backups", result.err)


def test_delete_the_last_good_one():
    with Ten() as s:
        good = [d for i, d in enumerate(DAYS) if i in (0, 4, 5, 6, 7, 8)]
        before = s.files()
        result = s.run("delete", *good)     # all or none
        equal((result.code, blame(result)), (
            2, f"rdbpipe: cache/{good[-1]} is the last good backup of cache; "
            "--force deletes it"))
        equal(s.files(), before)
        s.run("delete", *good[:-1]).good()
        equal(s.run("delete", good[-1]).code, 2)
        s.run("delete", DAYS[1]).good()     # a suspect one is no loss
        s.run("delete", "--force", good[-1]).good()
        equal(f"cache/{good[-1]}" in ids(s), False)


def test_suspect_is_never_the_latest():
    with Ten() as s:
        result = s.run("show", "latest").good()
        holds(f"cache/{DAYS[9]} is suspect", result.err)
        holds(DAYS[8], result.out)


# --- an object store ---

def test_object_store():
    """The same things over COS; and uploads that nobody finished."""
    with Ten() as s, stores.Double() as store:
        def there(*words):
            return programs.run("rdbpipe", words[0], "--store",
                                store.url("b/"), *words[1:], env=store.env())
        for name in s.files():
            if not name.startswith("model/"):
                with open(s.path(name), "rb") as f:
                    programs.run("cos-put", "--trust-eof",
                                 store.url("b/" + name), input=f.read(),
                                 env=store.env()).good()
        there("hold", DAYS[0], "--why", "x").good()
        listed = json.loads(there("list", "--all", "--format",
                                  "json").good().out)["backups"]
        equal([(b["id"], b["hold"]) for b in listed],
              [(d, d == DAYS[0]) for d in DAYS])
        # Also while every third request meets something.
        store.ask("dice", rate=0.3, seed=4)
        again = json.loads(there("list", "--all", "--format",
                                 "json").good().out)["backups"]
        equal(again, listed)
        equal(sum(store.ask("stats")["faults"].values()) > 0, True)
        store.ask("calm")
        result = there("prune", "--keep-last", "3", "--format", "json")
        sheet = json.loads(result.good().out)
        want = {**WANT, DAYS[0]: (True, "held"),
                DAYS[3]: (True, "unfinished, may be at work")}
        equal({b["id"]: (b["keep"], b["reason"]) for b in sheet["backups"]},
              want)
        there("release", DAYS[0]).good()
        there("delete", DAYS[0], DAYS[3]).good()
        left = sorted({k.split("/")[2] for k in store.objects()})
        equal(left, DAYS[6:])
        first = next(k for k in store.objects() if DAYS[6] in k)
        there("delete", DAYS[6]).good()
        equal(first in store.objects(), False)
        there("prune", "--litter", "1s", "--instance", "cache").good()
        for data, said in ((b"", "too short, 0 bytes"),
                           (b"\0" * 17_000_000, "longer than 16777216")):
            programs.run("cos-put", "--trust-eof", store.url(
                f"b/cache/{DAYS[0]}/manifest.json"), input=data,
                env=store.env()).good()
            holds(said, there("list").good().out)
        there("delete", DAYS[0]).good()
        equal(sorted({k.split("/")[2] for k in store.objects()}), DAYS[7:])


def test_unfinished_uploads():
    """Of a cos-put that was killed; those of others stay."""
    with stores.Double() as store:
        for name in f"cache/{DAYS[0]}/shard-0000.rdb.zst", "other/file":
            before = len(store.uploads())
            child = subprocess.Popen(
                [programs.path("cos-put"), "--trust-eof", "--part-size", "1M",
                 store.url("b/" + name)], stdin=subprocess.PIPE,
                env=programs.environment(**store.env()),
                preexec_fn=programs.die_with_parent)
            child.stdin.write(b"x" * (3 << 20))
            child.stdin.flush()
            end = time.monotonic() + 10
            while len(store.uploads()) == before:
                equal(time.monotonic() < end, True, "waited in vain")
                time.sleep(0.05)
            child.kill()
            child.stdin.close()
            child.wait()

        def prune(*words):
            result = programs.run("rdbpipe", "prune", "--format", "json",
                                  "--store", store.url("b/"), *words,
                                  env=store.env()).good()
            return json.loads(result.out)["uploads-removed"]
        equal(prune(), 0)
        time.sleep(1.1)
        equal(prune("--litter", "1s", "-n"), 1)
        equal(prune("--litter", "1s", "--instance", "cash"), 0)
        equal(len(store.uploads()), 2)
        equal(prune("--litter", "1s", "--instance", "cache"), 1)
        equal(["other/file" in str(u) for u in store.uploads()], [True])


if __name__ == "__main__":
    cases.main()
