"""Instances with plans, and programs that make their backups quickly: for
tests of what is made when, and by whom.  The windows are real: they have just
closed, or are open."""

import datetime
import json
import os
import subprocess

from chain.scratch import Scratch
from chain.standin import FACTS
from harness import programs

SINK = r"""
go=$(head -c 3 <&4) ; [ "$go" = go ] || { echo called off >&2; exit 1; }
for last; do :; done
mkdir -p "${last%/*}" && set -C && cat "$0.$$" > "$last" || exit 4
rm -f "$0.$$"
"""


def quick(name, nap):
    """A stand-in for a program that only does well, in sh; slow where much can
    happen meanwhile: before there is anything, and when all but the manifest
    is there."""
    facts = "".join(f"{k} {v}\n" for k, v in FACTS[name].items())
    raw, stored = "R" * 3000, "Z" * 1000
    product = {"rdb-compress": stored, "cos-put": ""}.get(name, raw)
    take = {"rdb-capture": "", "cos-put": 'cat > "$0.$$"'}.get(
        name, "cat > /dev/null")
    give = SINK if name == "cos-put" else f"printf %s '{product}'"
    if name in ("rdb-capture", "cos-put"):
        give += f"\nsleep {nap}"
    return f"#!/bin/sh\n{take}\n{give}\nprintf '{facts}exit 0\n' >&3\n"


def clock(seconds):
    """HH:MM (UTC) so long from now."""
    then = datetime.datetime.now(datetime.timezone.utc) + \
        datetime.timedelta(seconds=seconds)
    return then.strftime("%H:%M")


CLOSED = f"{clock(-3 * 3600)}-{clock(-3600)}"    # is made up for, late
OPEN = f"{clock(-20 * 3600)}-{clock(3 * 3600)}"  # its start is over


class Auto(Scratch):
    """Instances, and plans for them."""

    def __init__(self, instances=("cache",), window=CLOSED, fast=True,
                 plan="", environment=None, sink=True, nap=0):
        self.instances, self.window, self.fast = instances, window, fast
        self.plan, self.more, self.sink = plan, environment or {}, sink
        self.nap = nap

    def __enter__(self):
        super().__enter__()
        self.config = os.path.join(self.folder, "rdbpipe.conf")
        self.write(self.plan)
        for name in os.listdir(self.bin) if self.fast else []:
            path = os.path.join(self.bin, name)
            if name in FACTS and name not in ("cos-get", "rdb-restore",
                                              "rdb-decompress"):
                with open(path, "w") as f:
                    f.write(quick(name, self.nap))
        if not self.sink:
            self.real_sink()
        return self

    def real_sink(self):
        """The sink is the real one, so it gets a real zstd file."""
        os.remove(os.path.join(self.bin, "cos-put"))
        made = programs.run("/usr/bin/zstd", "-c", input=b"R" * 3000).good()
        path = os.path.join(self.folder, "stored")
        with open(path, "wb") as f:
            f.write(made.out)
        path = os.path.join(self.bin, "rdb-compress")
        with open(path) as f:
            text = f.read().replace("printf %s '" + "Z" * 1000 + "'",
                                    f"cat {self.folder}/stored")
        with open(path, "w") as f:
            f.write(text.replace("bytes-out 1000",
                                 f"bytes-out {len(made.out)}"))

    def write(self, plan):
        text = "".join(f"[instance {n}]\nurl = redis://127.0.0.1:1\n"
                       for n in self.instances)
        with open(self.config, "w") as f:
            f.write(f"{text}[plan p]\ninstance = *\n"
                    f"window = {self.window}\n{plan}")

    def environment(self, orders=""):
        return {**super().environment(orders), "RDBPIPE_CONFIG": self.config,
                **self.more}

    def auto(self, *words, **more):
        return self.run("auto", *words, **more)

    def start(self, *words, orders=""):
        """In a session of its own, so that all of it can be killed."""
        return subprocess.Popen(
            [programs.path("rdbpipe"), "auto", *words],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            start_new_session=True,
            env=programs.environment(**self.environment(orders)))

    def backups(self, *words):
        out = self.run("list", "--all", "--format", "json", *words).good().out
        return json.loads(out)["backups"]

    def states(self):
        return [b["state"] for b in self.backups()]

    def locks(self):
        return [f for f in self.files() if "/lock-" in f or "/clock-" in f]
