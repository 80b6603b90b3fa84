#!/usr/bin/env python3
"""Goal of this test: through a year of faked time, in two zones with daylight
saving, with a window across midnight and one that the clock's change falls
into, `rdbpipe auto` finds one backup due in each window, at the moment `plan
simulate` said; what was missed is made up for once; windows are calculated
here anew, by Python's zones."""

import json
import os
import random
import re
import subprocess
import sys
import tempfile
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))

from harness import cases, programs                             # noqa: E402
from harness.cases import each, equal                           # noqa: E402
from harness.programs import run                                # noqa: E402
from harness.servers import Server                              # noqa: E402

UTC = timezone.utc
PLANS = {"berlin": ("Europe/Berlin", "22:30-04:00"),
         "york": ("America/New_York", "01:15-02:45")}
# Around the changes of the clock; all of the year in the long version.
SPANS = [("2026-01-01", "2027-01-01")] if programs.SOAK else \
    [("2026-03-01", "2026-04-05"), ("2026-10-20", "2026-11-08")]


class Year:
    """A store with one backup, of whatever moment, and a plan."""

    def __init__(self, folder, zone, window):
        self.folder, self.store = folder, os.path.join(folder, "store")
        self.conf = os.path.join(folder, "conf")
        with Server() as server:
            ident = run("rdbpipe", "backup", server.url(), "--instance", "one",
                        "--store", self.store).good().out.decode().strip()
        self.at = os.path.join(self.store, "one", ident)
        with open(os.path.join(self.at, "manifest.json")) as f:
            self.lines = f.read().replace('"manual"', '"auto"').split("\n")
        self.ident = ident
        os.rename(self.at, self.folder + "/kept")
        with open(self.conf, "w") as f:
            f.write(f"[instance one]\nurl = redis://127.0.0.1:1\n"
                    f"[plan p]\ninstance = one\nwindow = {window}\n"
                    f"timezone = {zone}\n")

    def made(self, moment):
        """The newest backup is of that moment."""
        stamp = moment.strftime("%Y%m%dT%H%M%SZ-auto")
        text = "\n".join(self.lines[:-3]) + "\n"
        text = text.replace(self.ident, stamp)
        text = re.sub(r'("(?:started|finished)": ")[^"]*', r"\g<1>" +
                      moment.strftime("%Y-%m-%dT%H:%M:%S.000Z"), text)
        seal = subprocess.run(["xxhsum", "-H128"], input=text.encode(),
                              capture_output=True, check=True).stdout
        text += re.sub("[0-9a-f]{32}", seal.split()[0].decode(),
                       self.lines[-3])
        was = self.at if os.path.exists(self.at) else self.folder + "/kept"
        self.at = os.path.join(self.store, "one", stamp)
        os.makedirs(os.path.dirname(self.at), exist_ok=True)
        os.rename(was, self.at)
        with open(os.path.join(self.at, "manifest.json"), "w") as f:
            f.write("\n".join([text, *self.lines[-2:]]))

    def asks(self, moment):
        """("waits", until) or ("is", when): what auto says at that moment."""
        said = run("rdbpipe", "auto", "--once", "--dry-run", "--now",
                   moment.strftime("%Y-%m-%dT%H:%M:%SZ"), "--config",
                   self.conf, "--store", self.store).good().out.decode()
        word, when = re.fullmatch(
            r"p one (waits|is) (?:until|due at|due, late, at) (\S+)Z\n", said).groups()
        return word, datetime.fromisoformat(when).replace(tzinfo=UTC)

    def simulated(self, first, last):
        text = run("rdbpipe", "plan", "simulate", "--config", self.conf,
                   "--from", first, "--to", last, "--format", "json").good()
        return [datetime.fromisoformat(s["start"][:-1]).replace(tzinfo=UTC)
                for s in json.loads(text.out)["starts"]]


def first_shown(zone, day, minutes):
    """When a clock in the zone first shows that time of a day, or a later
    one."""
    want = datetime(day.year, day.month, day.day) + timedelta(minutes=minutes)
    at = want.replace(tzinfo=UTC) - timedelta(hours=15)
    while True:     # offsets are of whole quarters of an hour
        local = at.astimezone(zone).replace(tzinfo=None)
        if local >= want:
            return at
        at += timedelta(minutes=15)


def windows(name, first, last):
    """(opens, closes) of all that open in a span of time."""
    zone, text = ZoneInfo(PLANS[name][0]), PLANS[name][1]
    begin, end = (int(t[:2]) * 60 + int(t[3:]) for t in text.split("-"))
    day, found = first - timedelta(days=2), []
    while day < last + timedelta(days=2):
        found.append((first_shown(zone, day, begin),
                      first_shown(zone, day, end +
                                  (0 if end > begin else 1440))))
        day += timedelta(days=1)
    return [w for w in found if first <= w[0] and w[1] <= last]


def moment(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@each(*[(name, *span) for name in PLANS for span in SPANS])
def test_every_window_once(name, first, last):
    with tempfile.TemporaryDirectory() as folder:
        year = Year(folder, *PLANS[name])
        now, starts = moment(first), []
        year.made(now)      # so nothing is made up for at first
        while True:
            word, now = year.asks(now)
            equal(word, "waits", f"after the backup, at {now}")
            if now >= moment(last):
                break
            equal(year.asks(now - timedelta(seconds=1)), ("waits", now))
            equal(year.asks(now), ("is", now))
            year.made(now)
            starts.append(now)
        span = windows(name, moment(first), moment(last))
        inside = [[s for s in starts if opens <= s < closes]
                  for opens, closes in span]
        equal([len(w) for w in inside], [1] * len(span), "starts per window")
        # A window that is open at the ends of the span may add one there.
        equal(len(starts) - len(span) in (0, 1, 2), True, "starts outside")
        simulated = year.simulated(first, last)
        equal([s for s in starts if s >= span[0][0]],
              [s for s in simulated if s >= span[0][0]], "plan simulate")


@each(*PLANS)
def test_machine_that_was_off(name):
    """For some days each time: one is made up for, when it is on again."""
    dice = random.Random(5)
    first, last = SPANS[0]
    with tempfile.TemporaryDirectory() as folder:
        year = Year(folder, *PLANS[name])
        span = windows(name, moment(first) - timedelta(days=3), moment(last))
        now = moment(first)
        for _ in range(60 if programs.SOAK else 8):
            year.made(now)
            now += timedelta(minutes=dice.randrange(2 * 1440, 6 * 1440))
            if now >= moment(last):
                break
            begun = [w for w in span if w[0] <= now]
            word, when = year.asks(now)
            if now < begun[-1][1]:      # its place may be to come
                if word == "waits":
                    equal(when < begun[-1][1], True, f"{when} in the window")
                    now = when
                    equal(year.asks(now)[0], "is", f"at {now}")
            else:
                equal(word, "is", f"made up for at {now}")
            year.made(now)
            equal(year.asks(now + timedelta(seconds=1))[0], "waits",
                  f"after {now}")


if __name__ == "__main__":
    cases.main()
