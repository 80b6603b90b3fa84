#!/usr/bin/env python3
"""A stand-in for any program of a chain, to test the driver alone.

Started under the name of the program it stands for.  It moves a few bytes,
tells the facts that program would tell, and misbehaves as STANDIN says:
"NAME=WHAT", several with spaces.  WHAT is one of

    exit:N    end with status N before reading anything
    late:N    the same, after having passed on half
    kill:N    send itself signal N, after having passed on half
    hang      pass on half, then wait until told to end
    deaf      the same, and not listen to SIGTERM either
    mute      end well, without facts
    half      end well, but with facts cut short
    short     end well, having read only half
    linger    publish, then wait until told to end
    full      fail at the very end, as on a full disk, and say facts first
    say:F:V   tell fact F as V; "-": do not tell it
    fds       list the open descriptors into the file STANDIN_LOG.NAME
"""
import os
import signal
import sys
import time
import urllib.parse

NAME = os.path.basename(sys.argv[0])
RAW = b"R" * 3000
STORED = b"Z" * 1000
FACTS = {
    "rdb-capture": {"engine": "redis", "engine-version": "7.0.15",
                    "run-id": "f" * 40, "role": "master", "via": "psync",
                    "replid": "a" * 40, "offset": "9007199254740993",
                    "framing": "eof", "bytes": len(RAW)},
    "rdb-verify": {"level": "frame", "rdb-version": 10, "dialect": "redis",
                   "crc": "good", "crc64": "1" * 16, "bytes": len(RAW),
                   "keys": 5, "expires": 2, "functions": 1, "db.0.keys": 3,
                   "db.0.expires": 2, "db.9.keys": 2, "db.9.expires": 0,
                   "trailing": "none"},
    "rdb-digest": {"digest": "d" * 32, "digest-functions": "e" * 32,
                   "keys": 5, "expires": 2, "left-out": 0,
                   "fields-left-out": 0},
    "rdb-checksum": {"bytes": len(RAW), "xxh3-128": "c" * 32},
    "rdb-compress": {"level": 3, "bytes-in": len(RAW),
                     "bytes-out": len(STORED)},
    "rdb-decompress": {"bytes-in": len(STORED), "bytes-out": len(RAW)},
    "cos-put": {"bytes": len(STORED), "crc64-xz": "2" * 16,
                "xxh3-128": "b" * 32},
    "cos-get": {"bytes": len(STORED), "crc64-xz": "2" * 16,
                "xxh3-128": "b" * 32},
    "rdb-restore": {"via": "native", "bytes": len(RAW), "keys": 5,
                    "expires": 2},
}


def option(name):
    for word in sys.argv[1:]:
        if word.startswith(name + "="):
            return word[len(name) + 1:]
    return None


def orders():
    return [o.partition("=")[2].split(":")
            for o in os.environ.get("STANDIN", "").split()
            if o.partition("=")[0] == NAME]


def misbehave(when):
    for what, *args in orders():
        if when == "before" and what == "exit":
            sys.stderr.write(f"{NAME}: told to fail\n")
            os._exit(int(args[0]))
        if when == "before" and what == "deaf":
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if when == "before" and what == "fds":
            fds = {fd: os.readlink(f"/proc/self/fd/{fd}")
                   for fd in os.listdir("/proc/self/fd")
                   if os.path.exists(f"/proc/self/fd/{fd}")}
            with open(f"{os.environ['STANDIN_LOG']}.{NAME}", "w") as log:
                log.write(repr((sorted(map(int, fds)), sys.argv,
                                os.environ.get("REDISCLI_AUTH"))))
        if when == "half" and what == "late":
            os._exit(int(args[0]))
        if when == "half" and what == "kill":
            os.kill(os.getpid(), int(args[0]))
        if when == "half" and what in ("hang", "deaf"):
            while True:
                time.sleep(1)
        if when == "half" and what == "short":
            tell()
            os._exit(0)


def move():
    """Read what comes, write what this program would write, in two halves."""
    source = NAME in ("rdb-capture", "cos-get")
    product = {"rdb-compress": STORED, "cos-get": STORED}.get(NAME, RAW)
    want = {"rdb-decompress": STORED, "cos-put": STORED}.get(NAME, RAW)
    sink = NAME in ("cos-put", "rdb-restore")
    got = b"" if source else os.read(0, 1)
    if not sink:
        os.write(1, product[:len(product) // 2])
    misbehave("half")
    while not source and (more := os.read(0, 65536)):
        got += more
    if not source and got != want:
        sys.stderr.write(f"{NAME}: cut short\n")
        sys.exit(1)
    if not sink:
        os.write(1, product[len(product) // 2:])


def fail_late():
    """What was written is less than what came; the end takes a moment."""
    os.write(int(option("--facts-fd")), b"bytes 512\nexit 3\n")
    time.sleep(0.3)
    sys.stderr.write(f"{NAME}: no space left on device\n")
    os._exit(3)


def target():
    url = sys.argv[-1]
    return urllib.parse.unquote(url[7:] if url.startswith("file://") else url)


def publish():
    go = option("--go-fd")
    if go is not None and os.read(int(go), 3) != b"go\n":
        sys.stderr.write(f"{NAME}: called off\n")
        sys.exit(1)
    path = target() if NAME == "cos-put" else os.environ["STANDIN_RESTORED"]
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        f.write(STORED)
    while any(what == "linger" for what, *_ in orders()):
        time.sleep(1)


def tell():
    facts = dict(FACTS[NAME])
    kinds = [o[0] for o in orders()]
    for what, *args in orders():
        if what == "say":
            facts[args[0]] = args[1]
    text = "".join(f"{k} {v}\n" for k, v in facts.items() if v != "-")
    if "half" not in kinds:
        text += "exit 0\n"
    if "mute" not in kinds and option("--facts-fd"):
        os.write(int(option("--facts-fd")), text.encode())


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    misbehave("before")
    move()
    if any(o[0] == "full" for o in orders()):
        fail_late()
    if NAME in ("cos-put", "rdb-restore"):
        publish()
    if not any(o[0] == "short" for o in orders()):
        tell()
