#!/usr/bin/env python3
"""Goal of this test: `rdbpipe auto` makes what is due, once, and what
surrounds a backup (hooks, the end of the window, guards, retention, failures,
the log) is as it is told.  Who makes it when many want to: test_lease.py."""

import datetime
import json
import math
import os
import signal
import struct
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))

from chain.plans import CLOSED, Auto                            # noqa: E402
from chain.scratch import blame, wait_for                       # noqa: E402
from chain.test_catalogue import reseal                         # noqa: E402
from harness import cases, servers                              # noqa: E402
from harness.cases import equal, holds                          # noqa: E402


def test_once():
    with Auto(("a", "b")) as s:
        first = s.auto("--dry-run").good()
        holds("p a is due, late, at ", first.out)
        equal(s.files(), [], "a dry run")
        made = s.auto("--once").good().out.decode().split()
        equal([m.split("/")[0] for m in made], ["a", "b"])
        rows = s.backups("--type", "auto")
        equal([(r["instance"], r["state"], r["verified"]) for r in rows],
              [("a", "complete", "frame"), ("b", "complete", "frame")])
        equal(s.locks(), [])
        again = s.auto().good()
        equal((again.out, again.err), (b"", b""), "nothing is due")
        holds("p a waits until ", s.auto("-n").good().out)


def test_command_line():
    with Auto() as s:
        for words, text in (
                (("--once", "--daemon"), "--once and --daemon exclude"),
                (("-n", "--daemon"), "--dry-run and --daemon exclude"),
                (("--now", "2026-01-01"), "--now is for --dry-run only"),
                (("-n", "--now", "x"), "--now wants a time (UTC)"),
                (("nightly",), "nightly"),
                (("--lease", "1s"), "--lease")):
            result = s.auto(*words)
            equal(result.code, 2, words)
            holds(text, blame(result))
        s.write("verify = deep\n")
        result = s.auto()
        equal(result.code, 2)
        holds("[plan p] verify = deep is not built in yet", blame(result))


def test_now():
    """By a fake clock: it is due when `plan simulate` says so, not before."""
    plan = "timezone = Europe/Berlin\non-missed = skip\n"
    with Auto(window="01:00-03:00", plan=plan) as s:
        for day, to in (("2026-03-28", "2026-03-31"),
                        ("2026-10-24", "2026-10-27")):
            text = s.run("plan", "simulate", "--from", day, "--to", to,
                         "--format", "json").good().out
            starts = [x["start"] for x in json.loads(text)["starts"]]
            assert len(starts) >= 2, starts
            for at in starts:
                then = datetime.datetime.fromisoformat(at[:-1])
                second = datetime.timedelta(seconds=1)
                said = s.auto("-n", "--now", f"{then - second}").good().out
                equal(said.decode(), f"p cache waits until {at}\n")
                said = s.auto("-n", "--now", f"{then}").good().out
                equal(said.decode(), f"p cache is due at {at}\n")


def test_missed():
    with Auto(plan="on-missed = skip\n") as s:
        equal(s.auto().good().out, b"")
        equal(s.files(), [])


def test_retention():
    with Auto(plan="keep-last = 1\nkeep-daily = 1\n", window=CLOSED) as s:
        s.auto().good()
        old = os.path.join(s.store, "cache", s.backups()[0]["id"])
        name = "20260101T000000Z-auto"
        os.rename(old, os.path.join(s.store, "cache", name))
        reseal(os.path.join(s.store, "cache", name, "manifest.json"),
               lambda t: t.replace(os.path.basename(old), name))
        out = s.auto("--log", "json", "--set", "plan.p.keep=1d").good().out
        events = [json.loads(line) for line in out.splitlines()]
        equal([e["event"] for e in events], ["started", "pruned", "made"])
        equal(events[1]["count"], 1)
        equal(len(s.backups()), 1)


def test_log():
    with Auto(("a",)) as s:
        out = s.auto("--log=json").good().out
        lines = [json.loads(line) for line in out.splitlines()]
        equal([line["event"] for line in lines], ["started", "made"])
        equal((lines[1]["plan"], lines[1]["instance"], lines[1]["keys"],
               lines[1]["stored-bytes"], lines[1]["state"]),
              ("p", "a", 5, 1000, "complete"))
        equal(list(lines[0]), list(lines[1]), "the same fields")
        waits = json.loads(s.auto("-n", "--log", "json").good().out)
        equal(waits["event"], "waiting")
        assert waits["next"] > waits["time"]


# --- hooks ---

def test_hooks():
    with Auto() as s:
        note = os.path.join(s.folder, "note")
        said = 'echo "$RDBPIPE_INSTANCE $RDBPIPE_PLAN $RDBPIPE_STATE ' \
            '$RDBPIPE_ID $RDBPIPE_EXIT"'
        s.write(f"before = {said} > {note}\nafter = {said} >> {note}\n")
        made = s.auto().good().out.decode().strip().split("/")[1]
        with open(note) as f:
            equal(f.read(), "cache p starting  0\n"
                  f"cache p complete {made} 0\n")


def test_before_fails():
    with Auto(("a", "b")) as s:
        note = os.path.join(s.folder, "note")
        s.write('before = [ "$RDBPIPE_INSTANCE" != a ]\n'
                f'after = echo $RDBPIPE_STATE $RDBPIPE_EXIT >> {note}\n')
        result = s.auto("--log", "json")
        equal(result.code, 3)
        holds("plan p: a: before: ended with status 1", result.err)
        with open(note) as f:
            equal(f.read(), "failed 3\ncomplete 0\n", "after always runs")
        equal([(b["instance"], b["state"], b["reason"])
               for b in s.backups()],
              [("a", "failed", "plan p: before: ended with status 1"),
               ("b", "complete", None)])
        again = s.auto().good()
        equal(again.out, b"", "it is not tried again at once")
        holds("a waits until", s.auto("-n").good().out)
        holds("failed", s.run("list").good().out)
        equal(s.locks(), [])


def test_hook_times_out():
    """With all that it has started."""
    with Auto(plan="before = sleep 1000 & sleep 1000\n"
              "before-timeout = 500ms\n") as s:
        began = time.monotonic()
        result = s.auto()
        equal(result.code, 3)
        holds("cache: before: its time was up", result.err)
        assert time.monotonic() - began < 10
        equal(os.popen("pgrep -fx 'sleep 1000'").read(), "")


def test_after_fails():
    with Auto(plan="after = exit 7\n") as s:
        result = s.auto()
        equal(result.code, 3)
        holds("after: ended with status 7", result.err)
        equal(s.states(), ["complete"])
        equal(s.auto().good().out, b"")


# --- what goes wrong ---

def test_failures():
    """Others go on; the reason is in the list; the status is the worst."""
    with Auto(("a", "b"), fast=False) as s:
        s.write("")
        result = s.auto(orders="rdb-verify=exit:1")
        equal(result.code, 1)
        holds("2 went wrong, the worst: rdb-verify failed first", result.err)
        equal(s.states(), ["failed", "failed"])
        holds("rdb-verify failed first, with exit status 1",
              s.backups()[0]["reason"])
        equal(s.locks(), [])
        for name in ("a", "b"):
            out = s.run("prune", "--instance", name, "--litter", "1ms",
                        "--format", "json").good().out
            equal([(b["state"], b["reason"])
                   for b in json.loads(out)["backups"]],
                  [("failed", "failed")])
        equal(s.files(), [])


def test_suspect():
    """Kept and reported, and it settles the window."""
    with Auto(plan="min-keys = 6\n") as s:
        result = s.auto()
        equal(result.code, 1)
        holds("5 keys are fewer than the 6 there must be", result.err)
        equal(s.states(), ["suspect"])
        holds("suspect: 5 keys are fewer", s.backups()[0]["remark"])
        equal(s.auto().good().out, b"", "it would be suspect again")
        result = s.run("show", "latest")
        equal(result.code, 2, "not counted as good")


def test_guards_of_backup():
    with Auto() as s:
        s.run("backup", "cache", "--max-shrink", "50%").good()
        path = os.path.join(s.bin, "rdb-verify")
        with open(path) as f:
            text = f.read()
        with open(path, "w") as f:
            f.write(text.replace("keys 5", "keys 2").replace(
                "db.0.keys 3", "db.0.keys 0").replace(
                "expires 2", "expires 0"))
        with open(os.path.join(s.bin, "rdb-digest")) as f:
            text = f.read()
        with open(os.path.join(s.bin, "rdb-digest"), "w") as f:
            f.write(text.replace("keys 5", "keys 2").replace(
                "expires 2", "expires 0"))
        result = s.run("backup", "cache", "--max-shrink", "50%",
                       "--remark", "x")
        equal(result.code, 1)
        holds("2 keys are more than 50% less than the 5 of the last good",
              result.err)
        equal(s.states(), ["complete", "suspect"])
        assert s.backups()[1]["remark"].endswith("; x")
        s.run("backup", "cache", "--max-shrink", "60%").good()
        result = s.run("backup", "cache", "--max-shrink", "0%")
        equal(result.code, 2)
        holds("--max-shrink", blame(result))


def test_keep_of_backup():
    with Auto() as s:
        s.run("backup", "cache", "--keep", "30d").good()
        s.run("backup", "cache", "--keep", "forever").good()
        first, second = s.backups()
        days = datetime.datetime.fromisoformat(first["expires"][:19]) - \
            datetime.datetime.fromisoformat(first["started"][:19])
        equal(round(days.total_seconds() / 86400, 3), 30)
        equal((second["expires"], second["hold"]), (None, True))
        result = s.run("backup", "cache", "--keep", "soon")
        equal(result.code, 2)
        holds('--keep: "soon" is no time to keep', blame(result))


def zone(seconds):
    """A zone file whose clock is so many seconds ahead."""
    head = b"TZif2" + bytes(15)
    body = struct.pack(">6l", 0, 0, 0, 0, 1, 4) + \
        struct.pack(">lBB", seconds, 0, 0) + b"XYZ\0"
    minutes, rest = divmod(seconds, 60)
    return 2 * (head + body) + f"\nXYZ-0:{minutes:02}:{rest:02}\n".encode()


def test_overrun():
    """A window that closes in four seconds, by a clock of its own."""
    now = time.time()
    ahead = math.ceil(60 - (now + 4) % 60) % 60
    local = datetime.datetime.fromtimestamp(now + 4 + ahead,
                                            datetime.timezone.utc)
    opens = local - datetime.timedelta(hours=5)
    window = f"{opens:%H:%M}-{local:%H:%M}"
    for what, state in (("abort", "failed"), ("finish", "complete")):
        with Auto(fast=False, window=window,
                  plan=f"timezone = Own\non-overrun = {what}\n") as s:
            with open(os.path.join(s.folder, "Own"), "wb") as f:
                f.write(zone(ahead))
            s.more["TZDIR"] = s.folder
            if what == "finish":
                equal(s.auto().code, 0)
            else:
                result = s.auto(orders="rdb-verify=hang")
                equal(result.code, 3)
                holds("its window has closed, on-overrun = abort", result.err)
            equal(s.states(), [state])


def test_real():
    """Real programs and a real server, which then loses its keys."""
    with servers.Server() as server, Auto() as s:
        for n in range(50):
            server.call("SET", f"key:{n}", n)
        with open(s.config, "w") as f:
            f.write(f"[instance cache]\nurl = {server.url()}\n[plan p]\n"
                    f"instance = cache\nwindow = {CLOSED}\n"
                    "max-shrink = 50%\nbefore = echo ready\n")
        s.more["RDBPIPE_PROGRAMS"] = ""
        holds("ready\n", s.auto().good().err)
        holds("good, 50 keys", s.run("verify", "latest").good().out)
        server.call("FLUSHALL")
        result = s.run("backup", "cache", "--max-shrink", "50%")
        equal(result.code, 1)
        holds("0 keys are more than 50% less than the 50 of the last good",
              blame(result))
        equal(s.states(), ["complete", "suspect"])
        holds("good, 50 keys", s.run("verify", "latest").good().out)


def test_daemon():
    with Auto(("a", "b")) as s:
        child = s.start("--daemon")
        wait_for(lambda: len([f for f in s.files()
                              if f.endswith("manifest.json")]) == 2, 20)
        child.send_signal(signal.SIGTERM)
        out, _ = child.communicate()
        equal(child.returncode, 143)
        equal(len(out.split()), 2)
        equal(s.locks(), [])


if __name__ == "__main__":
    cases.main()
