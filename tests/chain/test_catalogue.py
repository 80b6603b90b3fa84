#!/usr/bin/env python3
"""Goal: the backup list comes from the store alone; a broken manifest is
listed as broken, with its reason, and hides no other; a backup is found by
what people type, or the candidates are named."""

import json
import os
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from chain.scratch import Scratch, blame                        # noqa: E402
from harness import cases, programs                             # noqa: E402
from harness.cases import equal, holds                          # noqa: E402


def reseal(path, change):
    """Change a manifest and make its seal right again."""
    with open(path) as f:
        lines = change(f.read()).split("\n")
    body = "\n".join(lines[:-3]) + "\n"
    sum128 = programs.run("/usr/bin/xxhsum", "-H128", "-",
                          input=body.encode()).good().out.split()[0].decode()
    with open(path, "w") as f:
        f.write(f'{body}  "checksum": "xxh3-128:{sum128}"\n}}\n')


class Store(Scratch):
    """A store with one backup, and copies of it under other names."""

    def __enter__(self):
        super().__enter__()
        self.backup().good()
        made = os.listdir(os.path.join(self.store, "cache"))[0]
        os.rename(self.path("cache", made), self.path("model"))
        self.made = made
        return self

    def path(self, *parts):
        return os.path.join(self.store, *parts)

    def add(self, instance, name):
        os.makedirs(self.path(instance), exist_ok=True)
        shutil.copytree(self.path("model"), self.path(instance, name))
        reseal(self.path(instance, name, "manifest.json"),
               lambda text: text.replace(self.made, name)
               .replace('"cache"', f'"{instance}"'))
        return self.path(instance, name, "manifest.json")

    def listed(self, *words):
        return json.loads(self.run("list", "--format", "json",
                                   *words).good().out)


A1 = "20260101T000000Z-auto"
A2 = "20260102T000000Z-manual"
A3 = "20260103T000000Z-auto"


def test_empty():
    with Scratch() as s:
        result = s.run("list").good()
        equal(result.err, b"")
        holds("ID  INSTANCE", result.out)
        equal(json.loads(s.run("list", "--format", "json").good().out),
              {"format": 1, "backups": [], "broken": 0, "unfinished": 0})
        result = s.run("show", "latest")
        equal(result.code, 2)
        holds('no good backup found for "latest"', result.err)


def test_broken_hides_nothing():
    """One manifest damaged in every way there is, beside two good ones."""
    def write(path, data):
        with open(path, "wb") as f:
            f.write(data)
    ways = [
        (lambda p, d: write(p, d.replace(b"7.0.15", b"7.0.16")),
         "checksum is wrong: the file was changed or damaged"),
        (lambda p, d: write(p, d[:len(d) // 2]),
         "checksum is missing from the end of the file"),
        (lambda p, d: write(p, b""), "too short, 0 bytes"),
        (lambda p, d: write(p, b"\0" * 20_000_000),
         "longer than 16777216 bytes"),
        (lambda p, d: reseal(p, lambda t: t.replace('"hold": false',
                                                    '"hold": "no"')),
         "hold is not true or false"),
        (lambda p, d: reseal(p, lambda t: t.replace(A2, A3)),
         f"is that of alpha/{A3}, in the wrong place"),
        (lambda p, d: (os.remove(p), os.mkdir(p),
                       open(os.path.join(p, "x"), "w").close()), None),
    ]
    for break_it, reason in ways:
        with Store() as s:
            s.add("alpha", A1)
            path = s.add("alpha", A2)
            s.add("alpha", A3)
            with open(path, "rb") as f:
                data = f.read()
            break_it(path, data)
            rows = {r["id"]: r for r in s.listed()["backups"]}
            equal([rows[i]["state"] for i in (A1, A3)], ["complete"] * 2)
            if reason is None:
                continue
            equal((rows[A2]["state"], rows[A2]["reason"]),
                  ("broken", reason))
            result = s.run("list").good()
            holds(f"{A2}  alpha     manual  broken", result.out)
            holds(reason, result.out)
            holds("rdbpipe: 1 broken manifest", result.err)
            for verb in (["show", A2], ["verify", A2],
                         ["clone", A2, "--to", "redis://h"]):
                result = s.run(*verb)
                equal(result.code, 1, verb)
                holds(f"manifest of alpha/{A2}: {reason}",
                      result.err + result.out)
            holds("good, 5 keys", s.run("verify", A1).good().out)


def test_unreadable():
    if os.geteuid() == 0:
        cases.skip("root reads everything")
    with Store() as s:
        os.chmod(s.add("alpha", A1), 0)
        rows = s.listed()["backups"]
        equal(rows[0]["state"], "broken")
        holds("permission denied", rows[0]["reason"])


def test_unfinished():
    with Store() as s:
        s.add("alpha", A1)
        os.remove(s.add("alpha", A2))
        os.remove(s.add("alpha", A3))
        result = s.run("list").good()
        holds("2 unfinished attempts without a manifest, see --all",
              result.err)
        equal(result.out.count(b"\n"), 2)
        found = s.listed("--all")
        equal([r["state"] for r in found["backups"]],
              ["complete", "unfinished", "unfinished"])
        equal(found["unfinished"], 2)
        equal(s.run("list", "--all").good().out.count(b"no manifest"), 2)
        equal(json.loads(s.run("show", "latest", "--format", "json",
                               "--instance", "alpha").good().out)["id"], A1)


def test_strangers_are_left_alone():
    with Store() as s:
        s.add("alpha", A1)
        os.makedirs(s.path("alpha", "not-an-id"))
        os.makedirs(s.path(".hidden", A1))
        for file in "alpha/lock", "alpha/not-an-id/x", f".hidden/{A1}/x":
            open(s.path(file), "w").close()
        found = s.listed("--all")
        equal([r["id"] for r in found["backups"]], [A1])


def test_order_and_filter():
    with Store() as s:
        for instance, name in [("beta", A1), ("alpha", A3), ("alpha", A1)]:
            s.add(instance, name)
        equal([(r["instance"], r["id"]) for r in s.listed()["backups"]],
              [("alpha", A1), ("alpha", A3), ("beta", A1)])
        equal([r["type"] for r in s.listed("--instance", "beta")["backups"]],
              ["auto"])
        equal(s.listed("--instance", "gamma")["backups"], [])


@cases.each(
    (["20260101"], 0, "alpha/" + A1),
    (["alpha/20260101"], 0, "alpha/" + A1),
    ([A3], 0, "alpha/" + A3),
    (["beta/latest"], 0, "beta/" + A2),
    (["latest", "--instance", "alpha"], 0, "alpha/" + A3),
    (["20260102", "--instance", "beta"], 0, "beta/" + A2),
    (["20260102"], 2, "20260102 could be any of 2 backups: "
     f"alpha/{A2}, beta/{A2}"),
    (["2026", "--instance", "alpha"], 2, "2026 could be any of 3 backups: "
     f"alpha/{A1}, alpha/{A2}, alpha/{A3}"),
    (["latest"], 2, "latest of which instance? there are several, such as "
     "alpha and beta: say --instance or INSTANCE/latest"),
    (["2027"], 2, 'no backup "2027" here'),
    (["x\x1b[31m"], 2, 'no backup "x\\x1b[31m" here'),
    (["gamma/latest"], 2, 'no good backup found for "latest"'),
    (["alpha/" + A1, "--instance", "beta"], 2, "is not of instance beta"),
    (["../" + A1], 2, "a backup is ID or INSTANCE/ID"),
    (["alpha/"], 2, "a backup's id is empty"),
    ([""], 2, "a backup's id is empty"))
def test_finding(words, code, want):
    with Store() as s:
        for instance, name in [("alpha", A1), ("alpha", A2), ("alpha", A3),
                               ("beta", A2)]:
            s.add(instance, name)
        result = s.run("show", "--format", "json", *words)
        equal(result.code, code)
        if code == 0:
            found = json.loads(result.out)
            equal(found["instance"] + "/" + found["id"], want)
        else:
            holds(want, blame(result))


def test_several_are_cut():
    with Store() as s:
        for day in range(1, 20):
            s.add("alpha", f"202602{day:02}T000000Z-auto")
        result = s.run("show", "2026")
        holds("could be any of 19 backups: alpha/20260201", result.err)
        holds(", ...", blame(result))


def test_latest_passes_over():
    with Store() as s:
        s.add("alpha", A1)
        path = s.add("alpha", A2)
        with open(path, "a") as f:
            f.write("x")
        result = s.run("show", "latest").good()
        holds(f"passed over: manifest of alpha/{A2}: checksum is missing",
              result.err)
        holds(A1, result.out)


def test_verify_many():
    """One bad one does not keep the others from being looked at."""
    with Store() as s:
        for name in A1, A2, A3:
            s.add("alpha", name)
        os.remove(s.path("alpha", A2, "shard-0000.rdb.zst"))
        result = s.run("verify", A1, A2, A3)
        equal(result.code, 1)
        equal(result.out.decode().split("\n"),
              [f"alpha/{A1}: good, 5 keys, digest " + "d" * 32,
               f"alpha/{A2}: BAD: object shard-0000.rdb.zst is missing",
               f"alpha/{A3}: good, 5 keys, digest " + "d" * 32, ""])
        holds("1 of 3 backups is not known to be good", blame(result))
        with open(s.path("alpha", A1, "shard-0000.rdb.zst"), "ab") as f:
            f.write(b"x")
        result = s.run("verify", A1, A2)
        holds("BAD: stored bytes: found 1001, not 1000", result.out)
        holds("2 of 2 backups are not known to be good", blame(result))


def test_verify_cannot():
    """What could not be read is no verdict about the data."""
    with Store() as s:
        s.add("alpha", A1)
        result = s.run("verify", A1, orders="cos-get=exit:4")
        equal(result.code, 4)
        holds("not checked: cos-get failed first, with exit status 4", result.out)


def test_set_of_shards():
    """Sets are listed and verified, shard after shard."""
    with Store() as s:
        path = s.add("alpha", A1)

        def double(text):
            begin = text.index("    {\n      \"slots\"")
            end = text.index("\n  ],\n  \"chain\"")
            shard = text[begin:end]
            text = text[:end] + ",\n" + shard.replace(
                "shard-0000", "shard-0001") + text[end:]
            return text.replace('"standalone"', '"cluster"')
        reseal(path, double)
        folder = os.path.dirname(path)
        shutil.copy(folder + "/shard-0000.rdb.zst",
                    folder + "/shard-0001.rdb.zst")
        row = s.listed()["backups"][0]
        equal((row["shards"], row["keys"], row["raw-bytes"]), (2, 10, 6000))
        # Twice ddd...d, modulo 2^128.
        holds("good, 10 keys, digest " + "b" * 31 + "a",
              s.run("verify", A1).good().out)
        holds("redis 7.0.15, cluster", s.run("show", A1).good().out)
        equal(s.run("verify", A1, "--dry-run").good().out.count(b"\n"), 2)
        os.remove(folder + "/shard-0001.rdb.zst")
        holds("object shard-0001.rdb.zst is missing",
              s.run("verify", A1).out)


def test_show():
    with Store() as s:
        path = s.add("alpha", A1)
        shown = s.run("show", A1, "--format", "json").good().out
        with open(path, "rb") as f:
            equal(shown, f.read())
        text = s.run("show", A1).good().out.decode()
        for line in [f"backup       {A1}\n", "started      2",
                     "expires      never\n", "hold         no\n",
                     "keys         5, of which 2 have an expiry\n",
                     "offset       9007199254740993\n",
                     "  bytes      1000 bytes\n",
                     "raw          3000 bytes (2.9 KiB)\n",
                     "databases    0: 3 keys, 2 with an expiry\n",
                     "chain        rdb-capture redis://127.0.0.1:1\n"]:
            holds(line, text)
        assert " \n" not in text


def test_remark_cannot_move_the_cursor():
    with Scratch() as s:
        s.run("backup", "redis://h", "--instance", "i",
              "--remark", "ü\x9b31m").good()
        for verb in ["list"], ["show", "latest"]:
            holds("\\xc2\\x9b31m", s.run(*verb).good().out)
        s.run("backup", "redis://h", "--instance", "i",
              "--remark", "a\x1b[2Jb ü").good()
        for verb in ["list"], ["show", "latest"]:
            out = s.run(*verb).good().out
            assert b"\x1b" not in out
            holds("a\\x1b[2Jb", out)
        equal(s.run("list", "--format", "json").good().out.count(b"\x1b"), 0)


def test_closed_output():
    with Store() as s:
        s.add("alpha", A1)
        result = programs.shell("rdbpipe list > /dev/full",
                                env=s.environment())
        equal(result.code, 3)
        holds("cannot write standard output: no space left", result.err)


if __name__ == "__main__":
    cases.main()
