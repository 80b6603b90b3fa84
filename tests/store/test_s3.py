#!/usr/bin/env python3
"""Goal of this test: cos-put, cos-get, cos-ls, cos-rm and cos-url against a
real S3 server that checks signatures, OpenStack Swift; what we wrote is read
by clients that are not ours, and the other way round.

RDBPIPE_SOAK=1: 5 GiB there and back.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))

from stored import (MIB, digest_of, facts, rdb, said, sha256,  # noqa: E402
                    silent_about, source, stream)
from harness import cases, programs, stores  # noqa: E402
from harness.cases import each, equal, holds  # noqa: E402
from harness.programs import SOAK, run  # noqa: E402

SCRATCH = tempfile.mkdtemp(prefix="test-s3-")
programs.at_exit_remove(SCRATCH)
SMALL = ("--part-size", "5M")
_made = {}


def swift():
    if "swift" not in _made:
        _made["swift"] = stores.Swift()
    return _made["swift"]


def data(size):
    if size not in _made:
        _made[size] = stream(size)
    return _made[size]


def put(store, key, content, *words, **url):
    return run("cos-put", store.url(key, **url), *words, input=content,
               env=store.env())


def get(store, key, *words, **url):
    return run("cos-get", store.url(key, **url), *words, env=store.env())


def clean(store):
    equal(store.uploads(), [], "uploads left open")


# --- there and back ---

@each((len(rdb()), False), (5 * MIB, False), (5 * MIB + 1, True),
      (17 * MIB, True))
def test_there_and_back(size, parts):
    store = swift()
    content = rdb() if size < MIB else data(size)
    result, learnt = facts("cos-put", store.url("k"), *SMALL, input=content,
                           env=store.env())
    result.good()
    equal(int(learnt["parts"]) > 0, parts)
    equal(store.objects()["k"], len(content))
    for words in ((), ("--range-size", "1M")):
        equal(sha256(get(store, "k", *words).good().out), sha256(content))
    clean(store)


def test_settings_from_the_config_file():
    """Where AWS's own tools look for what the URL does not say."""
    store = swift()
    path = os.path.join(SCRATCH, "aws-config")
    with open(path, "w") as file:
        file.write(f"[profile p]\nregion = {store.REGION}\n"
                   f"services = s\n[services s]\ns3 =\n"
                   f"  endpoint_url = {store.endpoint}\n")
    env = store.env(AWS_CONFIG_FILE=path, AWS_PROFILE="p")
    run("cos-put", f"s3://{store.BUCKET}/config", input=rdb(), env=env).good()
    equal(store.objects()["config"], len(rdb()))
    equal(run("cos-get", f"s3://{store.BUCKET}/config", env=env).good().out,
          rdb())


@each("a b+c%25&d=e", "%D0%BA/%D0%BB", "x~*'()!:;,@$")
def test_odd_keys(name):
    store = swift()
    put(store, name, rdb()).good()
    equal(get(store, name).good().out, rdb())
    listed = run("cos-ls", "--format", "json", store.url(),
                 env=store.env()).good().out.splitlines()
    equal(urllib.parse.unquote(name) in
          [json.loads(line)["key"] for line in listed], True)
    run("cos-rm", store.url(name), env=store.env()).good()
    equal(urllib.parse.unquote(name) in store.objects(), False)


def test_ls():
    store = swift()
    for name in ("l/a", "l/b/1", "l/b/2", "l/z"):
        put(store, name, rdb()).good()
    listed = run("cos-ls", "--format", "json", store.url("l/"),
                 env=store.env()).good().out.splitlines()
    equal([json.loads(line)["key"] for line in listed],
          ["a", "b/1", "b/2", "z"])
    said(run("cos-ls", store.url("nothing/"), env=store.env()), 4, "nothing")


def test_exclusive():
    """Swift has no conditional PUT; it is looked at before and after."""
    store = swift()
    for content in (rdb(), data(11 * MIB)):
        put(store, "x", content, "--exclusive", *SMALL).good()
        said(put(store, "x", rdb(), "--exclusive"), 4, "exists")
        said(put(store, "x", data(11 * MIB), "--exclusive", *SMALL), 4,
             "exists")
        equal(sha256(get(store, "x").good().out), sha256(content))
        run("cos-rm", store.url("x"), env=store.env()).good()
    clean(store)


def test_large():
    store = swift()
    size = (5 << 30) if SOAK else 100 * MIB
    line = f"{source(size)} | cos-put '{store.url('large')}'"
    programs.shell(line, env=store.env(), timeout=3600).good()
    equal(digest_of(f"cos-get '{store.url('large')}'", store.env()),
          digest_of(source(size)))
    clean(store)
    run("cos-rm", store.url("large"), env=store.env()).good()


# --- not whole, and signals ---

def test_cut():
    store, whole = swift(), data(11 * MIB)
    for point in (0, 5, 5 * MIB + 1, len(whole) - 1):
        result = put(store, "cut", whole[:point], *SMALL)
        equal((point, result.code), (point, 1), f"status; {result.err}")
        equal("cut" in store.objects(), False)
        clean(store)


def test_signals():
    store, whole = swift(), data(17 * MIB)
    for number, code in ((signal.SIGTERM, 143), (signal.SIGINT, 130),
                         (signal.SIGKILL, -9)):
        child = subprocess.Popen(
            [programs.path("cos-put"), store.url("s"), *SMALL],
            stdin=subprocess.PIPE, stderr=subprocess.PIPE,
            env=programs.environment(**store.env()),
            preexec_fn=programs.die_with_parent)
        child.stdin.write(whole[:12 * MIB])
        child.stdin.flush()
        time.sleep(1)
        child.send_signal(number)
        _, err = child.communicate(timeout=90)
        equal(child.returncode, code, f"status; {err}")
        equal("s" in store.objects(), False)
        if number != signal.SIGKILL:
            clean(store)
    listed = run("cos-ls", "--uploads", store.url(),
                 env=store.env()).good().out
    holds("  s", listed)
    run("cos-rm", "--uploads", "--older-than", "0s", store.url(),
        env=store.env()).good()
    clean(store)


# --- clear words ---

@each(("secret", "SignatureDoesNotMatch"), ("id", "InvalidAccessKeyId|"
                                             "SignatureDoesNotMatch"),
      ("bucket", "NoSuchBucket"), ("other", "AccessDenied"))
def test_refused(what, words):
    store = swift()
    env, bucket = store.env(), store.BUCKET
    if what == "secret":
        env["AWS_SECRET_ACCESS_KEY"] = "wrongsecret"
    elif what == "id":
        env["AWS_ACCESS_KEY_ID"] = "test:nobody"
    elif what == "other":
        env["AWS_ACCESS_KEY_ID"] = "test:other"
    else:
        bucket = "none"
    for program, content in (("cos-put", rdb()), ("cos-put", data(11 * MIB)),
                             ("cos-ls", b"")):
        result = run(program, store.url("refused", bucket=bucket),
                     *(SMALL if program == "cos-put" else ()), input=content,
                     env=env)
        silent_about([store.SECRET, "wrongsecret"], result)
        equal((result.code, result.err.count(b"\n")), (4, 1),
              f"{program}: {result.err}")
        equal(any(w.encode() in result.err for w in words.split("|")), True,
              f"{result.err}")
        holds("tx", result.err)         # Swift's request ids
    equal("refused" in store.objects(), False)


# --- addresses ---

def fetch(url):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=30) as reply:
            return reply.status, reply.read()
    except urllib.error.HTTPError as e:
        with e:
            return e.code, e.read()


def test_url():
    store = swift()
    put(store, "u%20v", rdb()).good()
    url = run("cos-url", store.url("u%20v"),
              env=store.env()).good().out.decode().strip()
    equal(fetch(url), (200, rdb()))
    equal(fetch(url.replace("u%20v", "k"))[0], 403)
    short = run("cos-url", "--expires", "1s", store.url("u%20v"),
                env=store.env()).good().out.decode().strip()
    time.sleep(2.5)
    equal(fetch(short)[0], 403)


# --- clients that are not ours ---

def rclone(store):
    """How rclone is told of the store."""
    if shutil.which("rclone") is None:
        cases.skip("rclone is not installed")
    return {"RCLONE_CONFIG_X_TYPE": "s3",
            "RCLONE_CONFIG_X_PROVIDER": "Other",
            "RCLONE_CONFIG_X_ENDPOINT": store.endpoint,
            "RCLONE_CONFIG_X_FORCE_PATH_STYLE": "true",
            "RCLONE_CONFIG_X_ACCESS_KEY_ID": store.ID,
            "RCLONE_CONFIG_X_SECRET_ACCESS_KEY": store.SECRET,
            "RCLONE_CONFIG": os.path.join(SCRATCH, "none.conf")}


def test_rclone():
    store = swift()
    env = rclone(store)
    put(store, "ours", data(17 * MIB), *SMALL).good()
    read = run("/usr/bin/rclone", "cat", f"x:{store.BUCKET}/ours", env=env)
    equal(sha256(read.good().out), sha256(data(17 * MIB)))
    run("/usr/bin/rclone", "rcat", f"x:{store.BUCKET}/theirs",
        input=data(11 * MIB), env=env).good()
    equal(sha256(get(store, "theirs").good().out), sha256(data(11 * MIB)))


def test_s3cmd():
    store = swift()
    if shutil.which("s3cmd") is None:
        cases.skip("s3cmd is not installed")
    config = os.path.join(SCRATCH, "s3cfg")
    with open(config, "w") as file:
        file.write(f"""[default]
access_key = {store.ID}
secret_key = {store.SECRET}
host_base = 127.0.0.1:{store.port}
host_bucket = 127.0.0.1:{store.port}
use_https = False
""")
    put(store, "ours", data(11 * MIB), *SMALL).good()
    path = os.path.join(SCRATCH, "read")
    run("/usr/bin/s3cmd", "-c", config, "get", "--force",
        f"s3://{store.BUCKET}/ours", path).good()
    with open(path, "rb") as file:
        equal(sha256(file.read()), sha256(data(11 * MIB)))


if __name__ == "__main__":
    cases.main()
