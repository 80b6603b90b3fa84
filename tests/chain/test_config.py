#!/usr/bin/env python3
"""Goal of this test: settings come from a file, the environment and the
command line, the later winning, and `config show --origin` says which; what
is wrong is refused with file and line, variable or option; nothing of the
file is silently cut; no password is shown; names of instances and stores do
where URLs do."""

import json
import os
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))

from chain.scratch import Scratch, blame                        # noqa: E402
from harness import cases, programs                             # noqa: E402
from harness.cases import equal, holds                          # noqa: E402

FOLDER = tempfile.mkdtemp(prefix="rdbpipe-config-")
programs.at_exit_remove(FOLDER)
PATH = os.path.join(FOLDER, "x.conf")

GOOD = """\
# who
[store main]
url = /backups
[instance cache-1]
  url = redis://user:se%40cret@10.0.0.1:6390
store: main
; when
[plan nightly]
instance = cache-*
window\t=\t22:30-04:00
keep-daily = 7
"""


def show(*words, text=GOOD, env=None):
    with open(PATH, "w") as f:
        f.write(text)
    return programs.run("rdbpipe", "config", "show", "--config", PATH, *words,
                        env=env)


def values(*words, **more):
    """{"plan.nightly.window": (value, origin, where)}"""
    found = json.loads(show("--format", "json", *words, **more).good().out)
    return {f"{v['section']}.{v['name']}.{v['key']}":
            (v["value"], v["origin"], v["where"]) for v in found["values"]}


def refused(words, *options, code=2, **more):
    result = show(*options, **more)
    equal(result.code, code, f"{more} {options}")
    equal(result.out, b"")
    equal(blame(result), "rdbpipe: " + words)


def test_without_a_file():
    none = {"RDBPIPE_CONFIG": "", "HOME": "/nowhere"}
    result = programs.run("rdbpipe", "config", "show", "--format", "json",
                          env=none).good()
    equal(json.loads(result.out), {"format": 1, "file": None, "values": []})
    result = programs.run("rdbpipe", "config", "show", env={
        **none, "RDBPIPE_INSTANCE__CACHE_A__URL": "redis://h",
        "RDBPIPE_PLAN__HOURLY__INSTANCE": "cache_a"},).good()
    holds("[instance cache_a]\nurl = redis://h\n", result.out)
    holds("[plan hourly]\ninstance = cache_a\n", result.out)


def test_where_values_come_from():
    found = values()
    equal(found["store.main.url"], ("/backups", "file", f"{PATH}:3"))
    equal(found["instance.cache-1.store"], ("main", "file", f"{PATH}:6"))
    equal(found["plan.nightly.window"],
          ("22:30-04:00", "file", f"{PATH}:10"))
    equal(found["plan.nightly.weekdays"], ("daily", "default", None))
    equal(found["plan.nightly.keep-daily"], ("7", "file", f"{PATH}:11"))
    equal(found["plan.nightly.keep"], (None, "default", None))
    variable = "RDBPIPE_PLAN__NIGHTLY__WINDOW"
    env = {variable: "01:00-02:00", "RDBPIPE_INSTANCE__CACHE_1__USER": "me",
           "RDBPIPE_PLAN__NIGHTLY__TIMEZONE": ""}
    found = values(env=env)
    equal(found["plan.nightly.window"],
          ("01:00-02:00", "environment", variable))
    equal(found["instance.cache-1.user"],
          ("me", "environment", "RDBPIPE_INSTANCE__CACHE_1__USER"))
    equal(found["plan.nightly.timezone"], ("UTC", "default", None))
    found = values("--set", "plan.nightly.window=05:00-06:00",
                   "--set=instance.a.b.url=redis://x", env=env)
    equal(found["plan.nightly.window"],
          ("05:00-06:00", "command line", "--set plan.nightly.window"))
    equal(found["instance.a.b.url"][0], "redis://x")
    rows = [row.split() for row in
            show("--origin", env=env).good().out.decode().splitlines()]
    equal(["plan.nightly.window", "01:00-02:00", variable] in rows, True)
    equal(["plan.nightly.keep", "-", "default"] in rows, True)


def test_keep_gives_way():
    equal(values(text=GOOD.replace("keep-daily = 7", ""))
          ["plan.nightly.keep"], ("7d", "default", None))
    found = values(text=GOOD + "keep = 30d\n")
    equal(found["plan.nightly.keep"][0], "30d")


def test_what_is_shown_is_a_file():
    once = show(text=GOOD.replace("user:se%40cret@", "")).good().out
    twice = show(text=once.decode()).good().out
    equal(twice, once)


def test_no_password_is_shown():
    for words in [], ["--origin"], ["--format", "json"]:
        result = show(*words).good()
        holds("redis://user:***@10.0.0.1:6390", result.out)
        for secret in b"se%40cret", b"se@cret":
            equal(secret in result.out + result.err, False, secret)
    for text in (GOOD.replace("10.0.0.1:6390", "10.0.0.1:x"),
                 GOOD.replace("redis://user", "radis://user"),
                 GOOD.replace("store: main", "store: none"),
                 GOOD.replace("[store", "x = redis://:se%40cret@h\n[store")):
        result = show(text=text)
        equal(result.code, 2)
        equal(b"cret" in result.err, False, result.err)
    result = show("--set", "instance.cache-1.url=redis://:se%40cret@h:x")
    equal(b"cret" in result.err, False, result.err)


PLAN = "[instance i]\nurl = redis://h\n[plan p]\ninstance = i\n"

WRONG = [
    ("window = 02:00", '5: window: "02:00" is no window, such as 02:00-08:00 '
     'or 22:30-04:00'),
    ("window = 02:00-24:01", '5: window: "02:00-24:01" is no window, such as '
     '02:00-08:00 or 22:30-04:00'),
    ("window = 24:00-01:00", '5: window: "24:00-01:00" is no window, such as '
     '02:00-08:00 or 22:30-04:00'),
    ("window = 02:60-03:00", '5: window: "02:60-03:00" is no window, such as '
     '02:00-08:00 or 22:30-04:00'),
    ("window = 2:00-03:00", '5: window: "2:00-03:00" is no window, such as '
     '02:00-08:00 or 22:30-04:00'),
    ("window = 02:00-02:00", '5: window: window "02:00-02:00" is closed when '
     'it opens; a whole day is 00:00-24:00'),
    ("weekdays = Mon,Mon", '5: weekdays: "Mon,Mon" is no list of weekdays, '
     'each once, such as Mon,Wed,Fri, Mon-Fri or daily'),
    ("weekdays = Mo", '5: weekdays: "Mo" is no list of weekdays, '
     'each once, such as Mon,Wed,Fri, Mon-Fri or daily'),
    ("weekdays = Mon,", '5: weekdays: "Mon," is no list of weekdays, '
     'each once, such as Mon,Wed,Fri, Mon-Fri or daily'),
    ("timezone = Mars/Olympus", '5: timezone: no time zone "Mars/Olympus": '
     'there is no /usr/share/zoneinfo/Mars/Olympus'),
    ("timezone = ../../etc/passwd", '5: timezone: no time zone '
     '"../../etc/passwd"'),
    ("keep = 7", '5: keep: "7" is no time to keep, such as 7d, 2y5m7d3h or '
     'forever'),
    ("keep = 1d1d", '5: keep: "1d1d" is no time to keep, such as 7d, 2y5m7d3h '
     'or forever'),
    ("keep-last = 0", '5: keep-last: "0" is no number to keep, from 1, or '
     '"unlimited"'),
    ("compress = 20", '5: compress: wants a whole number, 1 to 19, not "20"'),
    ("encrypt = yes", '5: encrypt: wants no, not "yes"'),
    ("on-missed = walk", '5: on-missed: wants one of run, skip, not "walk"'),
    ("before-timeout = 0", '5: before-timeout: wants a time such as 30s, 5m '
     'or 6h, not "0"'),
    ("before =", "5: before: has no value"),
    ("verify = deep\nverify = frame", "6: verify is given twice, first at "
     + PATH + ":5"),
    ("[plan p]", "5: [plan p] is there already, at " + PATH + ":3"),
    ("[plan]", "5: unknown section [plan]; there are [store NAME], [instance "
     "NAME] and [plan NAME]"),
    ("[job x]", "5: unknown section [job x]; there are [store NAME], "
     "[instance NAME] and [plan NAME]"),
    ("[plan -x]", "5: [plan -x]: a name is letters, digits, '.', '_' and "
     "'-', the first a letter or digit"),
    ("[plan q", "5: ']' is missing"),
    ("[plan q] window = 1", "5: there is something behind the ']'"),
    ("[plan " + "q" * 45 + "]", "5: the name of a section is at most 49 "
     "bytes"),
    ("verify", "5: neither [section] nor key = value nor comment"),
    ("verify\n[job x]", "5: neither [section] nor key = value nor comment"),
    ("before = a ; b", "5: a ';' behind a blank: comments have lines of "
     "their own"),
    ("before = " + "x" * 190, "5: longer than 197 bytes, or with a zero "
     "byte"),
    ("before = a\0b", "5: longer than 197 bytes, or with a zero byte"),
    ("before = a\x01b", "5: before: there is a control character in it"),
    ("[store s]\nurl = here", '6: url: wants a URL or a path that begins with '
     '/, not "here"'),
    ("[store s]", "5: [store s] has no url"),
    ("[instance k]\nurl = redis://h\nstore = s", "7: [instance k] there is no "
     "[store s] configured"),
    ("[plan q]\ninstance = i, k*", "6: [plan q] instance: there is no "
     "[instance k*]"),
    ("[plan q]\ninstance = ,", "6: [plan q] instance: names none"),
    ("[plan q]\nwindow = 01:00-02:00", "5: [plan q] has no instance"),
    ("windw = 1", '5: [plan p] has no "windw"; there are instance, weekdays, '
     'window, timezone, keep, keep-last, keep-hourly, keep-daily, '
     'keep-weekly, keep-monthly, keep-yearly, compress, encrypt, verify, '
     'min-keys, max-shrink, '
     'source, on-overrun, on-missed, before, before-timeout, after, '
     'after-timeout'),
]


def test_what_is_wrong_in_a_file():
    for line, words in WRONG:
        refused(f"{PATH}:{words}", text=f"{PLAN}{line}\n")
    refused(f"{PATH}:1: there is no [section] in front of it",
            text="url = /x\n")


def test_longest_line():
    """One byte less than what is refused is taken whole."""
    text = f"{PLAN}before = {'x' * 188}\n"
    equal(values(text=text)["plan.p.before"][0], "x" * 188)
    equal(values(text=text[:-1])["plan.p.before"][0], "x" * 188)


def test_what_is_wrong_elsewhere():
    refused('RDBPIPE_PLAN__NIGHTLY__WINDOW: window: "x" is no window, such as '
            '02:00-08:00 or 22:30-04:00',
            env={"RDBPIPE_PLAN__NIGHTLY__WINDOW": "x"})
    refused("RDBPIPE_PLAN__NIGHTLY: is not RDBPIPE_PLAN__NAME__KEY",
            env={"RDBPIPE_PLAN__NIGHTLY": "x"})
    refused("RDBPIPE_STORE__A_B__CA: could be for [store a-b] or [store a.b]",
            text="[store a-b]\nurl=/a\n[store a.b]\nurl=/b\n",
            env={"RDBPIPE_STORE__A_B__CA": "/x"})
    refused("RDBPIPE_PLAN__P__INSTANCE: [plan p] instance: there is no "
            "[instance q]", env={"RDBPIPE_PLAN__P__INSTANCE": "q"})
    refused("--set plan.nightly.window: window is given twice, first at --set "
            "plan.nightly.window", "--set", "plan.nightly.window=01:00-02:00",
            "--set", "plan.nightly.window=01:00-02:00")
    for word in "window=1", "plan.window=1", "plan.nightly", "job.x.y=1":
        refused(f"--set {word.split('=')[0]}: is not SECTION.NAME.KEY=VALUE, "
                "such as plan.nightly.window=01:00-03:00", "--set", word)


def test_files():
    result = programs.run("rdbpipe", "config", "show", "--config",
                          FOLDER + "/none")
    equal(result.code, 3)
    holds("cannot open " + FOLDER + "/none", result.err)
    result = programs.run("rdbpipe", "config", "show", "--config", FOLDER)
    equal(result.code, 2)
    holds("is a directory", result.err)
    with open(PATH, "w") as f:
        f.write(GOOD)
    os.chmod(PATH, 0o666)
    refused(f"{PATH}: anybody can write to it, and the commands in it are run")
    os.chmod(PATH, 0o600)
    by_variable = programs.run("rdbpipe", "config", "show",
                               env={"RDBPIPE_CONFIG": PATH}).good()
    equal(by_variable.out, show().good().out)
    bom = show(text="\ufeff" + GOOD).good()
    equal(bom.out, by_variable.out)
    equal(show(text=GOOD.replace("\n", "\r\n")).good().out, by_variable.out)


def test_names_for_urls():
    """`backup INSTANCE`: server, options and store are those configured."""
    with Scratch() as s:
        with open(PATH, "w") as f:
            f.write(f"[store main]\nurl = {s.store}\n[store other]\n"
                    "url = /nowhere\n[instance cache]\nurl = "
                    "redis://:sesame@127.0.0.1:1\nstore = main\n"
                    "user = joe\ntls-insecure = yes\ntimeout = 9s\n")
        env = {"RDBPIPE_CONFIG": PATH, "RDBPIPE_STORE": ""}
        dry = s.run("backup", "cache", "--dry-run", **env).good()
        holds("rdb-capture --user joe --timeout 9s --tls-insecure "
              "redis://127.0.0.1:1", dry.out)
        equal(b"sesame" in dry.out + dry.err, False)
        made = s.run("backup", "cache", "--timeout", "5s", **env).good()
        equal([f.split("/")[0] for f in s.files()], ["cache", "cache"])
        holds("rdb-capture --user joe --timeout 5s", made.err)
        env["RDBPIPE_STORE"] = "main"
        holds("cache", s.run("list", **env).good().out)
        equal(s.run("list", "--store", "other", **env).good().out.count(b"\n"),
              1)
        holds("rdb-restore", s.run("clone", "cache/latest", "--to", "cache",
                                   "--dry-run", **env).good().out)
        result = s.run("backup", "cash", **env)
        equal(result.code, 2)
        equal(blame(result), "rdbpipe: 'cash' is no URL of a server, and: "
              "there is no [instance cash]; there are cache")


if __name__ == "__main__":
    cases.main()
