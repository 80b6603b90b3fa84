#!/usr/bin/env python3
"""Goal: whatever a program of a chain does wrong, at whatever place, the
driver blames the right one, ends with its exit status, publishes nothing and
leaves nothing behind.  The programs are stand-ins (standin.py)."""

import ast
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from chain.scratch import (                                     # noqa: E402
    CAPTURE, RESTORE, Scratch, blame, start, wait_for)
from harness import cases, programs                             # noqa: E402
from harness.cases import equal, holds                          # noqa: E402

SECRET = "s3cr3t-w0rd"


def test_good():
    with Scratch() as s:
        made = s.backup().good()
        name = made.out.decode().strip()
        equal(s.files(), [f"cache/{name}/manifest.json",
                          f"cache/{name}/shard-0000.rdb.zst"])
        holds("rdb-capture redis://127.0.0.1:1 | rdb-verify | rdb-digest "
              "--watch | rdb-checksum", made.err, "the chain")
        holds("5 keys, 2.9 KiB raw, 1000 B stored", made.err)
        with open(f"{s.store}/cache/{name}/manifest.json") as f:
            manifest = json.load(f)
        shard = manifest["shards"][0]
        equal(shard["source"]["offset"], 9007199254740993)
        equal(shard["databases"], [{"db": 0, "keys": 3, "expires": 2},
                                   {"db": 9, "keys": 2, "expires": 0}])
        equal(shard["digest"], "d" * 32)
        equal(s.clone("--prove").good().out.decode().split("\n")[1],
              "digest " + "d" * 32 + " equal")
        equal(s.restored(), True)
        holds(f"cache/{name}: good, 5 keys, digest " + "d" * 32,
              s.run("verify", name).good().out)


@cases.each(*[(p, w, c) for p in CAPTURE for w, c in
              [("exit:1", 1), ("exit:4", 4), ("late:3", 3), ("kill:9", 3),
               ("kill:2", 3), ("kill:11", 5), ("exit:77", 5)]])
def test_one_fails(program, what, code):
    with Scratch() as s:
        result = s.backup(f"{program}={what}")
        equal(result.code, code, "exit status")
        number = what.partition(":")[2]
        want = f"{program} was killed by signal {number} (" \
            if what.startswith("kill") else \
            f"{program} failed first, with exit status {number}"
        holds(want, blame(result), "blame")
        equal(result.out, b"", "standard output")
        s.nothing_left()


def test_disk_full_at_the_end():
    """The others have ended well by then; it is not the data that is wrong."""
    with Scratch() as s:
        result = s.backup("cos-put=full")
        equal(result.code, 3, result)
        holds("cos-put failed first, with exit status 3", blame(result))
        s.nothing_left()


@cases.each(*CAPTURE)
def test_stopped_child(program):
    """A program that was told to stop says 143, and so do we."""
    with Scratch() as s:
        result = s.backup(f"{program}=exit:143")
        equal(result.code, 143, "exit status")
        holds(f"{program} was stopped by signal 15", blame(result))
        s.nothing_left()


@cases.each(*CAPTURE)
def test_no_facts(program):
    """Status 0 without complete facts is not believed."""
    for how in "mute", "half":
        with Scratch() as s:
            result = s.backup(f"{program}={how}")
            equal(result.code, 5, "exit status")
            holds(f"{program} ended well, but its facts do not",
                  blame(result))
            s.nothing_left()


@cases.each(
    ("rdb-capture=say:bytes:2999", 1,
     "rdb-capture gave 2999 bytes, rdb-verify took 3000"),
    ("rdb-verify=say:bytes:3001", 1,
     "rdb-capture gave 3000 bytes, rdb-verify took 3001"),
    ("rdb-checksum=say:bytes:1", 1,
     "rdb-verify gave 3000 bytes, rdb-checksum took 1"),
    ("rdb-compress=say:bytes-in:1", 1,
     "rdb-checksum gave 3000 bytes, rdb-compress took 1"),
    ("rdb-compress=say:bytes-out:1", 1,
     "rdb-compress gave 1 bytes, cos-put took 1000"),
    ("cos-put=say:bytes:999", 1,
     "rdb-compress gave 1000 bytes, cos-put took 999"),
    ("rdb-digest=say:keys:4", 1, "rdb-verify counted 5 keys, rdb-digest 4"),
    ("rdb-digest=say:expires:4", 1,
     "rdb-verify counted 2 expires, rdb-digest 4"),
    ("rdb-verify=say:bytes:many", 5, "rdb-verify did not say its bytes"),
    ("rdb-digest=say:digest:-", 5, "rdb-digest did not say its digest"),
    ("rdb-verify=say:crc:fine", 5,
     "rdb-verify says of its crc a word we do not know"),
    ("cos-put=say:crc64-xz:xyz", 5, "the new manifest is refused: "
     "shards[0].object.crc64-xz is not 16 lower case hex digits"),
    ("rdb-verify=say:db.0.keys:4", 5, "the new manifest is refused: "
     "shards[0].databases do not add up to its keys"),
    ("rdb-capture=say:offset:99999999999999999999", 5,
     "rdb-capture did not say its offset"))
def test_wrong_facts(order, code, words):
    """Facts that disagree call the backup off, before or after the fact; an
    object that was published in good faith is taken back."""
    with Scratch() as s:
        result = s.backup(order)
        equal(result.code, code, "exit status")
        holds(words, blame(result), "blame")
        s.nothing_left()


@cases.each(*CAPTURE[1:])
def test_reads_only_half(program):
    """A program that ends well without reading all is noticed."""
    with Scratch() as s:
        result = s.backup(f"{program}=short")
        assert result.code in (1, 5), result
        s.nothing_left()


@cases.each(*CAPTURE)
def test_hangs(program):
    """One fails, another would wait for ever: it is told to end."""
    other = "rdb-checksum" if program != "rdb-checksum" else "rdb-verify"
    with Scratch() as s:
        began = time.monotonic()
        result = s.backup(f"{program}=hang {other}=exit:4")
        equal(result.code, 4, "exit status")
        holds(f"{other} failed first", blame(result))
        assert time.monotonic() - began < 5
        s.nothing_left()


def test_deaf():
    """One that does not listen is killed in the end."""
    with Scratch() as s:
        began = time.monotonic()
        result = s.backup("rdb-digest=deaf rdb-compress=exit:3")
        equal(result.code, 3, "exit status")
        assert 6 < time.monotonic() - began < 15
        s.nothing_left()


@cases.each((signal.SIGTERM, 143), (signal.SIGINT, 130),
            (signal.SIGHUP, 129))
def test_signal(number, code):
    with Scratch() as s:
        child = start(s, "backup", "redis://127.0.0.1:1", "--instance", "i",
                      orders="rdb-digest=hang")
        wait_for(lambda: len(s.leftovers()) == len(CAPTURE))
        time.sleep(0.2)
        child.send_signal(number)
        out, err = child.communicate(timeout=20)
        equal(child.returncode, code, "exit status")
        holds(f"rdbpipe: stopped by signal {int(number)}", err)
        equal(out, b"")
        s.nothing_left()


def test_signal_after_the_go_ahead():
    """The object is there already, but will not become a backup: it is
    removed again."""
    with Scratch() as s:
        child = start(s, "backup", "redis://127.0.0.1:1", "--instance", "i",
                      orders="cos-put=linger")
        wait_for(s.files)
        child.terminate()
        _, err = child.communicate(timeout=20)
        equal(child.returncode, 143, err)
        s.nothing_left()


def test_manifest_cannot_be_written():
    with Scratch() as s:
        with open(os.path.join(s.bin, "cos-put"), "a") as f:
            f.write("    os.mkdir(os.path.dirname(target()) "
                    "+ '/manifest.json')\n")
        result = s.backup()
        assert result.code in (3, 4), result
        holds("no manifest, so no backup: ", blame(result))
        equal(s.files(), [])


def test_killed():
    """The driver dies without a word: its programs end, nothing appears."""
    with Scratch() as s:
        child = start(s, "backup", "redis://127.0.0.1:1", "--instance", "i",
                      orders="rdb-digest=hang")
        wait_for(lambda: len(s.leftovers()) == len(CAPTURE))
        time.sleep(0.2)
        child.kill()
        wait_for(lambda: s.leftovers() == [])
        child.communicate()
        equal(s.files(), ["i/lock-00000001"], "it lasts until it expires")
        os.remove(os.path.join(s.store, "i", "lock-00000001"))
        s.nothing_left()


def test_descriptors_and_secrets():
    """Each program has its own descriptors and no other; the password is
    seen by the one that needs it, and by nobody else, nowhere."""
    with Scratch() as s:
        orders = " ".join(f"{p}=fds" for p in set(CAPTURE + RESTORE))
        url = f"redis://me:{SECRET}@127.0.0.1:1"
        # Something open that the driver inherited from its parent.
        leak = fcntl.fcntl(0, fcntl.F_DUPFD, 50)
        made = subprocess.run(
            [programs.path("rdbpipe"), "backup", url, "--instance", "cache"],
            env=programs.environment(**s.environment(orders)),
            pass_fds=[leak], capture_output=True)
        os.close(leak)
        equal(made.returncode, 0, made.stderr)
        assert SECRET.encode() not in made.stdout + made.stderr
        for name in CAPTURE:
            with open(f"{s.log}.{name}") as f:
                fds, argv, auth = ast.literal_eval(f.read())
            # The last one listed is the folder itself, being read.
            want = [0, 1, 2, 3, 4] if name == "cos-put" else [0, 1, 2, 3]
            equal([fd for fd in fds if fd in want or fd > 5], want, name)
            assert SECRET not in " ".join(argv), name
            equal(auth, SECRET if name == "rdb-capture" else None, name)
        for file in s.files():
            with open(os.path.join(s.store, file), "rb") as f:
                text = f.read()
            assert SECRET.encode() not in text
            if file.endswith("json"):
                holds('"url": "redis://me@127.0.0.1:1"', text)


def test_secret_in_our_environment():
    """A password that is given as a variable reaches no more programs."""
    with Scratch() as s:
        orders = " ".join(f"{p}=fds" for p in CAPTURE)
        s.run("backup", "redis://127.0.0.1:1", "--instance", "cache",
              orders=orders, REDISCLI_AUTH=SECRET).good()
        for name in CAPTURE:
            with open(f"{s.log}.{name}") as f:
                _, _, auth = ast.literal_eval(f.read())
            equal(auth, SECRET if name == "rdb-capture" else None, name)


def test_secret_in_the_wrong_place():
    with Scratch() as s:
        url = f"redis://me:{SECRET}@127.0.0.1:1"
        result = s.run("backup", "x", url, "--instance", "i")
        equal(result.code, 2)
        holds("'redis://me:***@127.0.0.1:1' is one operand too many",
              blame(result))


def test_password_is_not_in_our_own_words():
    with Scratch() as s:
        child = start(s, "backup", f"redis://:{SECRET}@127.0.0.1:1",
                      "--instance", "i", orders="rdb-digest=hang")
        wait_for(lambda: len(s.leftovers()) == len(CAPTURE))
        with open(f"/proc/{child.pid}/cmdline", "rb") as f:
            words = f.read()
        child.terminate()
        child.communicate(timeout=20)
        assert b"127.0.0.1:1" in words and SECRET.encode() not in words


def test_default_store():
    """/var/lib/rdbpipe for root, a folder at home for others."""
    with Scratch() as s:
        def line(home, **who):
            env = {k: v for k, v in programs.environment(
                **s.environment()).items() if k != "RDBPIPE_STORE"}
            env.pop("HOME", None)
            if home:
                env["HOME"] = home
            return subprocess.run(
                [programs.path("rdbpipe"), "backup", "redis://h", "--dry-run",
                 "--instance", "i"], env=env, capture_output=True, **who)
        other = {}
        if os.geteuid() == 0:
            holds(" /var/lib/rdbpipe/i/2", line("/home/x").stdout)
            os.chmod(s.folder, 0o755)
            other = {"user": 65534}
        try:
            holds(" /home/x/.local/share/rdbpipe/i/2",
                  line("/home/x", **other).stdout)
        except PermissionError:
            cases.skip("others cannot reach the programs")
        for home in "", "relative":
            result = line(home, **other)
            equal(result.returncode, 2)
            holds("no store: neither --store nor RDBPIPE_STORE nor HOME",
                  result.stderr)


def test_clone_called_off():
    """Nothing reaches the target's last byte when the backup is not what its
    manifest says."""
    for order, words in [
            ("cos-get=say:crc64-xz:" + "9" * 16, "stored crc64-xz: found "
             + "9" * 16 + ", not " + "2" * 16),
            ("rdb-checksum=say:xxh3-128:" + "9" * 32, "raw xxh3-128: found"),
            ("rdb-digest=say:digest:" + "9" * 32, "digest: found"),
            ("rdb-verify=say:db.0.keys:4", "keys per database differ"),
            ("rdb-verify=say:crc:unverified",
             "rdb crc: found unverified, not good"),
            ("rdb-verify=say:functions:7", "functions: found 7, not 1")]:
        with Scratch() as s:
            s.backup().good()
            result = s.clone(orders=order)
            equal(result.code, 1, order)
            holds("not what the manifest says: ", blame(result))
            holds(words, blame(result))
            equal(s.restored(), False, "restored")
            equal(s.leftovers(), [])
            checked = s.run("verify", "latest", orders=order)
            equal(checked.code, 1)
            holds("BAD: " + words, checked.out)


@cases.each(*RESTORE)
def test_clone_fails(program):
    with Scratch() as s:
        s.backup().good()
        for what, code in ("late:1", 1), ("kill:9", 3), ("exit:4", 4):
            result = s.clone(orders=f"{program}={what}")
            equal(result.code, code, f"{what}: exit status")
            holds(program, blame(result))
            equal(s.restored(), False, "restored")


def test_prove_differs():
    """Without expiries a difference is a difference; with them both sides
    are asked again, as of a time."""
    with Scratch() as s:
        s.backup().good()
        other = os.path.join(s.folder, "other")
        # From the second capture on, the clone has another digest.
        with open(os.path.join(s.bin, "rdb-digest")) as f:
            text = f.read()
        with open(os.path.join(s.bin, "rdb-digest"), "w") as f:
            f.write(text.replace("    facts = dict(FACTS[NAME])\n", f"""
    facts = dict(FACTS[NAME])
    if "--watch" not in sys.argv and not os.path.exists({other!r}):
        facts["digest"] = "9" * 32
    if "--at" in sys.argv:
        facts["left-out"] = 2
        open({other!r} + ".at", "w").write(sys.argv[-1])
"""))
        result = s.clone("--prove")
        equal(result.code, 0, result)
        holds("digest " + "9" * 32 + " equal, 2 keys and 0 fields left out",
              result.out)
        holds("comparing what does not expire soon", result.err)
        at = int(open(other + ".at").read()) / 1000
        assert time.time() < at < time.time() + 60, at
        with open(other, "w"):
            pass
        result = s.clone("--prove",
                         orders="rdb-digest=say:digest-functions:" + "0" * 32)
        equal(result.code, 1)


def test_prove_really_differs():
    with Scratch() as s:
        s.backup().good()
        with open(os.path.join(s.bin, "rdb-digest")) as f:
            text = f.read()
        with open(os.path.join(s.bin, "rdb-digest"), "w") as f:
            f.write(text.replace("    facts = dict(FACTS[NAME])\n", """
    facts = dict(FACTS[NAME])
    if "--watch" not in sys.argv:
        facts["digest"] = str(time.time_ns()).rjust(32, "0")
"""))
        result = s.clone("--prove")
        equal(result.code, 1, result)
        holds("the clone differs: digest 0000", blame(result))


def test_missing_program():
    with Scratch() as s:
        os.remove(os.path.join(s.bin, "rdb-capture"))
        lonely = os.path.join(s.folder, "lonely")
        os.mkdir(lonely)
        shutil.copy(programs.path("rdbpipe"), lonely)
        result = subprocess.run(
            [os.path.join(lonely, "rdbpipe"), "backup", "redis://h",
             "--instance", "i"], capture_output=True,
            env={**programs.environment(**s.environment()),
                 "PATH": "/usr/bin:/bin"})
        equal(result.returncode, 3)
        holds("cannot find rdb-capture: neither beside rdbpipe nor on PATH",
              result.stderr)
        s.nothing_left()


def test_unstartable_program():
    with Scratch() as s:
        with open(os.path.join(s.bin, "rdb-digest"), "w") as f:
            f.write("#!/nonexistent/interpreter\n")
        result = s.backup()
        equal(result.code, 3)
        holds("cannot start ", blame(result))
        holds("rdb-digest: no such file", blame(result))
        s.nothing_left()


@cases.each(
    ([], 2, "backup: URL|INSTANCE is missing, see --help"),
    (["redis://h"], 2, "backup wants --instance NAME"),
    (["redis://h", "x", "--instance", "i"], 2,
     "'x' is one operand too many"),
    (["redis://h", "--instance", "a/b"], 2, '--instance "a/b": a name is'),
    (["redis://h", "--instance", ".a"], 2, '--instance ".a": a name is'),
    (["redis://h", "--instance", "i", "--level", "99"], 2,
     "--level wants a whole number, 1 to 19"),
    (["redis://h", "--instance", "i", "--timeout", "soon"], 2,
     "--timeout wants a time"),
    (["redis://h", "--instance", "i", "--via", "guess"], 2,
     "--via wants one of auto, psync, scan, not 'guess'"),
    (["redis://h", "--instance", "i", "--remark", b"\xff"], 2,
     "--remark is not UTF-8"),
    (["redis://h", "--instance", "i", "--store", ""], 2,
     "--store wants a store"),
    (["redis://:p@h", "--instance", "i", "--password-file", "f"], 2,
     "a password in the URL and --password-file: give one of them"),
    (["ftp://h", "--instance", "i"], 2, "a server's URL begins with"),
    (["--what"], 2, "unknown option '--what', see --help"))
def test_wrong_usage(words, code, text):
    with Scratch() as s:
        words = [os.fsdecode(w) if isinstance(w, bytes) else w
                 for w in words]
        result = s.run("backup", *words)
        equal(result.code, code)
        holds(text, blame(result))
        s.nothing_left()


def test_verbs():
    with Scratch() as s:
        result = s.run("bakcup")
        equal(result.code, 2)
        holds("unknown verb 'bakcup'; there are backup, list, show, verify, "
              "clone", result.err)
        equal(s.run().code, 2)
        holds("usage: rdbpipe VERB", s.run("--help").good().out)
        holds("rdbpipe 0.", s.run("--version").good().out)
        for verb in "backup", "list", "show", "verify", "clone":
            helped = s.run(verb, "--help").good().out
            holds(f"usage: rdbpipe {verb} ", helped)
            holds("--store STORE", helped)
        holds("clone wants --to URL", s.run("clone", "x").err)
        holds('no backup "x" here',
              s.run("clone", "x", "--to", "redis://h").err)


def test_two_in_one_second():
    """The second one takes the next second."""
    with Scratch() as s:
        children = [start(s, "backup", "redis://h", "--instance", "i", "-q",
                          orders="") for _ in range(2)]
        first = s.backup("", url="redis://h").good()
        again = s.backup("", url="redis://h").good()
        for child in children:
            child.communicate()
        assert first.out != again.out
        equal(len({f.rpartition("/")[0] for f in s.files()
                   if f.startswith("cache/")}), 2)


def test_another_with_the_same_id():
    """Whoever comes second fails, and leaves the first one's object alone."""
    with Scratch() as s:
        with open(os.path.join(s.bin, "cos-put")) as f:
            text = f.read()
        with open(os.path.join(s.bin, "cos-put"), "w") as f:
            f.write(text.replace("    with open(path, \"wb\") as f:\n", """
    with open(path, "wb") as f:
        f.write(b"of another")
    sys.stderr.write(path + ": exists already\\n")
    sys.exit(4)
    with open(path, "wb") as f:
"""))
        result = s.backup()
        equal(result.code, 4, result)
        holds("cos-put failed first, with exit status 4", blame(result))
        [file] = s.files()
        with open(os.path.join(s.store, file), "rb") as f:
            equal(f.read(), b"of another")


def test_quiet():
    with Scratch() as s:
        result = s.run("backup", "redis://h", "--instance", "i", "-q",
                       orders="rdb-verify=fds").good()
        equal(result.err, b"")
        with open(s.log + ".rdb-verify") as f:
            assert "--quiet" in f.read()


def test_dry_run():
    with Scratch() as s:
        url = f"redis://me:{SECRET}@127.0.0.1:1"
        result = s.run("backup", url, "--instance", "a", "--dry-run",
                       "--level", "7").good()
        line = result.out.decode()
        assert SECRET not in line + result.err.decode()
        holds("needs the password of redis://me@127.0.0.1:1 in the "
              "environment, as REDISCLI_AUTH", result.err)
        equal(line.count("\n"), 1)
        holds(f"{s.bin}/rdb-compress --level 7 | ", line)
        s.nothing_left()
        programs.shell(line, env=s.environment()).good()
        equal(len(s.files()), 1)
        listed = s.run("list").good()
        holds("1 unfinished attempt without a manifest, see --all",
              listed.err)
        equal(listed.out.count(b"\n"), 1)
        holds("unfinished", s.run("list", "--all").good().out)
        shown = s.run("show", s.files()[0].split("/")[1])
        equal(shown.code, 1)
        holds("has no manifest: that backup was not finished", shown.err)


if __name__ == "__main__":
    cases.main()
