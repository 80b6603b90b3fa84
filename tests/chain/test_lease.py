#!/usr/bin/env python3
"""Goal of this test: an instance is backed up by one at a time, and once per
window, however many want to and whichever are killed or stand still; whoever
was killed does not block it for long."""

import os
import random
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))

from chain.plans import Auto                                    # noqa: E402
from chain.scratch import blame, wait_for                       # noqa: E402
from harness import cases, stores                               # noqa: E402
from harness.cases import equal, holds                          # noqa: E402

SOAK = os.environ.get("RDBPIPE_SOAK") == "1"


# --- leases ---

def hung(s, *words):
    """An auto whose chain hangs."""
    child = s.start("--lease", "3s", *words, orders="rdb-verify=hang")
    wait_for(lambda: any("/lock-" in f for f in s.files()))
    return child


def test_busy():
    with Auto(fast=False) as s:
        child = hung(s)
        result = s.auto("--lease", "3s").good()
        holds("cache is being backed up by ", result.err)
        result = s.run("backup", "cache")
        equal(result.code, 4)
        holds("cache is being backed up by ", blame(result))
        time.sleep(4)       # longer than it lasts: it is renewed
        holds("is being backed up", s.auto("--lease", "3s").good().err)
        child.send_signal(signal.SIGTERM)
        child.communicate()
        equal(child.returncode, 143)
        s.nothing_left()
        s.auto().good()
        equal(s.states(), ["complete"])


def test_crashed():
    """Its lease expires; the next one takes over."""
    with Auto(fast=False) as s:
        child = hung(s)
        os.killpg(child.pid, signal.SIGKILL)
        child.communicate()
        equal(len(s.locks()), 1)
        wait_for(lambda: not s.leftovers())
        end = time.monotonic() + 20
        while "complete" not in s.states():
            assert time.monotonic() < end
            s.auto("--lease", "3s").good()
            time.sleep(0.3)
        equal(s.states().count("complete"), 1)
        equal(s.locks(), [])


def test_paused():
    """All of a holder stands still until another has done its work: when it
    goes on it has lost, and publishes nothing."""
    with Auto(nap=1) as s:
        child = s.start("--lease", "3s")
        wait_for(s.leftovers)           # programs: the lease is held
        os.killpg(child.pid, signal.SIGSTOP)
        end = time.monotonic() + 20
        while "complete" not in s.states():
            assert time.monotonic() < end
            s.auto("--lease", "3s").good()
            time.sleep(0.3)
        os.killpg(child.pid, signal.SIGCONT)
        _, err = child.communicate()
        equal(child.returncode, 4, err)
        holds("the lease of cache is lost", err)
        equal([b["state"] for b in s.backups()
               if b["state"] != "unfinished"], ["complete"])
        equal(s.locks(), [])


def test_killed_alone():
    """Only the first process is killed: the others end, and tidy up."""
    with Auto(fast=False) as s:
        child = hung(s)
        child.kill()
        wait_for(lambda: not s.files() and not s.leftovers())
        child.communicate()
        s.auto().good()
        equal(s.states(), ["complete"])


def test_delete_respects():
    with Auto(fast=False) as s:
        child = s.start("--lease", "3s", orders="cos-put=linger")
        wait_for(lambda: any(f.endswith(".zst") for f in s.files()))
        name = [f for f in s.files() if f.endswith(".zst")][0].split("/")[1]
        result = s.run("delete", name)
        equal(result.code, 2)
        holds("may be at work: cache is being backed up by", blame(result))
        out = s.run("prune", "--litter", "1ms").good().out
        holds("unfinished, a backup is at work", out)
        child.send_signal(signal.SIGTERM)
        child.communicate()


# --- many at once ---

def crowd(s, instances, seconds, lease="3s"):
    """Five at a time, most of which are killed; until nothing is due."""
    end, running, killed = time.monotonic() + seconds, [], 0
    while True:
        waits = s.auto("-n").good().out.decode().count(" waits until ")
        if waits == len(instances):
            break
        assert time.monotonic() < end, f"{waits} of {len(instances)} only"
        while len(running) < 5:
            running.append(s.start("--quiet", "--lease", lease))
        time.sleep(random.uniform(0.1, 0.4))
        victim = random.choice(running)
        if random.random() < 0.8 and victim.poll() is None:
            # All of it, as a machine that loses power, or the first process.
            if random.random() < 0.7:
                os.killpg(victim.pid, signal.SIGKILL)
            victim.kill()
            killed += 1
        for child in [c for c in running if c.poll() is not None]:
            child.communicate()
            running.remove(child)
    for child in running:
        child.communicate()
    return killed


def judge(s, instances, killed):
    rows = s.backups()
    equal([b["reason"] for b in rows if b["state"] == "failed"], [])
    good = [b["instance"] for b in rows if b["state"] == "complete"]
    equal(sorted(good), sorted(instances), "one good backup each")
    print(f"    {len(instances)} windows, {killed} killed, "
          f"{len(rows) - len(good)} unfinished attempts")


def test_five_at_once():
    instances = [f"i{n:03}" for n in range(200 if SOAK else 20)]
    random.seed(7)
    with Auto(instances, nap=0.3) as s:
        killed = crowd(s, instances, 1800 if SOAK else 110)
        judge(s, instances, killed)
        assert killed > 0


@cases.each("double", "swift")
def test_five_at_once_on_object_stores(kind):
    if not SOAK:
        cases.skip("only in soak")
    instances = [f"i{n:03}" for n in range(20)]
    with (stores.Double if kind == "double" else stores.Swift)() as store:
        env = store.env(RDBPIPE_STORE=store.url("backups/"))
        with Auto(instances, environment=env, sink=False, nap=0.6) as s:
            judge(s, instances, crowd(s, instances, 1200, "8s"))


if __name__ == "__main__":
    cases.main()
