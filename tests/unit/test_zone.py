#!/usr/bin/env python3
"""Goal of this test: pipeline/zone.c reads the system's time zones as another
reader does (python's zoneinfo): the offset around every change and at random
times from 1970 to 2100, in all zones; and the first moment at which the clock
shows a time or a later one, found here by looking at every minute."""

import os
import random
import sys
import zoneinfo
from datetime import datetime, timedelta, timezone

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))

from harness import cases, programs  # noqa: E402

ASK = os.path.join(os.path.dirname(programs.BIN), "tests", "unit", "t_zone")
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
FROM, TO = 0, 4102444800        # 2100-01-01


def zones():
    """Those with a file here; a few in a quick run."""
    found = sorted(z for z in zoneinfo.available_timezones()
                   if z not in ("localtime", "Factory"))
    if not found:
        cases.skip("this system has no time zones")
    return found


def ask(questions):
    lines = "".join(f"{what} {zone} {time}\n"
                    for what, zone, time in questions)
    out = programs.run(ASK, "ask", input=lines.encode()).good().out
    return [tuple(map(int, line.split())) for line in out.splitlines()]


def offset(zone, time):
    return int((EPOCH + timedelta(seconds=time)).astimezone(zone)
               .utcoffset().total_seconds())


def changes(zone, step=86400 * 5):
    """When the offset changes, by halving."""
    last = offset(zone, FROM)
    for time in range(FROM + step, TO, step):
        now = offset(zone, time)
        if now != last:
            low, high = time - step, time
            while high - low > 1:
                middle = (low + high) // 2
                if offset(zone, middle) == last:
                    low = middle
                else:
                    high = middle
            yield high
        last = now


def test_offsets_of_all_zones():
    dice = random.Random(1)
    questions = []
    for name in zones():
        zone = zoneinfo.ZoneInfo(name)
        times = [dice.randrange(FROM, TO) for _ in range(60)]
        if programs.SOAK or dice.random() < 0.04:
            for at in changes(zone):
                times += [at - 1, at, at + 1]
        questions += [("offset", name, time) for time in times]
    for (_, name, time), (got, _) in zip(questions, ask(questions)):
        cases.equal(got, offset(zoneinfo.ZoneInfo(name), time),
                    f"{name} at {time}")


def first_by_minutes(zone, local):
    """The first minute at which the clock shows local or later, how often it
    shows just that: 0 once, 1 never, 2 twice."""
    start = local - 26 * 3600
    shown = [(t, t + offset(zone, t))
             for t in range(start, local + 26 * 3600, 60)]
    first = next(t for t, s in shown if s >= local)
    return first, {0: 1, 1: 0}.get(sum(s == local for _, s in shown), 2)


INTERESTING = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe",
               "Asia/Kathmandu", "America/Caracas", "Pacific/Apia",
               "Africa/Casablanca", "Europe/Dublin", "Asia/Tehran",
               "America/St_Johns", "Antarctica/Troll", "Asia/Gaza")


def test_first_moments():
    dice = random.Random(2)
    questions = []
    known = set(zones())
    for name in known.intersection(INTERESTING):
        zone = zoneinfo.ZoneInfo(name)
        near = [t for t in changes(zone) if t > 978307200]
        dice.shuffle(near)
        for at in near[:40 if programs.SOAK else 4]:
            local = (at + offset(zone, at)) // 60 * 60
            questions += [("first", name, local + 60 * dice.randrange(-200,
                                                                      200))
                          for _ in range(4)]
    questions.append(("first", "Pacific/Apia", 1325203200))  # skipped day
    for (_, name, local), got in zip(questions, ask(questions)):
        cases.equal(got, first_by_minutes(zoneinfo.ZoneInfo(name), local),
                    f"{name}: first moment of {local}")


if __name__ == "__main__":
    cases.main()
