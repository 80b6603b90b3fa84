#!/usr/bin/env python3
"""Goal of this test: the programs that only move bytes, one by one and joined:
what they say, what they let through, and what they never do."""

import hashlib
import os
import pty
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))

from harness import cases, programs, rdbbytes  # noqa: E402
from harness.cases import each, equal, holds  # noqa: E402
from harness.programs import run  # noqa: E402

MARK = b"0123456789abcdef0123456789abcdef01234567"
AOF = b"*1\r\n$4\r\nPING\r\n"
FILTERS = ("rdb-verify", "rdb-checksum", "rdb-compress", "rdb-decompress")


def begun():
    """An RDB as far as its first key."""
    f = rdbbytes.File(version=10)
    return f.aux("redis-ver", "7.0.15").select(0).key(
        rdbbytes.STRING, "user:17", rdbbytes.string("value" * 20))


def small_rdb(crc=True):
    f = begun().select(3).expire_ms(4102444800000).key(
        rdbbytes.STRING, "gone", rdbbytes.string("soon"))
    return f.end().bytes() if crc else f.bytes() + b"\xff" + bytes(8)


def with_aof():
    """What a server writes with aof-use-rdb-preamble."""
    return rdbbytes.File(version=10).aux("aof-base", "1").end().bytes() + AOF


def facts(name, data, *words):
    """Run a program over data; what it says on its facts descriptor."""
    r, w = os.pipe()
    with os.fdopen(r, "rb") as reader:
        result = run(name, "--facts-fd", str(w), *words, input=data,
                     pass_fds=[w])
        os.close(w)
        lines = reader.read().decode().splitlines()
    return result, dict(line.split(" ", 1) for line in lines)


# --- rdb-verify ---

def test_verify_passes_bytes_untouched():
    data = small_rdb()
    result, said = facts("rdb-verify", data)
    equal(result.good().out, data)
    equal(result.err, b"")
    equal(said["keys"], "2", "keys")
    equal(said["expires"], "1", "expires")
    equal(said["db.0.keys"], "1")
    equal(said["db.3.expires"], "1")
    equal(said["type.string.keys"], "2")
    equal(said["aux.redis-ver"], "7.0.15")
    equal(said["crc"], "good")
    equal(said["bytes"], str(len(data)))
    equal(said["trailing"], "none")
    equal(said["exit"], "0")


def test_verify_cuts_before_a_wrong_checksum():
    data = bytearray(small_rdb())
    data[-1] ^= 1
    result, said = facts("rdb-verify", bytes(data))
    equal(result.code, 1)
    holds(f"rdb-verify: offset {len(data) - 8}: RDB checksum is ", result.err)
    if len(result.out) >= len(data):
        raise AssertionError("a bad stream went through whole")
    equal(said["exit"], "1")


def test_verify_names_offset_key_and_byte():
    data = begun().bytes() + b"\x1f"
    result = run("rdb-verify", input=data)
    equal(result.code, 1)
    holds(f"rdb-verify: offset {len(data) - 1}", result.err)
    holds("0x1f", result.err)


def test_verify_cut_anywhere():
    data = small_rdb()
    for n in range(len(data)):
        result = run("rdb-verify", input=data[:n])
        equal(result.code, 1, f"exit code at {n}")
        holds(f"offset {n}", result.err)


def test_verify_reports_a_missing_checksum():
    data = small_rdb(crc=False)
    result, said = facts("rdb-verify", data)
    equal(result.good().out, data)
    holds("warning: unverified: the stream has no checksum", result.err)
    equal(said["crc"], "unverified")


def test_verify_knows_what_follows():
    data = small_rdb()
    result, said = facts("rdb-verify", data + MARK)
    equal(result.good().out, data + MARK)
    holds("a replication mark of 40 bytes follows", result.err)
    equal(said["trailing"], "mark")
    preamble = with_aof()
    result = run("rdb-verify", input=preamble)
    equal(result.code, 1)
    holds(f"offset {len(preamble) - len(AOF)}: an AOF follows the RDB",
          result.err)
    for tail in (b"x", MARK[:39], MARK + b"0", AOF):
        result = run("rdb-verify", input=data + tail)
        equal(result.code, 1)
        holds("behind the end of the RDB", result.err)


def test_verify_files():
    with tempfile.TemporaryDirectory() as folder:
        def put(name, data):
            with open(os.path.join(folder, name), "wb") as f:
                f.write(data)
        put("good", small_rdb())
        put("mark", small_rdb() + MARK)
        put("aof", with_aof())
        put("nocrc", small_rdb(crc=False))
        put("cut", small_rdb()[:-3])
        result = run("rdb-verify", "good", "mark", "aof", "nocrc",
                     cwd=folder).good()
        lines = result.out.decode().splitlines()
        holds("good: ok: RDB 10, 2 keys", lines[0])
        holds("; a replication mark of 40 bytes follows", lines[1])
        holds("; an AOF of 14 bytes follows, not checked", lines[2])
        holds("nocrc: unverified: ", lines[3])
        result = run("rdb-verify", "good", "cut", "nothing", cwd=folder)
        equal(result.code, 3)
        holds("cut: bad: ", result.out)
        holds("rdb-verify: cannot open nothing: no such file", result.err)
        holds("rdb-verify: 2 of 3 files are bad", result.err)
        result = run("rdb-verify", "cut", cwd=folder)
        equal(result.code, 1)
        holds("rdb-verify: cut: ", result.err)


@each(b"\x28\xb5\x2f\xfd rest", b"\x1f\x8b rest", b"*1\r\n$4\r\n", b"hello")
def test_verify_refuses_other_formats(data):
    result = run("rdb-verify", input=data)
    equal(result.code, 1)
    holds("rdb-verify: offset 0: ", result.err)


# --- rdb-checksum ---

def test_checksum_lines_are_read_by_the_usual_tools():
    data = small_rdb()
    with tempfile.TemporaryDirectory() as folder:
        result = run("rdb-checksum", "--output", "sums", "--algorithm",
                     "xxh3-128,sha256,crc64-xz", input=data, cwd=folder)
        equal(result.good().out, data)
        with open(os.path.join(folder, "sums")) as f:
            holds(hashlib.sha256(data).hexdigest() + "  -\n", f.read())
        for tool in ("xxhsum", "sha256sum"):
            equal(subprocess.run([tool, "-c", "sums"], input=data, cwd=folder,
                                 capture_output=True, check=False).returncode,
                  0, tool)
            equal(subprocess.run([tool, "-c", "sums"], input=data + b"x",
                                 cwd=folder, capture_output=True,
                                 check=False).returncode, 1, tool)
        with open(os.path.join(folder, "dump.rdb"), "wb") as f:
            f.write(data)
        out = run("rdb-checksum", "dump.rdb", cwd=folder).good().out
        equal(subprocess.run(["xxhsum", "-c"], input=out, cwd=folder,
                             capture_output=True, check=False).returncode, 0)


def test_checksum_writes_nothing_for_a_cut_stream():
    with tempfile.TemporaryDirectory() as folder:
        result = run("rdb-checksum", "-o", "sums", input=small_rdb()[:-1],
                     cwd=folder)
        equal(result.code, 1)
        equal(os.listdir(folder), [])


def test_checksum_refusals():
    result = run("rdb-checksum", "--algorithm", "xxh3-128,md5", input=b"")
    equal(result.code, 2)
    equal(result.err, b"rdb-checksum: --algorithm: 'md5' is none of xxh3-128, "
          b"sha256, crc64-xz\n")
    result = run("rdb-checksum", "-o", "/nowhere/sums", input=small_rdb())
    equal(result.code, 3)
    holds("cannot write /nowhere/sums: no such file", result.err)


# --- rdb-compress, rdb-decompress ---

def test_compress_is_read_by_zstd_and_back():
    data = small_rdb()
    packed = run("rdb-compress", "--expect", str(len(data)), input=data)
    plain = subprocess.run(["zstd", "-dc"], input=packed.good().out,
                           capture_output=True, check=True).stdout
    equal(plain, data)
    equal(run("rdb-decompress", input=packed.out).good().out, data)
    theirs = subprocess.run(["zstd", "-c", "-19", "--long=27"], input=data,
                            capture_output=True, check=True).stdout
    equal(run("rdb-decompress", input=theirs).good().out, data)


def test_compress_leaves_the_frame_open():
    data = small_rdb()
    for n in range(len(data)):
        result = run("rdb-compress", input=data[:n])
        equal(result.code, 1)
        check = subprocess.run(["zstd", "-t"], input=result.out,
                               capture_output=True, check=False)
        if check.returncode == 0 and result.out:
            raise AssertionError(f"cut at {n}: the frame was ended")


def test_compress_wrong_expectation():
    data = small_rdb()
    for expected, words in ((10, "but it is longer"),
                            (len(data) + 1, f"but it has {len(data)}")):
        result = run("rdb-compress", "--expect", str(expected), input=data)
        equal(result.code, 1)
        equal(result.err.decode(), "rdb-compress: the input was to be "
              f"{expected} bytes, {words}\n")


def test_checksum_never_replaces_a_device():
    with tempfile.TemporaryDirectory() as folder:
        fifo = os.path.join(folder, "fifo")
        os.mkfifo(fifo)
        reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
        run("rdb-checksum", "--output", fifo, input=small_rdb()).good()
        holds("  stdin\n", os.read(reader, 100))
        os.close(reader)
        equal(os.listdir(folder), ["fifo"])
        result = run("rdb-checksum", "--output", folder, input=small_rdb())
        equal(result.code, 3)
        holds("is a directory", result.err)


def test_decompress_wrong_bytes():
    packed = bytearray(run("rdb-compress", input=small_rdb()).good().out)
    packed[-1] ^= 1
    result = run("rdb-decompress", input=bytes(packed))
    equal(result.code, 1)
    holds("zstd: Restored data doesn't match checksum", result.err)
    if len(result.out) >= len(small_rdb()):
        raise AssertionError("everything was let go")
    equal(run("rdb-decompress", input=b"").code, 1)
    holds("Unknown frame descriptor",
          run("rdb-decompress", input=b"not zstd at all").err)


def test_unknown_formats_need_trust():
    result = run("rdb-compress", input=b"some words")
    equal(result.code, 1)
    holds("--trust-eof takes its end on trust", result.err)
    run("rdb-compress", "--trust-eof", input=b"some words").good()
    equal(run("rdb-compress", "--trust-eof", input=small_rdb()[:-1]).code, 1)


# --- what all have in common ---

@each(*FILTERS)
def test_usage(name):
    help_page = run(name, "--help").good().out.decode()
    holds(f"usage: {name} [OPTION...]", help_page)
    holds("--facts-fd N", help_page)
    equal(run(name, "--version").good().out.split()[0].decode(), name)
    result = run(name, "--nonsense")
    equal(result.code, 2)
    equal(result.err.decode(),
          f"{name}: unknown option '--nonsense', see --help\n")
    result = run(name, "--facts-fd", "77")
    equal(result.code, 2)
    equal(result.err.decode(),
          f"{name}: --facts-fd: descriptor 77 is not open\n")


def test_usage_of_files():
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for words, says in (
            (("rdb-verify", "--facts-fd", nowhere, "a", "b"),
             "--facts-fd wants a single file"),
            (("rdb-digest", "--watch", "a"),
             "--watch is for standard input, not for files"),
            (("rdb-checksum", "--name", "n", "a"),
             "--output and --name are for standard input; the lines of files "
             "go to standard output"),
            (("rdb-checksum", "--name", "a\nb"),
             "--name: a line cannot hold a newline or backslash"),
            (("rdb-restore", "redis://h", "--framing", "length"),
             "--framing length needs --expect, or a file as input")):
        result = run(*words, pass_fds=[nowhere])
        equal(result.code, 2)
        equal(result.err.decode(), f"{words[0]}: {says}\n")
    os.close(nowhere)


@each(*FILTERS)
def test_facts_are_no_product(name):
    result = run(name, "--facts-fd", "1", input=small_rdb())
    equal(result.code, 2)
    equal(result.out, b"")
    equal(result.err.decode(), f"{name}: --facts-fd wants a whole number, "
          "2 to 1048576, not '1'\n")


def test_descriptors_that_face_the_wrong_way():
    r, w = os.pipe()
    result = run("rdb-verify", "--facts-fd", r, input=small_rdb(),
                 pass_fds=[r])
    equal(result.code, 3)
    equal(result.err, b"rdb-verify: cannot write facts: bad file descriptor\n")
    with tempfile.TemporaryDirectory() as folder:
        result = run("cos-put", "--go-fd", w, os.path.join(folder, "x"),
                     input=small_rdb(), pass_fds=[w])
        equal(os.listdir(folder), [])
    equal(result.code, 3)
    equal(result.err,
          b"cos-put: cannot read the go-ahead: bad file descriptor\n")
    os.close(r)
    os.close(w)


@each(*FILTERS)
def test_no_binary_on_a_terminal(name):
    parent, child = pty.openpty()
    with subprocess.Popen([programs.path(name)], stdin=subprocess.DEVNULL,
                          stdout=child, stderr=subprocess.PIPE) as p:
        os.close(child)
        err = p.stderr.read()
        equal(p.wait(), 2)
    os.close(parent)
    holds("standard output is a terminal", err)


@each("rdb-verify", "rdb-checksum", "rdb-compress")
def test_full_disk(name):
    with open("/dev/full", "wb") as full:
        result = subprocess.run([programs.path(name), "-q"], input=small_rdb(),
                                stdout=full, stderr=subprocess.PIPE,
                                check=False)
    equal(result.returncode, 3)
    holds("cannot write standard output: no space left on device",
          result.stderr)


@each(*FILTERS)
def test_stopped_by_signal(name):
    for signal, code in ((15, 143), (2, 130), (1, 129)):
        with subprocess.Popen([programs.path(name)], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE) as p:
            p.stdin.write(small_rdb()[:50] if name != "rdb-decompress"
                          else b"\x28\xb5\x2f\xfd")
            p.stdin.flush()
            if name in ("rdb-verify", "rdb-checksum"):
                p.stdout.read(20)
            else:
                wait_in(p.pid, "pipe")
            p.send_signal(signal)
            equal(p.wait(10), code)
            holds(f"stopped by signal {signal}", p.stderr.read())


def test_stopped_while_nobody_reads_the_facts():
    r, w = os.pipe()
    os.set_blocking(w, False)
    while True:
        try:
            os.write(w, bytes(4096))
        except BlockingIOError:
            break
    os.set_blocking(w, True)
    with subprocess.Popen([programs.path("rdb-verify"), "--facts-fd", str(w)],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, pass_fds=[w]) as p:
        p.stdin.write(small_rdb())
        p.stdin.close()
        p.stdout.read()
        wait_in(p.pid, "pipe")
        p.send_signal(15)
        equal(p.wait(10), 143)
        holds("stopped by signal 15", p.stderr.read())
    os.close(r)
    os.close(w)


def test_stopped_while_a_fifo_has_no_writer():
    with tempfile.TemporaryDirectory() as folder:
        fifo = os.path.join(folder, "fifo")
        os.mkfifo(fifo)
        with subprocess.Popen([programs.path("rdb-verify"), fifo],
                              stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE) as p:
            wait_in(p.pid, "wait_for_partner")
            p.send_signal(15)
            equal(p.wait(10), 143)
            holds("stopped by signal 15", p.stderr.read())


def test_nohup():
    with subprocess.Popen(["nohup", programs.path("rdb-verify")],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, bufsize=0) as p:
        p.stdin.write(small_rdb()[:50])
        p.stdin.flush()
        p.stdout.read(20)
        p.send_signal(1)
        out, _ = p.communicate(small_rdb()[50:])
        equal(p.returncode, 0)
        equal(out, small_rdb()[20:])


def wait_in(pid, place, seconds=20):
    """Until the program sleeps there: it has read what there was."""
    end, now = time.monotonic() + seconds, ""
    while place not in now:
        assert time.monotonic() < end, f"is not in {place} but in {now}"
        with open(f"/proc/{pid}/wchan") as f:
            now = f.read()


def test_a_closed_reader_ends_it_quietly():
    big = begun().key(rdbbytes.STRING, "k", rdbbytes.string(
        b"x" * (4 << 20))).end().bytes()
    with tempfile.NamedTemporaryFile() as f:
        f.write(big)
        f.flush()
        result = programs.shell(
            f"(rdb-verify < {f.name}; echo $? >&2) | head -c 5")
    equal(result.err.strip(), b"141")


def test_closed_descriptors():
    """What was not given cannot be read or written: that is no success."""
    with tempfile.TemporaryDirectory() as folder:
        file = os.path.join(folder, "a.rdb")
        with open(file, "wb") as f:
            f.write(small_rdb())
        for program in "rdb-verify", "rdb-checksum -q", "rdb-compress":
            result = programs.shell(f"{program} < {file} >&-")
            equal(result.code, 3)
            holds("cannot write standard output: bad file", result.err)
            result = programs.shell(f"{program} <&- > {folder}/out")
            equal(result.code, 3)
            holds("cannot read standard input: bad file", result.err)
        result = programs.shell(f"rdb-verify {file} >&-")
        equal(result.code, 3)
        programs.shell(f"rdb-verify < {file} 2>&- > {folder}/out").good()
        programs.shell(f"cos-put {folder}/b < {file} >&-").good()


def test_no_memory():
    """That is no fault of the data."""
    if programs.sanitized("rdb-compress"):
        cases.skip("sanitizers need more memory")
    for limit in 16000, 20000:
        result = programs.shell(
            f"ulimit -v {limit}; rdb-compress --trust-eof -l 19 < /dev/zero")
        equal(result.code, 3, result)
        holds("rdb-compress: ", result.err)
        holds("memory", result.err)


def test_error_lines_stay_lines():
    result = run("rdb-verify", "a\nb\x1b[2J", "redis://u:s3cr3t@h", "x://")
    equal(result.code, 3)
    equal(result.err.count(b"\n"), 4)
    holds("cannot open a\\x0ab\\x1b[2J: no such file", result.err)
    holds("cannot open redis://u:***@h: no such file", result.err)


def test_progress_as_json():
    result = run("rdb-verify", "--progress=json", input=small_rdb()).good()
    holds('{"program":"rdb-verify","bytes":', result.err)
    holds('"done":true}', result.err)


if __name__ == "__main__":
    cases.main()
