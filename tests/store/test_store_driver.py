#!/usr/bin/env python3
"""Goal of this test: rdbpipe over object stores: backup, list, show, verify,
clone, url, against the double of COS and against Swift; also while the store
is ill; and a restore without a program of ours."""

import os
import subprocess
import sys
import tempfile
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))

from stored import silent_about  # noqa: E402
from harness import cases, data, programs, servers, stores  # noqa: E402
from harness.cases import each, equal, holds  # noqa: E402

SCRATCH = tempfile.mkdtemp(prefix="test-driver-")
programs.at_exit_remove(SCRATCH)
_made = {}


def store_of(kind):
    if kind not in _made:
        _made[kind] = stores.Double() if kind == "cos" else stores.Swift()
    if kind == "cos":
        _made[kind].ask("calm")
    return _made[kind]


def source():
    if "source" not in _made:
        _made["source"] = servers.Server()
        data.fill(_made["source"], keys=2000)
        for n in range(40):
            data.big_string(_made["source"], f"big:{n}", 1 << 19, seed=n)
    return _made["source"]


def driver(store, *words, prefix="backups/"):
    result = programs.run("rdbpipe", words[0], "--store", store.url(prefix),
                          *words[1:], env=store.env(), timeout=500)
    silent_about([store.SECRET], result)
    return result


def keys(store):
    return sorted(store.objects())


@each("cos", "s3")
def test_there_and_back(kind):
    store = store_of(kind)
    url = source().url()
    driver(store, "backup", url, "--instance", "cache").good()
    found = [k for k in keys(store) if k.startswith("backups/cache/")]
    equal([k.split("/")[-1] for k in found if "lock" not in k],
          ["manifest.json", "shard-0000.rdb.zst"])
    equal(store.uploads(), [])
    listed = driver(store, "list").good().out
    holds("cache", listed)
    shown = driver(store, "show", "latest").good().out
    holds("shard-0000.rdb.zst", shown)
    driver(store, "verify", "latest").good()
    with servers.Server() as target:
        driver(store, "clone", "latest", "--to", target.url(),
               "--prove").good()
        equal(target.digest(), source().digest())


@each("cos", "s3")
def test_url(kind):
    """With nothing but an address, zstd and the server's own checker."""
    store = store_of(kind)
    driver(store, "backup", source().url(), "--instance", "bare").good()
    url = driver(store, "url", "bare/latest").good().out.decode().strip()
    url = next(w for w in url.split() if w.startswith("http"))
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=60) as reply:
        packed = reply.read()
    path = os.path.join(SCRATCH, "bare.rdb")
    with open(path, "wb") as file:
        subprocess.run(["zstd", "-q", "-d", "-c"], input=packed, stdout=file,
                       check=True)
    with servers.Server(rdb=path) as target:
        equal(target.digest(), source().digest())


def test_among_faults():
    """One request in ten meets something; the backup is good all the same."""
    store = store_of("cos")
    for seed in range(20 if programs.SOAK else 3):
        store.ask("dice", rate=0.1, seed=seed)
        driver(store, "backup", source().url(), "--instance", "ill",
               prefix="ill/").good()
        driver(store, "verify", "ill/latest", prefix="ill/").good()
        driver(store, "list", prefix="ill/").good()
        store.ask("calm")
        equal(store.uploads(), [])
    kinds = store.ask("stats")["faults"]
    equal(sum(kinds.values()) > 3, True, f"{kinds}")


def test_store_dies():
    """It refuses everything from some point on: no backup, one error."""
    store = store_of("cos")
    for op in ("PutObject", "UploadPart", "CompleteMultipartUpload"):
        store.ask("calm")
        store.fault("error", op=op, status=403, code="AccessDenied", times=0,
                    message="Access Denied.", key="dead/")
        result = driver(store, "backup", source().url(), "--instance", "x",
                        prefix="dead/")
        if op == "PutObject" or result.code != 0:
            equal(result.code, 4, f"{op}: {result.err}")
            holds("AccessDenied", result.err)
        store.ask("calm")
        equal([k for k in keys(store) if k.startswith("dead/") and
               k.endswith("manifest.json")] if result.code else [], [])
        equal(store.uploads(), [], op)


def test_damaged_in_the_store():
    """A byte of the object is another: verify says so, clone does not."""
    store = store_of("cos")
    driver(store, "backup", source().url(), "--instance", "c",
           prefix="hurt/").good()
    driver(store, "verify", "c/latest", prefix="hurt/").good()
    store.fault("corrupt", op="GetObject", key=".rdb.zst", at=4000, times=0)
    result = driver(store, "verify", "c/latest", prefix="hurt/")
    equal(result.code, 1, f"{result.err}")
    with servers.Server() as target:
        result = driver(store, "clone", "c/latest", "--to", target.url(),
                        prefix="hurt/")
        equal(result.code != 0, True, f"{result.err}")
    store.ask("calm")


if __name__ == "__main__":
    cases.soak_only("object stores end to end take their time")
    cases.main()
