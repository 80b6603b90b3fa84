#!/usr/bin/env python3
"""Goal of this test: cos-put, cos-get, cos-ls, cos-rm and cos-url against COS:
the double, which test_double.py holds to what the official client does.

Whatever the store or the network does on the way, an object is whole and ours
or there is none, and no upload is left open.

RDBPIPE_SOAK=1: 10,000 parts; faults at random, 5 GiB among them; what takes
long to give up; keys that end meanwhile.
"""

import json
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))

import official  # noqa: E402
from stored import (MIB, digest_of, facts, rdb, said, sha256,  # noqa: E402
                    silent_about, source, stream)
from harness import cases, certs, programs, stores  # noqa: E402
from harness.cases import each, equal, holds  # noqa: E402
from harness.programs import SOAK, run  # noqa: E402

SCRATCH = tempfile.mkdtemp(prefix="test-cos-")
programs.at_exit_remove(SCRATCH)
SMALL = ("--part-size", "1M")
_made = {}


def double():
    """One double for all cases: empty, and in good mood."""
    if "double" not in _made:
        _made["double"] = stores.Double()
    store = _made["double"]
    store.ask("calm")
    store.ask("set", skew=0, blanks=0, page=1000)
    store.ask("empty")
    store.ask("stats", clear=True)
    return store


def data(size):
    """A whole stream of this size, made once."""
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


def holds_exactly(store, key, content):
    equal(sha256(store.content(key)), sha256(content), f"content of {key}")
    clean(store)


def absent(store, key):
    equal(key in store.objects(), False, f"an object {key}")
    clean(store)


# --- there and back ---

def test_single_put():
    store, text = double(), rdb()
    result, learnt = facts("cos-put", store.url("single"), input=text,
                           env=store.env())
    equal(result.good().out, b"")
    holds_exactly(store, "single", text)
    equal(store.ask("stats")["ops"].get("PutObject"), 1, "PUTs")
    equal("InitiateMultipartUpload" in store.ask("stats")["ops"], False)
    crc = next(o["crc"] for o in store.ask("objects")
               if o["key"] == "single")
    equal((learnt["bytes"], learnt["crc64-xz"], learnt["store-crc64-xz"]),
          (str(len(text)), f"{crc:016x}", f"{crc:016x}"))
    equal(get(store, "single").good().out, text)


@each((MIB - 1, 0), (MIB, 0), (MIB + 1, 2), (2 * MIB, 2), (5 * MIB + 1, 6))
def test_parts(size, parts):
    """A stream that fits into one part is one plain PUT."""
    store = double()
    put(store, "parts", data(size), *SMALL).good()
    holds_exactly(store, "parts", data(size))
    stats = store.ask("stats")["ops"]
    equal(stats.get("UploadPart", 0), parts)
    equal(stats.get("PutObject", 0), 0 if parts else 1)
    equal(sha256(get(store, "parts", "--range-size", "300000").good().out),
          sha256(data(size)))


def test_official_client_reads_it():
    """What we wrote, and what we read of theirs."""
    store = double()
    official.modules()
    with official.Sdk(store) as sdk:
        for key, size in (("one", 100000), ("many", 5 * MIB + 1)):
            put(store, key, data(size), *SMALL).good()
            got = sdk.call("getObject", Key=key)
            equal(sha256(official.body(got)), sha256(data(size)))
        listed = sdk.call("getBucket")["Contents"]
        equal([(o["Key"], o["Size"]) for o in listed],
              [("many", str(5 * MIB + 1)), ("one", "100000")])
        sdk.call("putObject", Key="theirs", Body=data(3 * MIB))
        equal(sha256(get(store, "theirs").good().out), sha256(data(3 * MIB)))


def test_protected():
    """The signature covers everything that matters."""
    store = double()
    put(store, "signed", data(3 * MIB), *SMALL).good()
    get(store, "signed", "--range-size", "1M").good()
    rows = store.ask("requests")
    equal({(r["op"], *r["unsigned"]) for r in rows if r["unsigned"]}, set())
    equal({r["op"] for r in rows} >= {
        "InitiateMultipartUpload", "UploadPart", "CompleteMultipartUpload",
        "GetObject"}, True)


def test_part_limits():
    """As many parts as a store takes, and not one more."""
    store = double()
    count = 10000 if SOAK else 100
    size = count * MIB
    words = ["cos-put", store.url("many"), "--part-size", "1M",
             "--equal-parts", "--max-parts", str(count), "--trust-eof"]
    line = f"head -c {size} /dev/zero"
    programs.shell(line + " | " + _quoted(words), env=store.env(),
                   timeout=3600).good()
    found = next(o for o in store.ask("objects") if o["key"] == "many")
    equal((found["size"], len(found["files"])), (size, count))
    equal(digest_of("cos-get " + _quoted([store.url("many")]), store.env()),
          digest_of(line))
    clean(store)
    run("cos-rm", store.url("many"), env=store.env()).good()
    result = programs.shell(
        f"head -c {size + 1} /dev/zero | " + _quoted(words),
        env=store.env(), timeout=3600)
    said(result, 2, f"{count} parts are full")
    absent(store, "many")


def _quoted(words):
    return " ".join(map(shlex.quote, words))


def test_empty():
    store = double()
    said(put(store, "empty", b""), 1, "empty")
    absent(store, "empty")
    put(store, "empty", b"", "--trust-eof").good()
    holds_exactly(store, "empty", b"")
    equal(get(store, "empty").good().out, b"")


@each((["--part-size", "4M", "--equal-parts"], 24),
      (["--part-size", "4M", "--memory", "8M"], 8))
def test_memory(words, bound):
    """threads + 2 parts, no more than was allowed, and 15 MiB or so."""
    store = double()
    if programs.sanitized("cos-put"):
        cases.skip("sanitizers need memory")
    child = begin(store, "memory", *words)
    with child:
        peak = 0
        for at in range(0, 100 * MIB, MIB):
            child.stdin.write(data(100 * MIB)[at:at + MIB])
            peak = max(peak, most(child.pid))
        child.stdin.close()
        said = child.stderr.read()
        equal(child.wait(60), 0, f"status; {said}")
    equal(bound / 2 < peak / MIB < bound + 18, True, f"peak of {peak}")
    holds_exactly(store, "memory", data(100 * MIB))


def most(pid):
    """The most memory it ever held, in bytes."""
    with open(f"/proc/{pid}/status") as status:
        return int(next(line.split()[1] for line in status
                        if line.startswith("VmHWM"))) << 10


def test_odd_keys():
    store, text = double(), rdb()
    for key in ("a b+c%41&d=e?f#g", "ключ/键", "x~*'()!:;,@$[]"):
        name = urllib.parse.quote(key)
        put(store, name, text).good()
        equal(store.content(key), text)
        equal(get(store, name).good().out, text)
        run("cos-rm", store.url(name), env=store.env()).good()
    equal(store.objects().keys() & {"a b+c%41&d=e?f#g", "ключ/键"}, set())


def test_virtual_host():
    """The bucket in the name, as with the service itself."""
    store, text = double(), rdb()
    endpoint = f"http://cos.{store.REGION}.localhost:{store.port}"
    put(store, "vhost", text, endpoint=endpoint, addressing="vhost").good()
    equal(store.content("vhost"), text)
    equal([r["headers"]["host"] for r in store.ask("requests")],
          [f"{store.BUCKET}.cos.{store.REGION}.localhost:{store.port}"])


def test_options_reach_the_store():
    store = double()
    until = "2026-12-31T00:00:00.000Z"
    for key, size in (("o/one", 100000), ("o/many", 3 * MIB)):
        put(store, key, data(size), *SMALL, "--storage-class", "STANDARD_IA",
            "--encrypt", "kms", "--kms-key", "k-1", "--kms-context", "e30=",
            "--tags", "a=1&b%20c=2", "--lock-until", until,
            "--traffic-limit", "819200000").good()
        found = next(o for o in store.ask("objects") if o["key"] == key)
        kept = {n[6:]: v for n, v in found["headers"].items()
                if n.startswith("x-cos-") and "meta" not in n}
        equal(kept, {
            "storage-class": "STANDARD_IA", "tagging": "a=1&b%20c=2",
            "server-side-encryption": "cos/kms",
            "server-side-encryption-cos-kms-key-id": "k-1",
            "server-side-encryption-context": "e30=",
            "object-lock-mode": "COMPLIANCE",
            "object-lock-retain-until-date": until})
        said(run("cos-rm", store.url(key), env=store.env()), 4,
             "ObjectLocked")
        limits = {r["headers"].get("x-cos-traffic-limit")
                  for r in store.ask("requests")
                  if r["op"] in ("PutObject", "UploadPart")}
        equal(limits, {"819200000"})
    put(store, "o/sse", rdb(), "--encrypt", "store").good()
    found = next(o for o in store.ask("objects") if o["key"] == "o/sse")
    equal(found["headers"]["x-cos-server-side-encryption"], "AES256")
    put(store, "o/cold", rdb(), "--storage-class", "ARCHIVE").good()
    said(get(store, "o/cold"), 4, "o/cold")


def test_exclusive():
    store = double()
    for content in (rdb(), data(2 * MIB)):
        put(store, "x", rdb()).good()
        said(put(store, "x", content, "--exclusive", *SMALL), 4, "exists")
        holds_exactly(store, "x", rdb())
        run("cos-rm", store.url("x"), env=store.env()).good()
        put(store, "x", content, "--exclusive", *SMALL).good()
        holds_exactly(store, "x", content)
        run("cos-rm", store.url("x"), env=store.env()).good()


def test_exclusive_race():
    """Somebody else's object appears while ours is on its way."""
    store = double()
    for words in ((), SMALL):
        child = begin(store, "race", "--exclusive", *words)
        child.stdin.write(data(2 * MIB)[:-10])
        child.stdin.flush()
        time.sleep(0.3)
        put(store, "race", rdb()).good()
        out, err = child.communicate(data(2 * MIB)[-10:], timeout=60)
        equal(child.returncode, 4, f"status; {err}")
        holds("exists", err)
        holds_exactly(store, "race", rdb())
        run("cos-rm", store.url("race"), env=store.env()).good()


def test_exclusive_answer_lost():
    """Ours was first, but nobody told us: the second try says it exists."""
    store = double()
    for key, op, size in (("lost/1", "PutObject", 100000),
                          ("lost/2", "CompleteMultipartUpload", 2 * MIB)):
        store.fault("drop", op=op, key=key)
        put(store, key, data(size), "--exclusive", *SMALL).good()
        holds_exactly(store, key, data(size))


# --- streams that are not whole, and signals ---

def test_cut():
    store, whole = double(), data(3 * MIB)
    for point in (0, 1, 5, MIB, MIB + 1, 2 * MIB + 5, len(whole) - 1):
        result = put(store, "cut", whole[:point], *SMALL)
        equal((point, result.code), (point, 1), f"status; {result.err}")
        equal(result.err.count(b"\n"), 1, f"lines in {result.err}")
        absent(store, "cut")
    equal("CompleteMultipartUpload" in store.ask("stats")["ops"], False)


def begin(store, key, *words, pass_fds=()):
    return subprocess.Popen(
        [programs.path("cos-put"), store.url(key), *words],
        stdin=subprocess.PIPE, stderr=subprocess.PIPE, pass_fds=pass_fds,
        env=programs.environment(**store.env()),
        preexec_fn=programs.die_with_parent)


def test_retry_after():
    """A busy store is left alone for as long as it asks."""
    store = double()
    store.fault("error", op="PutObject", retry_after="1")
    began = time.monotonic()
    put(store, "busy", rdb()).good()
    equal(1 <= time.monotonic() - began < 60, True, "left alone for 1 s")
    holds_exactly(store, "busy", rdb())


@each((signal.SIGTERM, 143), (signal.SIGINT, 130))
def test_signal(number, code):
    store, whole = double(), data(8 * MIB)
    for sent in (5, MIB // 2, 4 * MIB, len(whole) - 1):
        child = begin(store, "signal", *SMALL)
        child.stdin.write(whole[:sent])
        child.stdin.flush()
        time.sleep(0.2)
        child.send_signal(number)
        _, err = child.communicate(timeout=90)
        equal(child.returncode, code, f"status; {err}")
        absent(store, "signal")


def test_signal_while_the_store_is_ill():
    """The abort is said until it is heard."""
    store = double()
    store.fault("error", op="AbortMultipartUpload", times=2)
    store.fault("drop", op="AbortMultipartUpload")
    store.fault("keep", op="AbortMultipartUpload", times=2)
    store.fault("stall", op="UploadPart", seconds=2, times=0)
    child = begin(store, "ill", *SMALL)
    child.stdin.write(data(8 * MIB)[:6 * MIB])
    child.stdin.flush()
    time.sleep(0.5)
    child.send_signal(signal.SIGTERM)
    _, err = child.communicate(timeout=90)
    equal(child.returncode, 143, f"status; {err}")
    absent(store, "ill")


def test_signal_while_it_begins():
    """The answer that names the upload is waited for, so that it can be
    ended."""
    store = double()
    store.fault("slow-body", op="InitiateMultipartUpload", seconds=1.5)
    child = begin(store, "begins", *SMALL)
    child.stdin.write(data(8 * MIB)[:MIB + 1000])  # one part, no more
    child.stdin.flush()
    time.sleep(0.5)
    child.send_signal(signal.SIGTERM)
    _, err = child.communicate(timeout=90)
    equal(child.returncode, 143, f"status; {err}")
    time.sleep(1.5)     # whatever the store was still at
    absent(store, "begins")


def test_killed():
    """After SIGKILL there is no object; what is left, is found and removed."""
    store = double()
    child = begin(store, "p/killed", *SMALL)
    child.stdin.write(data(8 * MIB)[:5 * MIB])
    child.stdin.flush()
    for _ in range(500):
        if store.uploads():
            break
        time.sleep(0.02)
    child.kill()
    child.communicate()
    equal("p/killed" in store.objects(), False)
    upload = store.uploads()[0]["id"]
    place, env = store.url("p/"), store.env()
    listed = run("cos-ls", "--uploads", place, env=env).good().out
    holds("killed", listed)
    row = json.loads(run("cos-ls", "--uploads", "--format", "json", place,
                         env=env).good().out)
    equal((row["key"], upload in json.dumps(row)), ("killed", True))
    equal(run("cos-ls", "--uploads", "--older-than", "1d", place,
              env=env).good().out, b"")
    run("cos-rm", "--uploads", place, env=env).good()
    equal(len(store.uploads()), 1, "a fresh upload stays")
    store.ask("age", seconds=90000)
    holds("killed", run("cos-ls", "--uploads", "--older-than", "1d", place,
                        env=env).good().out)
    run("cos-rm", "--uploads", store.url("other/"), env=env).good()
    equal(len(store.uploads()), 1, "uploads elsewhere stay")
    run("cos-rm", "--uploads", place, env=env).good()
    clean(store)


@each(("go", 0), ("", 1), ("no", 1))
def test_go(word, code):
    """Without the driver's word nothing is published."""
    store = double()
    for size in (100000, 3 * MIB):
        r, w = os.pipe()
        child = begin(store, "go", *SMALL, "--go-fd", str(r), pass_fds=[r])
        os.close(r)
        child.stdin.write(data(size))
        child.stdin.close()
        child.stdin = None
        time.sleep(0.3)
        equal(child.poll(), None, "status before the word")
        equal("go" in store.objects(), False, "an object before the word")
        os.write(w, word.encode())
        os.close(w)
        err = child.communicate(timeout=60)[1]
        equal(child.returncode, code, f"status; {err}")
        if code == 0:
            holds_exactly(store, "go", data(size))
            run("cos-rm", store.url("go"), env=store.env()).good()
        else:
            absent(store, "go")


# --- faults, one by one ---

ANY = ("error", "bare", "middlebox", "drop", "stall", "stray", "close",
       "hang-up", "no-id", "no-crc")
BRIEF = {"stall": {"seconds": 0.3}}
PUT_FAULTS = [(kind, op, BRIEF.get(kind, {})) for kind in ANY for op in (
    "PutObject", "InitiateMultipartUpload", "UploadPart",
    "CompleteMultipartUpload")] + [
    (kind, op, more) for op in ("PutObject", "UploadPart")
    for kind, more in (("reset-request", {"at": 0}),
                       ("reset-request", {"at": 70000}),
                       ("wrong-crc", {}), ("corrupt", {}),
                       ("early", {"status": 503, "code": "SlowDown"}))] + [
    ("error", op, {"status": status, "code": code})
    for op in ("PutObject", "UploadPart", "CompleteMultipartUpload")
    for status, code in ((500, "InternalError"), (503, "ServiceUnavailable"),
                         (400, "RequestTimeout"), (400, "BadDigest"))] + [
    ("error", "UploadPart", {"status": 409, "code": "UploadConflict"}),
    ("error", "CompleteMultipartUpload",
     {"status": 409, "code": "UploadConflict"}),
    ("middlebox", "UploadPart", {"status": 403}),
    ("middlebox", "UploadPart", {"status": 404}),
    ("complete-error", None, {"code": "InternalError"}),
    ("complete-error", None, {"code": "SlowDown"}),
    ("complete-lie", None, {"code": "InternalError"}),
    ("wrong-crc", "CompleteMultipartUpload", {}),
]


@each(*PUT_FAULTS[::1 if SOAK else 3])   # of four requests for each kind
def test_put_fault(kind, op, more):
    """Met once, it is got over: the object is there and right."""
    store, key = double(), "fault"
    rule = {"op": op, **more} if op else more
    store.fault(kind, key=key, **rule)
    content = data(100000 if op == "PutObject" else 3 * MIB)
    put(store, key, content, *SMALL).good()
    equal(store.ask("stats")["faults"], {kind: 1})
    holds_exactly(store, key, content)
    run("cos-rm", store.url(key), env=store.env()).good()


def test_slow_complete():
    """Blanks for some seconds before the answer is known."""
    store = double()
    store.ask("set", blanks=3 if SOAK else 1)
    put(store, "slow", data(3 * MIB), *SMALL).good()
    holds_exactly(store, "slow", data(3 * MIB))


def test_slow_down():
    """Many at once: it goes on, and with fewer at a time."""
    store = double()
    times = 10 if SOAK else 4
    store.fault("error", op="UploadPart", times=times)
    put(store, "slower", data(8 * MIB), *SMALL).good()
    equal(store.ask("stats")["faults"], {"error": times})
    holds_exactly(store, "slower", data(8 * MIB))


GET_FAULTS = [(kind, BRIEF.get(kind, {})) for kind in ANY] + [
    ("error", {"status": 500, "code": "InternalError"}),
    ("middlebox", {"status": 403}),
    ("truncate", {"at": 0}), ("truncate", {"at": 70000}),
    ("reset-reply", {"at": 0}), ("reset-reply", {"at": 70000}),
    ("stall", {"at": 70000, "seconds": 0.5}),
]


@each(*GET_FAULTS[::1 if SOAK else 2])
def test_get_fault(kind, more):
    store = double()
    put(store, "g", data(3 * MIB)).good()
    for words in ((), ("--range-size", "500000")):
        store.ask("stats", clear=True)
        store.fault(kind, op="GetObject", key="g", **more)
        equal(sha256(get(store, "g", *words).good().out),
              sha256(data(3 * MIB)))
        equal(store.ask("stats")["faults"], {kind: 1})


def test_get_damaged():
    """A byte that changed on its way is noticed, at the latest at the end."""
    store = double()
    put(store, "damaged", data(3 * MIB)).good()
    for words in ((), ("--range-size", "500000")):
        store.fault("corrupt", op="GetObject", key="damaged", after=1 if words
                    else 0)
        said(get(store, "damaged", *words), 1, "damaged")


def test_get_replaced():
    """Another object under this name, between two ranges."""
    store = double()
    put(store, "replaced", data(8 * MIB)).good()
    store.fault("stall", op="GetObject", key="replaced", after=1, seconds=2,
                times=0)
    child = subprocess.Popen(
        [programs.path("cos-get"), store.url("replaced"), "--range-size",
         "1M", "--parallel", "1"], stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, env=programs.environment(**store.env()),
        preexec_fn=programs.die_with_parent)
    child.stdout.read(1)
    put(store, "replaced", rdb()).good()
    store.ask("calm")
    err = child.communicate(timeout=60)[1]
    equal(child.returncode in (1, 4), True, f"status {child.returncode}")
    holds("replaced", err)
    equal(err.count(b"\n"), 1, f"lines in {err}")


def test_get_reader_gone():
    store = double()
    put(store, "g", data(8 * MIB)).good()
    line = f"cos-get {_quoted([store.url('g')])} | head -c 10 | wc -c"
    result = programs.shell(line, env=store.env()).good()
    equal((result.out, result.err), (b"10\n", b""))


# --- faults at random ---

def round_trip(store, key, size, seed, part, parallel=4):
    """Up and down among faults: exit codes good, bytes identical."""
    store.ask("dice", rate=0.1, seed=seed)
    words = _quoted(["cos-put", store.url(key), "--part-size", part,
                     "--parallel", str(parallel)])
    programs.shell(f"{source(size)} | {words}", env=store.env(),
                   timeout=3600).good()
    words = _quoted(["cos-get", store.url(key), "--range-size", part])
    want, got = digest_of(source(size)), digest_of(words, store.env())
    store.ask("calm")
    equal(got, want, "what came back")
    clean(store)
    stats = store.ask("stats")
    run("cos-rm", store.url(key), env=store.env()).good()
    return stats


@cases.long
def test_dice():
    store = double()
    seen = {}
    for seed in range(20 if SOAK else 3):
        store = double()
        stats = round_trip(store, "dice", 100 * MIB, seed, "1M")
        for kind, count in stats["faults"].items():
            seen[kind] = seen.get(kind, 0) + count
    equal(sum(seen.values()) > 30, True, f"faults: {seen}")
    equal({"error", "drop", "wrong-crc", "corrupt", "reset-request"} <=
          set(seen), True, f"kinds: {seen}")


@cases.long
def test_dice_5_gib():
    stats = round_trip(double(), "5gib", 5 << 30, 42, "8M")
    equal(sum(stats["faults"].values()) > 50, True, f"{stats['faults']}")


def test_dice_small():
    """Single PUTs among faults, many of them."""
    store = double()
    store.ask("dice", rate=0.1, seed=5)
    for n in range(100 if SOAK else 10):
        put(store, f"small/{n}", rdb()).good()
        equal(get(store, f"small/{n}").good().out, rdb())
    equal(bool(store.ask("stats")["faults"]), True, "something went wrong")
    store.ask("calm")
    for n in range(100 if SOAK else 10):
        run("cos-rm", store.url(f"small/{n}"), env=store.env()).good()


# --- clear words ---

def refusals():
    yield ("wrong secret", {"TENCENTCLOUD_SECRET_KEY": "wrongsecret"}, {},
           ("SignatureDoesNotMatch",))
    yield ("wrong id", {"TENCENTCLOUD_SECRET_ID": "AKIDnobodynobody"}, {},
           ("InvalidAccessKeyId",))
    yield ("missing bucket", {}, {"bucket": "none-1250000000", "vhost": 1},
           ("NoSuchBucket",))
    yield ("wrong region", {}, {"region": "ap-beijing", "vhost": 1},
           ("PermanentRedirect",))
    yield ("no permission", {"TENCENTCLOUD_SECRET_ID": "AKIDreader",
                             "TENCENTCLOUD_SECRET_KEY": "rsecret"}, {},
           ("AccessDenied",))
    yield ("expired token", {"TENCENTCLOUD_SECRET_ID": "AKIDold",
                             "TENCENTCLOUD_SECRET_KEY": "osecret",
                             "TENCENTCLOUD_TOKEN": "otoken"}, {},
           ("ExpiredToken",))
    yield ("path style", {}, {"path": 1}, ("PathStyleDomainForbidden",))


@each(*[(name,) for name, *_ in refusals()])
def test_refused(name):
    """One line each, with the store's code and request id."""
    store = double()
    store.ask("key", id="AKIDreader", secret="rsecret", may=["HeadBucket"])
    store.ask("key", id="AKIDold", secret="osecret", token="otoken",
              expires=time.time() - 100)
    _, env, how, words = next(r for r in refusals() if r[0] == name)
    env = store.env(**env)
    url, how = {}, dict(how)
    if how.pop("vhost", None):
        region = how.get("region", store.REGION)
        url = {"endpoint": f"http://cos.{region}.localhost:{store.port}",
               "addressing": "vhost"}
    prefix = f"{store.BUCKET}/" if how.pop("path", None) else ""
    url = store.url(prefix + "k", **how, **url)
    secrets = [v for n, v in env.items() if "KEY" in n or "TOKEN" in n]
    for program, content in (("cos-put", rdb()), ("cos-put", data(3 * MIB)),
                             ("cos-get", b""), ("cos-rm", b"")):
        words_of = (*SMALL, "--progress") if program == "cos-put" else ()
        result = run(program, url, *words_of, input=content, env=env)
        silent_about(secrets, result)
        equal(result.code, 4, f"{program}: {result.err}")
        last = result.err.strip().split(b"\n")[-1]
        for word in words:
            holds(word, last)
        ids = [r["id"] for r in store.ask("requests")]
        equal(any(i.encode() in last for i in ids), True,
              f"a request id in {last}")
    absent(store, "k")


@each(3600, -3600, 86400)
def test_clock(skew):
    """Our clock is wrong: it is set by the store's."""
    store = double()
    store.ask("set", skew=skew)
    put(store, "clock", data(3 * MIB), *SMALL).good()
    equal(sha256(get(store, "clock").good().out), sha256(data(3 * MIB)))
    holds_exactly(store, "clock", data(3 * MIB))
    refused = store.ask("stats")["refused"]
    equal(set(refused) <= {"RequestTimeTooSkewed", "AccessDenied"} and
          bool(refused), True, f"{refused}")


@cases.long
def test_role():
    """Keys of the machine's own role, which end during the upload."""
    store = double()
    store.ask("set", role_seconds=3)
    env = {"RDBPIPE_CVM_METADATA": f"http://127.0.0.1:{store.control}",
           "HOME": SCRATCH}
    store.fault("stall", op="UploadPart", seconds=1, times=0)
    result = run("cos-put", store.url("role"), *SMALL, "--parallel", "1",
                 input=data(8 * MIB), env=env).good()
    store.ask("calm")
    store.ask("set", role_seconds=1800)
    holds_exactly(store, "role", data(8 * MIB))
    equal(store.ask("stats")["metadata"]["backup-role"] > 1, True)
    silent_about(["tok/"], result)


def test_role_key_refused():
    """The key is good by the clock, but the store says it ended."""
    store = double()
    env = {"RDBPIPE_CVM_METADATA": f"http://127.0.0.1:{store.control}",
           "HOME": SCRATCH}
    store.fault("error", op="UploadPart", status=403, code="ExpiredToken",
                message="The provided token has expired.", after=2)
    run("cos-put", store.url("role"), *SMALL, input=data(8 * MIB),
        env=env).good()
    holds_exactly(store, "role", data(8 * MIB))
    equal(store.ask("stats")["metadata"]["backup-role"], 2)


def test_no_credentials():
    store = double()
    env = {"RDBPIPE_CVM_METADATA": "http://127.0.0.1:1", "HOME": SCRATCH}
    for program in ("cos-put", "cos-get", "cos-ls", "cos-rm", "cos-url"):
        result = run(program, store.url("k"), input=rdb(), env=env)
        equal(result.err.count(b"\n"), 1, f"{result.err}")
        equal(result.code, 2, f"status; {result.err}")


def test_blanks_in_credentials():
    store = double()
    env = store.env(TENCENTCLOUD_SECRET_KEY=store.SECRET + " ")
    result = put_with(env, store)
    said(result, 2, "TENCENTCLOUD_SECRET_KEY")
    silent_about([store.SECRET], result)


def put_with(env, store, key="k"):
    return run("cos-put", store.url(key), input=rdb(), env=env)


def test_redirect_is_not_followed():
    store = double()
    store.fault("redirect", times=0,
                location=f"http://127.0.0.1:{store.control}/stats")
    result = put(store, "moved", rdb())
    said(result, 4, "TemporaryRedirect")
    absent(store, "moved")


@cases.long
def test_nobody_there():
    store = double()
    url = store.url("k", endpoint="http://127.0.0.1:1")
    began = time.monotonic()
    result = run("cos-rm", url, env=store.env(), timeout=300)
    said(result, 4, "127.0.0.1:1: cannot connect", "tries")
    equal(5 < time.monotonic() - began < 20, True, "some 10 s")
    url = "cos://b-1/k?endpoint=https://nobody.invalid"
    result = run("cos-put", url, input=rdb(), env=store.env(), timeout=300)
    said(result, 4, "nobody.invalid: the name is not known")


@cases.long
def test_never_gets_better():
    """It gives up some day, says why, and leaves nothing."""
    store = double()
    store.fault("error", op="UploadPart", times=0, status=503,
                code="SlowDown")
    result = run("cos-put", store.url("never"), *SMALL, input=data(3 * MIB),
                 env=store.env(), timeout=500)
    said(result, 4, "SlowDown", "part")
    absent(store, "never")


def test_no_such_object():
    store = double()
    said(get(store, "none"), 4, "none")
    said(run("cos-rm", store.url("none"), env=store.env()), 4, "none")
    run("cos-rm", "--force", store.url("none"), env=store.env()).good()


# --- lists and addresses ---

def test_ls():
    store = double()
    for name in ("l/a", "l/b/1", "l/b/2", "l/c d", "l/%D0%BA&<>", "l/z"):
        put(store, name, rdb()).good()
    for page in (1000, 2):
        store.ask("set", page=page)
        listed = run("cos-ls", "--format", "json", store.url("l/"),
                     env=store.env()).good().out.splitlines()
        rows = [json.loads(line) for line in listed]
        equal([r["key"] for r in rows],
              ["a", "b/1", "b/2", "c d", "z", "к&<>"])
        equal({r["size"] for r in rows}, {len(rdb())})
        listed = run("cos-ls", "--prefix", "b/", store.url("l/"),
                     env=store.env()).good().out
        equal(listed.count(b"\n"), 2)
    listed = run("cos-ls", store.url("l/a"), env=store.env()).good().out
    equal(listed.count(b"\n"), 1)
    said(run("cos-ls", store.url("nothing/"), env=store.env()), 4, "nothing")


def fetch(url):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=30) as reply:
            return reply.status, reply.read()
    except urllib.error.HTTPError as e:
        with e:
            return e.code, e.read()


@each("plain", "odd%20%2B%D0%BA")
def test_url(key):
    store = double()
    put(store, key, rdb()).good()
    result = run("cos-url", store.url(key), env=store.env()).good()
    url = result.out.decode().strip()
    equal(fetch(url), (200, rdb()))
    silent_about([store.SECRET], result)
    holds("AccessDenied", fetch(url.split("?")[0])[1])
    short = run("cos-url", "--expires", "60s", store.url(key),
                env=store.env()).good().out.decode().strip()
    store.ask("set", skew=120)
    equal(fetch(short)[0], 403)
    equal(fetch(url)[0], 200)
    store.ask("set", skew=6 * 3600 + 60)
    equal(fetch(url)[0], 403)
    store.ask("set", skew=0)
    line = run("cos-url", "--curl", store.url(key),
               env=store.env()).good().out.decode()
    holds("curl ", line)


def test_url_of_a_temporary_key():
    store = double()
    store.ask("key", id="AKIDtmp", secret="tsecret", token="t/o+k==",
              expires=time.time() + 600)
    put(store, "tmp", rdb()).good()
    url = run("cos-url", store.url("tmp"), env={
        "TENCENTCLOUD_SECRET_ID": "AKIDtmp", "TENCENTCLOUD_TOKEN": "t/o+k==",
        "TENCENTCLOUD_SECRET_KEY": "tsecret"}).good().out.decode().strip()
    equal(fetch(url), (200, rdb()))


def test_url_ends_with_the_key():
    """A role's key ends before the address would: that is said."""
    store = double()
    store.ask("set", role_seconds=1200)
    role = {"RDBPIPE_CVM_METADATA": f"http://127.0.0.1:{store.control}",
            "HOME": SCRATCH}
    before = int(time.time())
    result, learnt = facts("cos-url", store.url("k"), env=role)
    holds("the address ends with that key, at 20", result.good().err)
    equal(result.err.count(b"\n"), 1)
    equal(before + 1100 < int(learnt["key-expires"]) < before + 1300, True)
    equal(learnt["expires"], learnt["key-expires"])
    result, learnt = facts("cos-url", "--expires", "10m", store.url("k"),
                           env=role)
    equal(result.good().err, b"")
    equal(before + 600 <= int(learnt["expires"]) < before + 700, True)
    store.ask("set", role_seconds=1800)
    # A token from the environment: nobody told us when it ends.
    env = store.env(TENCENTCLOUD_TOKEN="t")
    result, learnt = facts("cos-url", store.url("k"), env=env)
    holds("ends with that key, whenever that is", result.good().err)
    equal(learnt["key-expires"], "unknown")
    result, learnt = facts("cos-url", store.url("k"), env=store.env())
    equal((result.good().err, "key-expires" in learnt), (b"", False))


def test_url_private():
    env = stores.Double.env(stores.Double)
    url = run("cos-url", "--private", "cos://b-1/k?region=ap-guangzhou",
              env=env).good()
    holds("https://b-1.cos-internal.ap-guangzhou.tencentcos.cn/k?", url.out)
    holds("ap-guangzhou", url.err or url.out)
    url = run("cos-url", "cos://b-1/k?region=ap-guangzhou", env=env).good()
    holds("https://b-1.cos.ap-guangzhou.myqcloud.com/k?", url.out)


# --- TLS ---

def tls_double():
    if "tls" not in _made:
        made = certs.Certs(os.path.join(SCRATCH, "certs"))
        _made["tls"] = stores.Double(tls=made)
    return _made["tls"]


def test_tls():
    """Verified unless told whom to trust; there is no way to say: nobody."""
    store = tls_double()
    said(put(store, "tls", rdb()), 4, "certificate")
    said(put(store, "tls", rdb(), "--ca", "/nowhere"), 3,
         "cannot read /nowhere: no such file")
    said(put(store, "tls", rdb(), "--ca", os.devnull), 2,
         "/dev/null: the file of trusted authorities cannot be read, or "
         "holds no certificate")
    for content in (rdb(), data(3 * MIB)):
        put(store, "tls", content, "--ca", store.tls.ca, *SMALL).good()
        holds_exactly(store, "tls", content)
        equal(sha256(get(store, "tls", "--ca", store.tls.ca).good().out),
              sha256(content))
    env = store.env(RDBPIPE_STORE_CA=store.tls.ca)
    run("cos-get", store.url("tls"), env=env).good()
    other = certs.Certs(os.path.join(SCRATCH, "other"), "other")
    said(put(store, "tls", rdb(), "--ca", other.ca), 4, "certificate")


def test_tls_other_name():
    """A good certificate of somebody else."""
    store = tls_double()
    url = store.url("tls", endpoint=f"https://x.localhost:{store.port}")
    result = run("cos-put", url, "--ca", store.tls.ca, input=rdb(),
                 env=store.env())
    said(result, 4, "x.localhost")


def test_customers_key():
    """SSE-C: the key goes with every request, over TLS only."""
    store = tls_double()
    path = os.path.join(SCRATCH, "key")
    with open(path, "wb") as file:
        file.write(os.urandom(32))
    words = ("--ca", store.tls.ca, "--customer-key", path)
    for content in (rdb(), data(3 * MIB)):
        put(store, "ssec", content, *words, *SMALL).good()
        holds_exactly(store, "ssec", content)
        equal(sha256(get(store, "ssec", *words).good().out), sha256(content))
        result = get(store, "ssec", "--ca", store.tls.ca)
        equal(result.code, 4, f"status; {result.err}")
    plain = double()
    result = put(plain, "ssec", rdb(), "--customer-key", path)
    equal(result.code, 2, f"status; {result.err}")
    holds("https", result.err)


if __name__ == "__main__":
    cases.main()
