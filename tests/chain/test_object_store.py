#!/usr/bin/env python3
"""Goal of this test: the driver works on an object store as on a directory: a
backup in the COS double is listed, shown, verified, cloned, and downloaded
from the address that `rdbpipe url` prints; one that fails leaves nothing."""

import hashlib
import os
import signal
import subprocess
import sys
import time
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))

from harness import cases, programs, stores  # noqa: E402
from harness.cases import each, equal, holds  # noqa: E402
from harness.programs import run  # noqa: E402
from harness.servers import Server  # noqa: E402


def backup(server, env, *words):
    return run("rdbpipe", "backup", server.url(), "--instance", "cache",
               *words, env=env)


def fill(server, n=300, size=1000):
    for i in range(n):
        server.call("SET", f"key:{i}", os.urandom(size).hex())


@each("", "some/place", "some/place/")
def test_there_and_back(place):
    with stores.Double() as store, Server() as source, Server() as target:
        fill(source)
        env = store.env(RDBPIPE_STORE=store.url(place))
        ident = backup(source, env).good().out.decode().strip()
        folder = f"{place.rstrip('/')}/cache/{ident}".lstrip("/")
        equal(sorted(store.objects()), [f"{folder}/manifest.json",
                                        f"{folder}/shard-0000.rdb.zst"])
        equal(store.uploads(), [])
        holds("300", run("rdbpipe", "list", env=env).good().out)
        holds("2026" if ident.startswith("2026") else ident[:4],
              run("rdbpipe", "show", "latest", env=env).good().out)
        holds("good, 300 keys",
              run("rdbpipe", "verify", "latest", env=env).good().out)
        holds("equal", run("rdbpipe", "clone", "latest", "--to", target.url(),
                           "--prove", env=env).good().out)
        equal(target.call("DBSIZE"), 300)


def test_download_address():
    with stores.Double() as store, Server() as source:
        fill(source)
        env = store.env(RDBPIPE_STORE=store.url("p"))
        backup(source, env).good()
        said = run("rdbpipe", "url", "latest", "--expires", "10m", env=env)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(said.good().out.decode().strip()) as reply:
            got = reply.read()
        key = [k for k in store.objects() if k.endswith(".zst")][0]
        equal(hashlib.sha256(got).hexdigest(),
              hashlib.sha256(store.content(key)).hexdigest())
        line = run("rdbpipe", "url", "latest", "--curl", env=env).good().out
        holds("curl --fail --output 'cache-2", line)
        holds("-shard-0000.rdb.zst' 'http://127.0.0.1:", line)
        equal(run("rdbpipe", "url", "nothing", env=env).code, 2)


def test_private_address():
    """No request is made for it, so no such bucket need exist; but there must
    be a manifest, so cos-url says what rdbpipe would."""
    with stores.Double() as store:
        said = run("cos-url", "--private",
                   "cos://b-1250000000/x?region=ap-guangzhou",
                   env=store.env()).good()
        holds("https://b-1250000000.cos-internal.ap-guangzhou.tencentcos.cn/x?",
              said.out)
        holds("this address is found in ap-guangzhou only", said.err)


def test_no_address_in_a_directory():
    with Server() as source:
        source.call("SET", "a", "b")
        folder = os.path.join(source.folder, "store")
        env = {"RDBPIPE_STORE": folder}
        backup(source, env).good()
        said = run("rdbpipe", "url", "latest", env=env)
        equal(said.code, 2)
        holds("a directory has no addresses to hand out", said.err)
        said = run("cos-ls", "--uploads", folder)
        equal(said.code, 2)
        holds("a directory has no unfinished uploads", said.err)


@each("PutObject", "CompleteMultipartUpload")
def test_refused_is_nothing(op):
    """A store that refuses to the end: an error, no object, no upload."""
    with stores.Double() as store, Server() as source:
        fill(source, 300 if op == "PutObject" else 12000, 1000)
        env = store.env(RDBPIPE_STORE=store.url("p"))
        store.ask("key", id="AKIDreader", secret="rsecret",
                  may=["HeadObject", "GetObject", "ListObjects"])
        env.update(TENCENTCLOUD_SECRET_ID="AKIDreader",
                   TENCENTCLOUD_SECRET_KEY="rsecret")
        said = backup(source, env)
        equal(said.code, 4)
        holds("AccessDenied", said.err)
        equal((store.objects(), store.uploads()), ({}, []))


def test_told_to_end():
    """SIGTERM while parts are under way: the upload is gone when it ends."""
    with stores.Double() as store, Server() as source:
        fill(source, 30000, 1000)
        env = store.env(RDBPIPE_STORE=store.url("p"))
        store.fault("stall", op="UploadPart", times=100)
        with subprocess.Popen(
                [programs.path("rdbpipe"), "backup", source.url(),
                 "--instance", "cache"], env=programs.environment(**env),
                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                preexec_fn=programs.die_with_parent) as child:
            deadline = time.monotonic() + 30
            while not store.uploads() and time.monotonic() < deadline:
                time.sleep(0.05)
            equal(len(store.uploads()), 1, "uploads under way")
            store.ask("calm")
            child.send_signal(signal.SIGTERM)
            child.stderr.read()
            equal(child.wait(60), 143)
        equal((store.objects(), store.uploads()), ({}, []))


if __name__ == "__main__":
    cases.main()
