#!/usr/bin/env python3
"""Goal of this test: `plan simulate` gives exactly the windows that looking
at every minute of a year gives, in zones with and without daylight saving, for
windows of any length, across midnight too; each start is in the first three
quarters of its window, always at the same place for a name, and many are
spread evenly; what was missed is made up for, or not, as the plan says."""

import json
import os
import random
import sys
import zoneinfo
from bisect import bisect_left
from datetime import date, datetime, timedelta, timezone

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))

from chain.scratch import blame                                 # noqa: E402
from harness import cases, programs                             # noqa: E402
from harness.cases import equal, holds                          # noqa: E402

UTC = timezone.utc
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
WEEKDAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]


def rdbpipe(*words, sets=(), instances=("cache",)):
    settings = [f"plan.p.{s}" for s in sets] + ["plan.p.instance=*"] + \
        [f"instance.{i}.url=redis://h" for i in instances]
    return programs.run("rdbpipe", "plan", *words,
                        *(w for s in settings for w in ("--set", s)),
                        env={"RDBPIPE_CONFIG": ""})


def simulate(start, end, *words, **more):
    result = rdbpipe("simulate", "--format", "json", "--from", start, "--to",
                     end, *words, **more).good()
    return json.loads(result.out)["starts"]


def seconds(text):
    equal(text[-5:], ".000Z")
    return (datetime.fromisoformat(text[:-1] + "+00:00") - EPOCH) // \
        timedelta(seconds=1)


# --- the year, minute by minute ---

class Clock:
    """What a zone's clock showed in every minute of some days, and the most
    it had shown until then."""

    def __init__(self, name, first, last):
        zone = zoneinfo.ZoneInfo(name)
        self.start = (datetime(first.year, first.month, first.day, tzinfo=UTC)
                      - EPOCH) // timedelta(seconds=1) - 2 * 86400
        end = self.start + ((last - first).days + 4) * 86400
        self.most, most = [], 0
        for minute in range(self.start, end, 60):
            moment = datetime.fromtimestamp(minute, zone)
            shown = minute + moment.utcoffset() // timedelta(seconds=1)
            most = max(most, shown)
            self.most.append(most)

    def first(self, day, minutes):
        """The first moment it showed that time of a day, or a later one."""
        local = (day - date(1970, 1, 1)).days * 86400 + minutes * 60
        return self.start + 60 * bisect_left(self.most, local)


def windows(clock, first, last, days, begin, end):
    """[(opens, closes)] of each day, by the definition in window.h."""
    day = first
    while day <= last:
        if day.weekday() in days and \
                clock.first(day, 0) != clock.first(day, 1440):
            length = (end - begin) % 1440 or 1440
            opens = clock.first(day, begin)
            closes = clock.first(day, begin + length)
            if closes == opens:
                closes += length * 60
            yield opens, closes
        day += timedelta(days=1)


ZONES = ["Europe/Berlin", "America/New_York", "Asia/Shanghai",
         "Australia/Lord_Howe", "America/Sao_Paulo", "Africa/Casablanca",
         "Pacific/Apia", "Asia/Tehran", "America/St_Johns", "UTC"]


def clock_text(minutes):
    return f"{minutes // 60:02}:{minutes % 60:02}"


def try_year(name, year, dice, plans):
    first, last = date(year, 1, 1), date(year + 1, 1, 31)
    clock = Clock(name, first, last)
    for n in range(plans):
        days = sorted(dice.sample(range(7), dice.choice((1, 3, 7, 7))))
        # Much of it where clocks are changed.
        begin = dice.choice((dice.randrange(1440), dice.randrange(240)))
        length = dice.choice((dice.randrange(1, 90), dice.randrange(1, 1440)))
        end = (begin + length) % 1440
        if n == 0:
            days, begin, end = list(range(7)), 135, 165
        if n == 1:
            begin = end = 0
        sets = [f"weekdays={','.join(WEEKDAYS[d] for d in days)}",
                f"window={clock_text(begin)}-"
                f"{clock_text(end if n != 1 else 1440)}",
                f"timezone={name}"]
        got = simulate(f"{year}-01-01", f"{year + 1}-01-31", sets=sets)
        found = [(seconds(s["opens"]), seconds(s["closes"])) for s in got]
        low = (datetime(year, 1, 1, tzinfo=UTC) - EPOCH).days * 86400
        high = (datetime(year + 1, 1, 31, tzinfo=UTC) - EPOCH).days * 86400
        want = [w for w in windows(clock, first - timedelta(days=1), last,
                                   days, begin, end)]
        # At the ends of the time the place in the window decides.
        inside = [w for w in want if low <= w[0] and w[1] <= high]
        equal([w for w in found if w in inside], inside, f"{name} {sets}")
        equal([w for w in found if w not in want], [], f"{name} {sets}")
        for start in got:
            at, opens, closes = (seconds(start[k])
                                 for k in ("start", "opens", "closes"))
            equal(opens <= at < opens + (closes - opens) * 3 / 4 + 1, True,
                  f"{start}")
            equal(start["kind"], "start")
            local = datetime.fromtimestamp(at, zoneinfo.ZoneInfo(name))
            equal(start["local"][:19], local.strftime("%Y-%m-%d %H:%M:%S"))
        places = {(seconds(s["start"]) - seconds(s["opens"]))
                  / (seconds(s["closes"]) - seconds(s["opens"])) for s in got}
        equal(max(places) - min(places) < 0.02 or length < 90, True, sets)


@cases.each(*ZONES)
def test_a_year(name):
    dice = random.Random(name)
    try_year(name, 2026, dice, 40 if programs.SOAK else 5)
    if name == "Pacific/Apia":      # had no 30 December
        try_year(name, 2011, dice, 5)


def test_two_zones_at_once():
    """Plans do not hinder each other."""
    sets = ["instance.a.url=redis://h", "plan.x.instance=a",
            "plan.y.instance=a", "plan.x.timezone=Europe/Berlin",
            "plan.y.timezone=America/New_York", "plan.y.window=23:00-01:00"]
    words = [w for s in sets for w in ("--set", s)]

    def starts(*plans):
        out = programs.run("rdbpipe", "plan", "simulate", *plans, "--from",
                           "2026-01-01", "--to", "2027-01-01", "--format",
                           "json", *words, env={"RDBPIPE_CONFIG": ""})
        return json.loads(out.good().out)["starts"]
    both = starts()
    equal(sorted(starts("x") + starts("y"), key=lambda s: s["start"]), both)
    equal(len(both), 730)


# --- days on which clocks are changed, in words ---

def whys(start, end, window, *words, zone="Europe/Berlin"):
    return [s["why"].split("; ", 1)[-1] for s in
            simulate(start, end, *words,
                     sets=[f"window={window}", f"timezone={zone}"])]


def test_why():
    holds("opens at the change",
          whys("2026-03-29", "2026-03-30", "02:10-02:50")[0])
    equal(whys("2026-03-29", "2026-03-30", "02:10-04:00"),
          ["02:10 is skipped"])
    equal(whys("2026-10-24T22:00", "2026-10-25T22:00", "01:00-02:30"),
          ["02:30 comes twice, the first counts"])


# --- places ---

def test_places_are_spread():
    names = [f"i{n}" for n in range(200)]
    got = simulate("2026-05-01", "2026-05-02", instances=names,
                   sets=["window=02:00-08:00"])
    equal(len(got), 200)
    room = 6 * 3600 * 3 / 4
    places = sorted((seconds(s["start"]) - seconds(s["opens"])) / room
                    for s in got)
    # Kolmogorov and Smirnov: 1.63/sqrt(n) is passed once in a hundred.
    worst = max(abs(p - (i + 0.5) / 200) for i, p in enumerate(places))
    equal(worst < 1.63 / 200 ** 0.5, True, f"distance {worst}")


def test_place_is_known():
    """It is the XXH3 of the names, so it will not change between versions."""
    names = b"p\0cache"
    digest = programs.run("/usr/bin/xxhsum", "-H128", "-", input=names)
    high = int(digest.good().out.split()[0][:8], 16)
    got = simulate("2026-05-01", "2026-05-02", sets=["window=02:00-08:00"])[0]
    equal(seconds(got["start"]) - seconds(got["opens"]),
          high * (6 * 3600 * 3 // 4) >> 32)


# --- missed ---

def kinds(*words, sets=()):
    return [(s["kind"], s["start"][:10]) for s in
            simulate("2026-05-01", "2026-05-06", *words,
                     sets=["window=02:00-08:00", *sets])]


def test_missed():
    equal(kinds("--now", "2026-05-03T12:00"),
          [("missed", "2026-05-01"), ("missed", "2026-05-02"),
           ("missed", "2026-05-03"), ("late", "2026-05-03"),
           ("start", "2026-05-04"), ("start", "2026-05-05")])
    equal(kinds("--now", "2026-05-03T12:00", sets=["on-missed=skip"]),
          [("missed", "2026-05-01"), ("missed", "2026-05-02"),
           ("missed", "2026-05-03"), ("start", "2026-05-04"),
           ("start", "2026-05-05")])
    # The window is open still: on time, though not at its place.
    got = simulate("2026-05-01", "2026-05-03", "--now", "2026-05-01T07:59",
                   sets=["window=02:00-08:00"])
    equal([(s["kind"], s["start"][:16]) for s in got],
          [("start", "2026-05-01T07:59"), ("start", got[1]["start"][:16])])
    # Once a week: the one of last Monday is made up for.
    equal(kinds("--now", "2026-05-01T00:00", sets=["weekdays=Mon"]),
          [("late", "2026-05-01"), ("start", "2026-05-04")])


# --- show, and what is wrong ---

def test_show():
    result = rdbpipe("show", "--now", "2026-05-01T12:00",
                     instances=["a", "b"]).good()
    lines = result.out.decode().split("\n")
    equal(lines[0], "plan p")
    holds("window          02:00-08:00", result.out)
    starts = lines[lines.index("") + 2:-1]
    equal(len(starts), 10)
    equal(starts, sorted(starts))
    found = json.loads(rdbpipe("show", "--format", "json", "--now",
                               "2026-05-01T12:00",
                               instances=["a", "b"]).good().out)
    equal([s["start"][:19] for s in found["starts"]],
          [s.split("Z")[0] for s in starts])
    equal((found["from"], found["to"]), ("2026-05-01T12:00:00.000Z", None))


def test_wrong_usage():
    for words, said in (
            (["walk"], "plan wants show or simulate, not 'walk'"),
            (["show", "q"], "there is no [plan q]; there are p"),
            (["show", "--from", "2026-01-01"],
             "--from and --to are of plan simulate"),
            (["simulate", "--from", "yesterday"], '--from wants a time (UTC) '
             'such as 2026-11-22 or 2026-11-22T02:03Z, not "yesterday"'),
            (["simulate", "--from", "2026-02-30"], '--from wants a time (UTC) '
             'such as 2026-11-22 or 2026-11-22T02:03Z, not "2026-02-30"'),
            (["simulate", "--from", "2026-01-02", "--to", "2026-01-02"],
             "--to is not after --from"),
            (["simulate", "--from", "2000-01-02", "--to", "2026-01-02"],
             "more than 20 years are too many")):
        result = rdbpipe(*words)
        equal((result.code, blame(result)), (2, "rdbpipe: " + said), words)


if __name__ == "__main__":
    cases.main()
