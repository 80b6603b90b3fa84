#!/usr/bin/env python3
"""Goal of this test: over 500 random histories the backups that stay, and the
rules that keep them, are those of a model written here from restic's
description and the promises of retention.h; and in each of them the newest
verified good backup stays."""

import os
import random
import re
import sys
import zoneinfo
from datetime import datetime, timedelta, timezone

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))

from harness import cases, programs  # noqa: E402
from harness.cases import equal  # noqa: E402

ASK = os.path.join(os.path.dirname(programs.BIN), "tests", "unit",
                   "t_retention")
GOOD, SUSPECT, BROKEN, UNFINISHED = range(4)
HOUR, DAY = 3600, 86400
NAMES = ["last", "hourly", "daily", "weekly", "monthly", "yearly"]
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu"]


class Backup:
    def __init__(self, dice, started, now, litter):
        self.started = started
        self.state = dice.choices((GOOD, SUSPECT, BROKEN, UNFINISHED),
                                  (8, 1, 1, 1))[0]
        self.verified = self.state == GOOD and dice.random() < 0.9
        self.held = dice.random() < 0.05
        self.expires = 0
        if self.state == GOOD and dice.random() < 0.1:
            self.expires = now + dice.randrange(-300, 300) * DAY
        self.changed = dice.choice((started + dice.randrange(5 * HOUR),
                                    now - litter))

    def is_good(self, now):
        return self.state == GOOD and self.verified and self.started <= now

    def line(self, ms):
        return "backup %d %d %d %d %d %d\n" % (
            self.state, self.verified, self.held, self.started * 1000 + ms,
            self.expires and self.expires * 1000 + ms,
            self.changed * 1000 + ms)


# --- the model ---

def group(name, local):
    """What two backups share when a rule sees them as one."""
    return {"hourly": lambda: (local.date(), local.hour),
            "daily": local.date,
            "weekly": lambda: local.isocalendar()[:2],
            "monthly": lambda: (local.year, local.month),
            "yearly": lambda: local.year}[name]()


def back(local, years, months, days, hours):
    """Go's AddDate: months first, what is too large runs over."""
    month = local.year * 12 + local.month - 1 - years * 12 - months
    date = datetime(month // 12, month % 12 + 1, 1) + \
        timedelta(days=local.day - 1 - days)
    wall = datetime.combine(date.date(), local.time().replace(tzinfo=None))
    return first_moment(wall, local.tzinfo) - hours * HOUR


def first_moment(wall, zone):
    """The first moment the zone's clock shows that, or later."""
    early = wall.replace(tzinfo=zone, fold=0).timestamp()
    shown = datetime.fromtimestamp(early, zone).replace(tzinfo=None)
    if shown == wall:
        return early
    # Skipped: the change is between the two readings of it.
    low = wall.replace(tzinfo=zone, fold=1).timestamp() - DAY
    high = early + DAY
    while high - low > 1:
        middle = (low + high) // 2
        if datetime.fromtimestamp(middle, zone).replace(tzinfo=None) >= wall:
            high = middle
        else:
            low = middle
    return high


def kept_by_rules(rules, listed, newest):
    """{backup: set of names}; listed is newest first."""
    counts, within, zone = rules
    kept = {b: set() for b in listed}
    for name, most in zip(NAMES, counts):
        found, last = 0, object()
        for i, b in enumerate(listed):
            if found == most:
                break
            this = i if name == "last" else group(
                name, datetime.fromtimestamp(b.started, zone))
            if this != last or b is listed[-1]:
                found, last = found + 1, this
                kept[b].add(name)
    if within:
        limit = back(datetime.fromtimestamp(newest, zone), *within)
        for b in listed:
            if b.started > limit:
                kept[b].add("within")
    return kept


def model(all_rules, backups, now, litter):
    """{backup: names of rules}, of those that stay."""
    good = [b for b in backups if b.is_good(now)]
    listed = [b for b in reversed(good) if not b.held and not b.expires]
    stay = {b: set() for b in backups}
    if good:
        for rules in all_rules:
            for b, names in kept_by_rules(rules, listed,
                                          good[-1].started).items():
                stay[b] |= names
        stay[good[-1]].add("last good")
        if not all_rules:
            for b in listed:
                stay[b] = stay[b] or {"no rule"}
    oldest = min((b.started for b in good if stay[b]), default=None)
    for b in backups:
        if b.held:
            stay[b].add("held")
        elif stay[b] or b in listed:
            continue
        elif b.state == UNFINISHED:
            if now - b.changed < litter:
                stay[b].add("unfinished")
        elif b.started > now:
            stay[b].add("in the future")
        elif b.expires:
            if b.expires > now:
                stay[b].add("expires")
        elif not all_rules or oldest is None or b.started >= oldest:
            stay[b].add({GOOD: "not verified", SUSPECT: "suspect",
                         BROKEN: "broken"}[b.state])
    return {b: names for b, names in stay.items() if names}


# --- histories ---

def history(dice):
    """Rules, backups, now, age of litter: from one backup to a hundred,
    minutes to years apart, some of them at regular times, so that limits are
    met to the second."""
    now = dice.randrange(1500000000, 1900000000)
    gap = dice.choice((HOUR // 2, 6 * HOUR, DAY, 5 * DAY, 40 * DAY))
    litter = dice.choice((0, HOUR, 2 * DAY))
    regular = dice.random() < 0.5
    times, at = set(), now + dice.choice((0, 0, gap))
    for _ in range(dice.choice((1, 3, 20, 60, 100))):
        at -= gap if regular else dice.randrange(1, 2 * gap)
        times.add(at)
    backups = [Backup(dice, t, now, litter) for t in sorted(times)]
    rules = []
    for _ in range(dice.choice((0, 1, 1, 1, 2))):
        counts = [dice.choice((0, 0, 1, 3, 10, -1)) for _ in NAMES]
        within = dice.choice((None, None, (0, 0, 7, 0), (0, 1, 0, 0),
                              (1, 2, 3, 4), (0, 0, 0, 30)))
        if any(counts) or within:
            rules.append((counts, within, dice.choice(ZONES)))
    return rules, backups, now, litter


def question(rules, backups, now, litter):
    lines = []
    for counts, within, zone in rules:
        text = "".join(f"{n}{unit}" for n, unit in zip(within or (), "ymdh")
                       if n)
        lines.append(f"rules {' '.join(map(str, counts))} {text or '-'} "
                     f"{zone}\n")
    ms = now % 1000     # of all times the same, so they change nothing
    return "".join(lines + [b.line(ms) for b in backups] +
                   [f"decide {now * 1000 + ms} {litter * 1000}\n"])


def names_of(reason):
    reason = re.sub(r"^(expires|unfinished)\b.*", r"\1", reason)
    return set(reason.split(", "))


def test_histories():
    dice = random.Random(5)
    told = [history(dice) for _ in range(5000 if programs.SOAK else 500)]
    out = programs.run(ASK, "ask", input="".join(
        question(*h) for h in told).encode()).good().out.decode()
    lines = iter(out.splitlines())
    some = {"kept": 0, "gone": 0}
    for number, (rules, backups, now, litter) in enumerate(told):
        got = [next(lines).split(" ", 1) for _ in backups]
        zoned = [(counts, within, zoneinfo.ZoneInfo(zone))
                 for counts, within, zone in rules]
        want = model(zoned, backups, now, litter)
        for b, (keep, reason) in zip(backups, got):
            what = f"history {number}, backup of " \
                   f"{datetime.fromtimestamp(b.started, timezone.utc)}"
            equal(keep == "1", b in want, f"{what}: {reason}, {want.get(b)}")
            if keep == "1":
                equal(names_of(reason), want[b], what)
            some["kept" if keep == "1" else "gone"] += 1
        good = [i for i, b in enumerate(backups) if b.is_good(now)]
        if good:
            equal(got[good[-1]][0], "1", f"history {number}: last good")
            equal("last good" in got[good[-1]][1], True)
    equal(min(some.values()) > 1000, True, f"{some}")


if __name__ == "__main__":
    cases.main()
