#!/usr/bin/env python3
"""Goal of this test: cos-put, cos-get, cos-ls and cos-rm over a directory, as
a person uses them.  No stream that is not whole becomes an object, and
whatever happens to cos-put on the way, nothing is left."""

import array
import fcntl
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import termios
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))

from harness import cases, programs, rdbbytes  # noqa: E402
from harness.cases import each, equal, holds  # noqa: E402
from harness.programs import run, shell  # noqa: E402

SCRATCH = tempfile.mkdtemp(prefix="cos-file-")
programs.at_exit_remove(SCRATCH)


def small_rdb():
    f = rdbbytes.File(version=10).aux("redis-ver", "7.0.15").select(0)
    return f.key(rdbbytes.STRING, "user:17",
                 rdbbytes.string("value")).end().bytes()


def zstd(data, *words):
    return subprocess.run(["zstd", "-q", "-c", *words], input=data,
                          stdout=subprocess.PIPE, check=True).stdout


RDB = small_rdb()
ZST = zstd(RDB)
BIG = zstd(os.urandom(3 << 20))


def scratch():
    return tempfile.mkdtemp(dir=SCRATCH)


def tree(folder):
    """Everything in a folder, relative, hidden or not."""
    return sorted(os.path.relpath(os.path.join(at, name), folder)
                  for at, dirs, files in os.walk(folder)
                  for name in dirs + files)


def said(result, code, words):
    """One line on standard error, this exit status."""
    holds(words, result.err, "standard error")
    equal(result.err.count(b"\n"), 1, f"lines in {result.err!r}")
    equal(result.code, code, "exit status")
    return result


# --- there and back ---

@each("rdb", "zst", "big")
def test_there_and_back(what):
    data = {"rdb": RDB, "zst": ZST, "big": BIG}[what]
    at = f"{scratch()}/new/er/dump"
    equal(run("cos-put", at, input=data).good().out, b"")
    with open(at, "rb") as f:
        equal(f.read(), data, "the file")
    equal(run("cos-get", at).good().out, data, "what came back")
    equal(run("cos-get", f"file://{at}").good().out, data)


def test_modes():
    d = scratch()
    run("cos-put", f"{d}/new/dump", input=RDB).good()
    equal(stat.S_IMODE(os.stat(f"{d}/new").st_mode), 0o700)
    equal(stat.S_IMODE(os.stat(f"{d}/new/dump").st_mode), 0o600)
    shell(f"umask 0777; cos-put {d}/none < {d}/new/dump").good()
    equal(stat.S_IMODE(os.stat(f"{d}/none").st_mode), 0)


def facts(*words, data=b""):
    r, w = os.pipe()
    with os.fdopen(r) as reader:
        result = run(*words, "--facts-fd", str(w), input=data, pass_fds=[w])
        os.close(w)
        return result, dict(line.rstrip("\n").split(" ", 1) for line in reader)


def test_facts():
    at = f"{scratch()}/k"
    text = b"123456789"
    for words in (("cos-put", at, "--trust-eof"), ("cos-get", at)):
        result, learnt = facts(*words, data=text)
        result.good()
        equal(learnt, {"bytes": "9", "crc64-xz": "995dc9bbdf1939fa",
                       "xxh3-128": "33119477ede5dcd5e9716427681d5860",
                       "object": at, "exit": "0"})


def test_replace_and_exclusive():
    d = scratch()
    run("cos-put", f"{d}/k", input=RDB).good()
    said(run("cos-put", "--exclusive", f"{d}/k", input=ZST), 4,
         "k: exists already")
    equal(run("cos-get", f"{d}/k").out, RDB)
    run("cos-put", f"{d}/k", input=ZST).good()
    equal(run("cos-get", f"{d}/k").out, ZST)
    run("cos-put", "--exclusive", f"{d}/l", input=RDB).good()
    equal(tree(d), ["k", "l"])


def test_expect():
    d = scratch()
    run("cos-put", "--expect", "1M", f"{d}/k", input=RDB).good()
    equal(os.path.getsize(f"{d}/k"), len(RDB))
    too_much = run("cos-put", "--expect", "1000T", f"{d}/l", input=RDB)
    said(too_much, 3, "cannot reserve 1099511627776000 bytes for")
    equal(tree(d), ["k"])


# --- streams that are not whole ---

@each("rdb", "zst")
def test_cut_at_every_byte(what):
    data = {"rdb": RDB, "zst": ZST}[what]
    d = scratch()
    for n in range(len(data)):
        result = run("cos-put", f"{d}/new/k", input=data[:n])
        equal((n, result.code), (n, 1), "exit status")
        equal(result.err.count(b"\n"), 1, "lines on standard error")
        equal((n, tree(d)), (n, []), "left")
    run("cos-put", f"{d}/new/k", input=data).good()


def test_unproven():
    d = scratch()
    said(run("cos-put", f"{d}/k", input=b"some text, no format"), 1,
         "--trust-eof")
    said(run("cos-put", f"{d}/k"), 1, "empty")
    said(run("cos-put", f"{d}/k", input=RDB[:-1] + b"?"), 1, "checksum")
    said(run("cos-put", "--trust-eof", f"{d}/k", input=RDB[:-1]), 1, "cut")
    equal(tree(d), [])
    run("cos-put", "--trust-eof", f"{d}/text", input=b"some text").good()
    run("cos-put", "--trust-eof", f"{d}/empty").good()
    equal(run("cos-get", f"{d}/text").good().out, b"some text")
    equal(run("cos-get", f"{d}/empty").good().out, b"")


def begin(*words, pass_fds=()):
    return subprocess.Popen([programs.path("cos-put"), *words],
                            stdin=subprocess.PIPE, stderr=subprocess.PIPE,
                            env=programs.environment(), pass_fds=pass_fds,
                            preexec_fn=programs.die_with_parent)


def drained(pipe):
    """Wait until everything in a pipe has been read."""
    left = array.array("i", [1])
    for _ in range(3000):
        fcntl.ioctl(pipe, termios.FIONREAD, left)
        if left[0] == 0:
            return
        time.sleep(0.01)
    raise AssertionError("nobody reads the pipe")


@each((signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGKILL, -9))
def test_killed(number, code):
    d = scratch()
    for sent in (0, 5, 1 << 20, len(BIG)):
        child = begin(f"{d}/new/k")
        child.stdin.write(BIG[:sent])
        child.stdin.flush()
        drained(child.stdin)
        time.sleep(0.05)        # it may be before its first instruction
        child.send_signal(number)
        equal(child.wait(30), code if sent else child.returncode, "status")
        assert child.returncode != 0
        child.stdin.close()
        child.stderr.close()
        equal(tree(d), [], "left")


@each(("go", 0, ""), ("", 1, "no go-ahead: the chain was called off"),
      ("no", 1, 'the go-ahead is not "go"'))
def test_go(word, code, words):
    """Whole, synced or not: without the driver's word there is no object."""
    d = scratch()
    r, w = os.pipe()
    child = begin("--go-fd", str(r), f"{d}/new/k", pass_fds=[r])
    os.close(r)
    child.stdin.write(BIG)
    child.stdin.close()
    child.stdin = None
    time.sleep(0.3)
    equal(child.poll(), None, "status before the word")
    equal(tree(d), [], "objects before the word")
    os.write(w, word.encode())
    os.close(w)
    err = child.communicate(timeout=30)[1]
    equal(child.returncode, code)
    holds(words, err)
    equal(tree(d), ["new", "new/k"] if code == 0 else [])


# --- what the system refuses ---

def in_own_mounts(line):
    """Run a line of sh where it may mount; skip where nobody may."""
    words = ["unshare", "-m"] if os.getuid() == 0 else ["unshare", "-rm"]
    probe = ["sh", "-c", f"mount -t tmpfs tmpfs {scratch()}"]
    if shutil.which("unshare") is None or \
            subprocess.run(words + probe, stderr=subprocess.DEVNULL).returncode:
        cases.skip("mounting is not allowed here")
    return run(shutil.which("unshare"), *words[1:], "sh", "-c", line,
               input=BIG)


def test_disk_full():
    d = scratch()
    result = in_own_mounts(
        f"mount -t tmpfs -o size=1m tmpfs {d} && cos-put {d}/new/k; "
        f"echo $?; ls -A {d}; df --output=used {d} | tail -n 1")
    said(result, 0, f"cos-put: cannot write {d}/new/k: no space left on device")
    equal(result.out.split(), [b"3", b"0"], "status, files, blocks used")


def test_read_only():
    d = scratch()
    result = in_own_mounts(
        f"mount -t tmpfs -o ro tmpfs {d} && cos-put {d}/new/k; echo $?")
    said(result, 0, f"cannot write {d}/new/k: read-only file system")
    equal(result.out, b"3\n")


def test_no_permission():
    d = scratch()
    os.chmod(SCRATCH, 0o755)
    os.chmod(d, 0o755)
    run("cos-put", f"{d}/k", input=RDB).good()
    prefix = ""
    if os.getuid() == 0:
        prefix = "setpriv --reuid=65534 --regid=65534 --clear-groups "
        if shell(prefix + "cos-put --version").code != 0:
            cases.skip("cannot run our programs as somebody else")
    else:
        os.chmod(d, 0o555)
        os.chmod(f"{d}/k", 0)
    for line, words in (
            (f"cos-put {d}/l < /dev/null",
             f"cannot write {d}/l: permission denied"),
            (f"cos-put {d}/new/l < /dev/null",
             f"cannot write {d}/new/l: permission denied"),
            (f"cos-get {d}/k > /dev/null",
             f"cannot open {d}/k: permission denied"),
            (f"cos-rm {d}/k", f"cannot remove {d}/k: permission denied")):
        said(shell(prefix + line), 3, words)
    equal(tree(d), ["k"])


def test_drop_box():
    """A directory that may be written to but not read."""
    d = scratch()
    os.chmod(SCRATCH, 0o755)
    os.chmod(d, 0o1733)
    prefix = ""
    if os.getuid() == 0:
        prefix = "setpriv --reuid=65534 --regid=65534 --clear-groups "
        if shell(prefix + "cos-put --version").code != 0:
            cases.skip("cannot run our programs as somebody else")
    with open(f"{SCRATCH}/box.zst", "wb") as f:
        f.write(ZST)
    line = f"cat {SCRATCH}/box.zst | {prefix} cos-put {d}/k"
    shell(line).good()
    os.chmod(d, 0o755)
    equal(tree(d), ["k"])
    os.chmod(d, 0o1311)
    said(shell(f"{prefix} cos-ls {d}"), 3, f"cannot list {d}")
    os.chmod(d, 0o755)


@each(("dir", "cannot write {}/dir: is a directory"),
      ("fifo", "cannot write {}/fifo: it is not a regular file"),
      ("link", "cannot write {}/link: it is not a regular file"),
      ("file/k", "cannot write {0}/file/k: {0}/file: not a directory"),
      ("nowhere/k", "cannot write {0}/nowhere/k: {0}/nowhere: no such file"))
def test_not_a_place_for_an_object(name, words):
    d = scratch()
    os.mkdir(f"{d}/dir")
    os.mkfifo(f"{d}/fifo")
    os.symlink("file", f"{d}/link")
    os.symlink("none", f"{d}/nowhere")
    with open(f"{d}/file", "w"):
        pass
    before = tree(d)
    said(run("cos-put", f"{d}/{name}", input=RDB), 3, words.format(d))
    equal(tree(d), before)


@each("cos-put", "cos-get", "cos-rm", "cos-ls")
def test_urls_refused(program):
    for url, words in (("cos://b-1/k", "cos://b-1: say where it is"),
                       ("ftp://u:secret@h/k", "ftp:// is no store"),
                       ("file://h/k", "three slashes"),
                       ("", "a store's path is empty"),
                       ("-", "'-' is no store")):
        result = said(run(program, url, input=RDB), 2, words)
        equal(b"secret" in result.err, False, "a password in a message")
    if program != "cos-ls":
        said(run(program, "/tmp/", input=RDB), 2, "names a directory")
        said(run(program, "/tmp/..", input=RDB), 2, 'may not hold ".."')
    said(run(program), 2, f"{program}: URL")


# --- getting ---

def test_get_refused():
    d = scratch()
    os.mkfifo(f"{d}/fifo")
    said(run("cos-get", f"{d}/none"), 4, f"{d}/none: no such object")
    said(run("cos-get", f"{d}/fifo/none"), 4, "no such object")
    said(run("cos-get", d), 3, f"cannot read {d}: is a directory")
    said(run("cos-get", f"{d}/fifo"), 3, "fifo is not a regular file")


def test_get_through_a_link():
    d = scratch()
    run("cos-put", f"{d}/other/k", input=RDB).good()
    os.symlink("other/k", f"{d}/latest")
    equal(run("cos-get", f"{d}/latest").good().out, RDB)


def test_get_shrinks():
    """The file loses its end while cos-get is held up by a full pipe."""
    at = f"{scratch()}/k"
    run("cos-put", at, input=BIG).good()
    with subprocess.Popen([programs.path("cos-get"), at],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          env=programs.environment()) as child:
        child.stdout.read(1)
        os.truncate(at, len(BIG) - 1000)
        out = b"x" + child.stdout.read()
        equal(len(out) <= len(BIG) - 1000, True, "bytes not in the file")
        holds(f"it had {len(BIG)} when it was opened", child.stderr.read())
    equal(child.returncode, 1)


def test_get_reader_gone():
    at = f"{scratch()}/k"
    run("cos-put", at, input=BIG).good()
    result = shell(f"cos-get {at} | head -c 10 | wc -c")
    equal((result.good().out, result.err), (b"10\n", b""))


# --- listing and removing ---

def filled():
    d = scratch()
    for key in ("i/2/dump", "i/1/dump", "i/1/m", "i.x", "top"):
        run("cos-put", f"{d}/{key}", input=RDB).good()
        os.utime(f"{d}/{key}", ns=(0, 1795400591123999999))
    with open(f"{d}/i/.rdbpipe-7-0.tmp", "w"):
        pass
    return d


def keys(result):
    return [line.split("  ")[-1]
            for line in result.good().out.decode().splitlines()]


def test_ls():
    d = filled()
    everything = ["i.x", "i/1/dump", "i/1/m", "i/2/dump", "top"]
    equal(keys(run("cos-ls", d)), everything)
    equal(keys(run("cos-ls", d + "/")), everything)
    equal(keys(run("cos-ls", f"file://{d}")), everything)
    equal(keys(run("cos-ls", d, "--prefix", "i/1")), everything[1:3])
    equal(keys(run("cos-ls", f"{d}/i/1")), ["dump", "m"])
    equal(keys(run("cos-ls", f"{d}/i/1/m")), ["m"])
    equal(run("cos-ls", f"{d}/top").out.decode(),
          f"2026-11-23T02:23:11.123Z {len(RDB):14}  top\n")
    lines = run("cos-ls", "--format", "json", d).good().out.splitlines()
    equal([json.loads(line)["key"] for line in lines], everything)
    equal(json.loads(lines[-1]), {"key": "top", "size": len(RDB),
                                  "modified": "2026-11-23T02:23:11.123Z"})


def test_ls_nothing():
    d = filled()
    os.mkdir(f"{d}/empty")
    for words in (f"{d}/none",), (f"{d}/empty",), (f"{d}/top/",):
        said(run("cos-ls", *words), 4, f"{words[0]}: nothing there")
    said(run("cos-ls", d, "--prefix", "zz"), 4, f"{d}, prefix zz: nothing there")


def test_ls_odd_names():
    """A key can neither break a line nor steer a terminal."""
    d = scratch()
    names = [b"quote\"", b"back\\slash", b"line\nbreak", b"escape\x1b[2J",
             b"caf\xc3\xa9", b"csi\xc2\x9b", b"latin\xe9", b"cut\xe2\x82",
             b"over\xc0\xaf", b"surrogate\xed\xa0\x80"]
    for name in names:
        with open(os.path.join(d.encode(), name), "w"):
            pass
    text = run("cos-ls", d).good().out
    equal(text.count(b"\n"), len(names), "lines")
    equal({line.split(b"  ")[-1].decode() for line in text.splitlines()},
          {'quote"', r"back\\slash", r"line\x0abreak", r"escape\x1b[2J",
           "café", r"csi\xc2\x9b", r"latin\xe9", r"cut\xe2\x82",
           r"over\xc0\xaf", r"surrogate\xed\xa0\x80"})
    lines = run("cos-ls", "--format=json", d).good().out.splitlines()
    got = {json.loads(line)["key"].encode(errors="surrogateescape")
           for line in lines}
    equal(got, set(names))


def test_ls_many():
    """10,000 backups are listed at once, in order."""
    d = scratch()
    for n in range(10000):
        os.makedirs(f"{d}/i/{n:08d}")
        for name in ("manifest.json", "shard-0000.rdb.zst"):
            with open(f"{d}/i/{n:08d}/{name}", "w"):
                pass
    began = time.monotonic()
    listed = keys(run("cos-ls", d))
    seconds = time.monotonic() - began
    equal(len(listed), 20000)
    equal(listed, sorted(listed))
    equal(seconds < 20, True, f"{seconds:.1f} s is soon enough")
    shutil.rmtree(d)


def test_ls_to_a_full_disk():
    if not os.path.exists("/dev/full"):
        cases.skip("no /dev/full here")
    said(shell(f"cos-ls {filled()} > /dev/full"), 3,
         "cannot write standard output: no space left on device")


def test_rm():
    d = filled()
    run("cos-rm", f"{d}/top", f"file://{d}/i.x").good()
    equal(keys(run("cos-ls", d)), ["i/1/dump", "i/1/m", "i/2/dump"])
    said(run("cos-rm", f"{d}/top"), 4, f"{d}/top: no such object")
    run("cos-rm", "--force", f"{d}/top").good()
    said(run("cos-rm", d), 3, f"cannot remove {d}: is a directory")


def test_rm_worst():
    """Every URL is tried; one line for each that failed; the worst counts."""
    d = filled()
    result = run("cos-rm", f"{d}/none", f"{d}/top", f"{d}/i", "x://y")
    for words in ("/none: no such object", "/i: is a directory",
                  "x:// is no store"):
        holds(words, result.err)
    equal(result.err.count(b"\n"), 3)
    equal(result.code, 4)
    equal(os.path.exists(f"{d}/top"), False, "the good one is left")
    equal(run("cos-rm", "-f", f"{d}/none", f"{d}/i", "x://y").code, 3)


if __name__ == "__main__":
    cases.main()
