#!/usr/bin/env python3
"""Goal of this test: `list` filters by type, state and time, shows what
expires and how deep it was verified, and answers as TencentDB's
DescribeInstanceBackups does, field by field."""

import json
import os
import re
import shutil
import sys
import time
import urllib.request
from datetime import datetime, timedelta

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))

from chain.scratch import blame                                 # noqa: E402
from chain.test_catalogue import A1, A2, A3, Store, reseal      # noqa: E402
from harness import cases, programs, stores                     # noqa: E402
from harness.cases import equal, holds                          # noqa: E402

A4 = "20260104T000000Z-auto"
A5 = "20260105T120000Z-manual"


class Five(Store):
    """A1 good, A2 suspect, A3 broken, A4 unfinished, A5 good with all that can
    be said."""

    def __enter__(self):
        super().__enter__()
        self.paths = {n: self.add("cache", n) for n in (A1, A2, A3, A4, A5)}
        reseal(self.paths[A2],
               lambda t: t.replace('"complete"', '"suspect"'))
        with open(self.paths[A3], "a") as f:
            f.write("x")
        os.remove(self.paths[A4])
        self.change(A5, '"expires": null',
                    '"expires": "2999-01-02T03:04:05.678Z"')
        self.change(A5, '"remark": null', '"remark": "before \\u00e4"')
        self.change(A5, r'"started": ".*"',
                    '"started": "2026-01-05T12:00:00.500Z"')
        self.change(A5, r'"finished": ".*"',
                    '"finished": "2026-01-05T12:01:09.999Z"')
        return self

    def change(self, name, pattern, text):
        def put(old):
            new, count = re.subn(pattern, lambda _: text, old)
            equal(count > 0, True, pattern)
            return new
        reseal(self.paths[name], put)

    def found(self, *words):
        return [b["id"] for b in self.listed(*words)["backups"]]

    def theirs(self, *words):
        out = self.run("list", "--format", "tencentdb", *words).good().out
        return json.loads(out)


def test_filters():
    with Five() as s:
        equal(s.found(), [A1, A2, A3, A5])
        equal(s.found("--type", "auto"), [A1, A3])
        equal(s.found("--type", "manual", "--all"), [A2, A5])
        equal(s.found("--state", "complete"), [A1, A5])
        equal(s.found("--state", "suspect"), [A2])
        equal(s.found("--state", "broken"), [A3])
        equal(s.found("--state", "unfinished"), [A4])
        equal(s.found("--since", "2026-01-02", "--all"), [A2, A3, A4, A5])
        equal(s.found("--since", "2026-01-02T00:00:00.001Z"), [A3, A5])
        equal(s.found("--until", "2026-01-03"), [A1, A2])
        equal(s.found("--until", "2026-01-05 12:00", "--since",
                      "2026-01-03T00:00Z"), [A3])
        equal(s.found("--type", "auto", "--state", "suspect"), [])
        # What is filtered away is not counted either.
        equal(s.listed("--until", "2026-01-02")["broken"], 0)
        result = s.run("list", "--state", "unfinished").good()
        equal(result.err, b"rdbpipe: 1 broken manifest\n")
        for option in "--since", "--until":
            for text in "yesterday", "2026-13-01", "2026-01-01T00", "":
                result = s.run("list", option, text)
                equal((result.code, blame(result)), (
                    2, f"rdbpipe: {option} wants a time (UTC) such as "
                    f"2026-11-22 or 2026-11-22T02:03Z, not '{text}'"))
        equal(s.run("list", "--type", "both").code, 2)


def test_columns():
    with Five() as s:
        s.run("hold", A1).good()
        lines = s.run("list").good().out.decode().splitlines()
        equal(lines[0].split(), ["ID", "INSTANCE", "TYPE", "STATE", "RAW",
                                 "STORED", "KEYS", "STARTED", "TOOK",
                                 "EXPIRES", "VERIFIED", "REMARK"])
        rows = {line.split()[0]: re.split("  +", line) for line in lines}
        equal(rows[A1][9:], ["held", "frame"])
        equal(rows[A2][3], "suspect")
        equal(rows[A3][4:11], ["-"] * 7)
        equal(rows[A5][7:], ["2026-01-05T12:00:00Z", "1m09s",
                             "2999-01-02T03:04:05Z", "frame", "before ä"])
        found = {b["id"]: b for b in s.listed()["backups"]}
        equal(found[A5]["verified"], "frame")
        equal(found[A3]["verified"], None)
        equal((found[A1]["hold"], found[A5]["hold"]), (True, False))
        equal(found[A5]["expires"], "2999-01-02T03:04:05.678Z")


FIELDS = ["StartTime", "EndTime", "BackupId", "BackupType", "Status",
          "Remark", "Locked", "BackupSize", "FullBackup", "InstanceType",
          "InstanceId", "InstanceName", "Region", "FileType", "ExpireTime",
          "Encrypted"]


def test_tencentdb_fields():
    with Five() as s:
        ours = {b["id"]: b for b in s.listed()["backups"]}
        answer = s.theirs()
        equal(list(answer), ["TotalCount", "BackupSet", "RequestId"])
        equal(answer["TotalCount"], 4)
        holds("4", re.sub(r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", "4",
                          answer["RequestId"]))
        equal(answer["RequestId"] == s.theirs()["RequestId"], False)
        for b in answer["BackupSet"]:
            equal(list(b), FIELDS)
        b = answer["BackupSet"][3]
        equal(b, {
            "StartTime": "2026-01-05 12:00:00",
            "EndTime": "2026-01-05 12:01:09",
            "BackupId": A5, "BackupType": "0", "Status": 2,
            "Remark": "before ä", "Locked": 0,
            "BackupSize": ours[A5]["stored-bytes"], "FullBackup": 0,
            "InstanceType": 0, "InstanceId": "cache",
            "InstanceName": "cache", "Region": "",
            "FileType": "RDB-Redis 7.0",
            "ExpireTime": "2999-01-02 03:04:05", "Encrypted": False})
        equal([b["BackupType"] for b in answer["BackupSet"]],
              ["1", "0", "1", "0"])


def test_tencentdb_states():
    with Five() as s:
        def statuses(*words):
            return {b["BackupId"]: b["Status"]
                    for b in s.theirs("--all", *words)["BackupSet"]}
        equal(statuses(), {A1: 2, A2: -2, A3: -2, A4: 1, A5: 2})
        s.change(A5, '"2999', '"2026')
        equal(statuses()[A5], -1)
        equal(statuses("--state", "complete"), {A1: 2, A5: -1})
        s.run("hold", A1).good()
        equal([b["Locked"] for b in s.theirs()["BackupSet"]], [1, 0, 0, 0])
        rest = {b["BackupId"]: b for b in s.theirs("--all")["BackupSet"]}
        for name, start in ((A3, "2026-01-03 00:00:00"),
                            (A4, "2026-01-04 00:00:00")):
            equal([rest[name][k] for k in ("StartTime", "EndTime", "Remark",
                                           "BackupSize", "FileType",
                                           "ExpireTime", "Encrypted")],
                  [start, "", "", 0, "", "", False])


@cases.each(("valkey", "8.1.2", "RDB-Valkey 8.1"), ("redis", "255.255.255",
            "RDB-Redis 255.255"), ("redis", "unknown", "RDB-Redis"))
def test_tencentdb_file_type(engine, version, want):
    with Five() as s:
        s.change(A5, r'"engine": ".*"', f'"engine": "{engine}"')
        s.change(A5, r'\n  "version": ".*"', f'\n  "version": "{version}"')
        s.change(A5, r'"name": "shard-0000.rdb.zst"',
                 '"name": "shard-0000.rdb.zst.age"')
        b = s.theirs()["BackupSet"][3]
        equal((b["FileType"], b["Encrypted"]), (want, True))


def test_tencentdb_region():
    with Five() as s, stores.Double() as store:
        with open(s.paths[A1], "rb") as f:
            programs.run("cos-put", "--trust-eof",
                         store.url(f"b/cache/{A1}/manifest.json"),
                         input=f.read(), env=store.env()).good()
        out = programs.run("rdbpipe", "list", "--format", "tencentdb",
                           "--store", store.url("b/"), env=store.env())
        equal(json.loads(out.good().out)["BackupSet"][0]["Region"],
              store.REGION)


def test_tencentdb_urls():
    """DescribeBackupUrl: both names, which both are signed."""
    with Five() as s, stores.Double() as store:
        for file in "manifest.json", "shard-0000.rdb.zst":
            with open(s.path("cache", A1, file), "rb") as f:
                data = f.read()
            programs.run("cos-put", "--trust-eof",
                         store.url(f"b/cache/{A1}/{file}"), input=data,
                         env=store.env()).good()

        def url(*words, where=store.url("b/")):
            return programs.run("rdbpipe", "url", A1, "--format", "tencentdb",
                                "--store", where, *words, env=store.env())
        answer = json.loads(url().good().out)
        equal(list(answer), ["DownloadUrl", "InnerDownloadUrl", "Filenames",
                             "BackupInfos", "RequestId"])
        info, = answer["BackupInfos"]
        equal(list(info), ["FileName", "FileSize", "DownloadUrl",
                           "InnerDownloadUrl"])
        equal((info["FileName"], info["FileSize"]),
              ("shard-0000.rdb.zst", len(data)))
        equal([answer["DownloadUrl"], answer["InnerDownloadUrl"],
               answer["Filenames"]],
              [[info["DownloadUrl"]], [info["InnerDownloadUrl"]],
               [info["FileName"]]])
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(info["DownloadUrl"], timeout=60) as reply:
            equal(reply.read(), data)
        for words in ["--private"], ["--curl"]:
            result = url(*words)
            equal((result.code, blame(result)), (
                2, "rdbpipe: --format tencentdb has both names; neither "
                "--private nor --curl go with it"))
        equal(url(where=s.store).code, 2)       # folders have no addresses


def test_ten_thousand():
    """The whole list in less than three seconds, in bounded memory."""
    count = 10000 if programs.SOAK else 500
    with Store() as s:
        path = s.add("cache", A1)
        with open(path, "rb") as f:
            text = f.read()
        shutil.rmtree(os.path.dirname(path))
        for n in range(count):
            name = (datetime(2026, 2, 1) + timedelta(minutes=n)).strftime(
                "%Y%m%dT%H%M%SZ-auto")
            folder = s.path("cache", name)
            os.makedirs(folder, exist_ok=True)
            with open(os.path.join(folder, "manifest.json"), "wb") as f:
                f.write(text)
        began = time.monotonic()
        found = s.listed()
        took = time.monotonic() - began
        # They are all in the wrong place, which is found out by reading them.
        equal((len(found["backups"]), found["broken"]),
              (count, count))
        equal(took < 3, True, f"{took:.1f} s for {len(found['backups'])}")


if __name__ == "__main__":
    cases.main()
