"""What the tests of stores put, and how they look at what was said."""

import hashlib
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))

from harness import programs, rdbbytes                          # noqa: E402
from harness.cases import equal, holds                          # noqa: E402

MIB = 1 << 20


def rdb():
    f = rdbbytes.File(version=10).aux("redis-ver", "7.0.15").select(0)
    return f.key(rdbbytes.STRING, "user:17",
                 rdbbytes.string("value")).end().bytes()


def zstd(data):
    return subprocess.run(["zstd", "-q", "-c", "-1"], input=data,
                          stdout=subprocess.PIPE, check=True).stdout


def stream(size):
    """Bytes that prove themselves whole, exactly so many of them."""
    def frame(length):      # one whose content is not compressible
        return zstd(os.urandom(length))
    first = frame(max(size - size // 1000 - 100, 1))
    left = size - len(first)
    if left:                # a frame that a reader passes over
        equal(left >= 8, True, "room for a skippable frame")
        first += b"\x50\x2a\x4d\x18" + (left - 8).to_bytes(4, "little") + \
            bytes(left - 8)
    equal(len(first), size)
    return first


def source(size):
    """A command line that writes so many bytes, the same each time, in a
    frame of zstd: for more than memory holds."""
    return (f"openssl enc -aes-128-ctr -nosalt -K {'0' * 32} -iv {'0' * 32} "
            f"-in /dev/zero 2>/dev/null | head -c {size} | zstd -q -1 -c")


def digest_of(line, env=None):
    """SHA-256 of what a line of sh writes."""
    result = programs.shell(f"({line}) | sha256sum", env=env, timeout=3600)
    return result.good().out.split()[0].decode()


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def silent_about(secrets, result):
    """Nothing secret is in anything that was printed."""
    for secret in secrets:
        for text in (result.out, result.err):
            equal(secret.encode() in text, False, f"a secret in {text!r}")


def said(result, code, *words):
    """One line on standard error with these words, this exit status."""
    for word in words:
        holds(word, result.err, "standard error")
    equal(result.err.count(b"\n"), 1, f"lines in {result.err!r}")
    equal(result.code, code, f"exit status; {result.err}")
    return result


def facts(*words, input=b"", env=None):
    """The result of a program, and its facts as a dict."""
    r, w = os.pipe()
    with os.fdopen(r) as reader:
        result = programs.run(*words, "--facts-fd", str(w), input=input,
                              env=env, pass_fds=[w])
        os.close(w)
        return result, dict(line.rstrip("\n").split(" ", 1)
                            for line in reader)
