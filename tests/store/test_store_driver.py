#!/usr/bin/env python3
"""Goal of this test: rdbpipe over object stores: backup, list, show, verify,
clone, url, against the double of COS and against Swift; also while the store
is ill, and encrypted with a key of our own; and a restore without a program of
ours."""

import base64
import hashlib
import os
import ssl
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))

from stored import silent_about  # noqa: E402
from harness import cases, certs, data, programs, servers, stores  # noqa: E402
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


@each("option", "environment")
def test_customers_key(how):
    """A key of our own encrypts all there is (SSE-C); its file is named to
    the programs, and the key itself to nobody but the store."""
    path = os.path.join(SCRATCH, "key")
    key = os.urandom(32).hex()
    with open(path, "w") as file:
        file.write(key + "\n")
    made = certs.Certs(os.path.join(SCRATCH, f"certs-{how}"))
    words = ("--customer-key", path) if how == "option" else ()
    more = {} if words else {"RDBPIPE_STORE_KEY": path}
    with stores.Double(tls=made) as store, servers.Server() as target:
        env = store.env(RDBPIPE_STORE=store.url("p"),
                        RDBPIPE_STORE_CA=made.ca)

        def ask(verb, *rest, **less):
            result = programs.run("rdbpipe", verb, *words, *rest,
                                  env={**env, **more, **less}, timeout=500)
            silent_about([store.SECRET, key], result)
            return result
        line = ask("backup", source().url(), "--instance", "c", "-n").good()
        equal(b" --customer-key " in line.out, how == "option")
        ident = ask("backup", source().url(), "--instance",
                    "c").good().out.decode().strip()
        equal({"x-cos-server-side-encryption-customer-algorithm" in
               o["headers"] for o in store.ask("objects")}, {True})
        for verb in ("list", "show", "verify"):
            ask(verb, *(() if verb == "list" else ("latest",))).good()
        ask("clone", "latest", "--to", target.url(), "--prove").good()
        equal(target.digest(), source().digest())
        address(store, made, ask, key)
        # Without the key, or with another, there is nothing to be had.
        bare = programs.run("rdbpipe", "verify", f"c/{ident}", env=env)
        equal(bare.code, 4, f"{bare.err}")
        with open(path, "w") as file:
            file.write(os.urandom(32).hex())
        equal(ask("verify", f"c/{ident}").code, 4)


def address(store, made, ask, key):
    """Signed for who sends the key's headers; the key is not in it."""
    result = ask("url", "latest").good()
    holds("must send the headers", result.err)
    url = result.out.decode().strip()
    raw, name = bytes.fromhex(key), "x-cos-server-side-encryption-customer-"
    request = urllib.request.Request(url, headers={
        name + "algorithm": "AES256",
        name + "key": base64.b64encode(raw).decode(),
        name + "key-md5": base64.b64encode(
            hashlib.md5(raw).digest()).decode()})
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(
            context=ssl.create_default_context(cafile=made.ca)))
    with opener.open(request, timeout=60) as reply:
        packed = reply.read()
    stored = next(k for k in store.objects() if k.endswith(".zst"))
    equal(packed, store.content(stored))
    try:
        opener.open(url, timeout=60)
        equal("opened", "refused")
    except urllib.error.HTTPError as refused:
        with refused:
            equal(refused.code, 403)
    refused = ask("url", "latest", "--curl")
    equal(refused.code, 2)
    holds("would hold that key", refused.err)


def test_customers_key_is_for_object_stores():
    path = os.path.join(SCRATCH, "key-1")
    with open(path, "wb") as file:
        file.write(bytes(32))
    result = programs.run("rdbpipe", "list", "--customer-key", path,
                          "--store", SCRATCH)
    equal(result.code, 2)
    holds("for cos:// and s3:// only", result.err)
    url = "cos://b-1/?endpoint=http://127.0.0.1:1"
    for lines, words in ((b"short", "32 bytes, or 64 hex digits"),
                         (bytes(32), "only sent over https")):
        with open(path, "wb") as file:
            file.write(lines)
        result = programs.run("rdbpipe", "list", "--customer-key", path,
                              "--store", url, env=stores.Double.env(
                                  stores.Double))
        equal((result.code, result.err.count(b"\n")), (2, 1))
        holds(words, result.err)


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
    cases.main()
