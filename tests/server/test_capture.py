#!/usr/bin/env python3
"""rdb-capture against real servers and against some that misbehave.

Goal: standard output is exactly the RDB, over every transport and framing,
with no more rights than needed; and every way it fails has a line that helps
and the right exit code.
"""

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)),
                                ".."))

from harness import cases, certs, data, engines, programs, servers  # noqa
from fake import FakeServer, primary  # noqa: E402

RULES = "+psync +replconf +ping"


def capture(*words, **how):
    """Run rdb-capture: its Result, with .facts."""
    read, write = os.pipe()
    try:
        result = programs.run("rdb-capture", "--facts-fd", write, *words,
                              pass_fds=[write], **how)
    finally:
        os.close(write)
    with open(read) as lines:
        result.facts = dict(line.rstrip("\n").split(" ", 1) for line in lines)
    return result


def check_dump(server, dump, scratch):
    """The engine's own checker accepts it, a server that starts with it has
    the same data, and nothing follows its end."""
    path = os.path.join(scratch, "dump.rdb")
    with open(path, "wb") as file:
        file.write(dump)
    programs.run(server.engine.check_rdb, path).good()
    verified = programs.run("rdb-verify", path).good()
    cases.holds(": ok: RDB", verified.out)
    assert b"follows" not in verified.out, verified.out
    with servers.Server(server.engine, rdb=path) as other:
        cases.equal(other.digest(), server.digest(), "DEBUG DIGEST")


@cases.each(*[(name, mode) for name in engines.NAMES for mode in "yes no"
              .split()])
def test_engines(name, diskless):
    """Both framings, from every engine."""
    with servers.Server(name, [f"repl-diskless-sync {diskless}"]) as server, \
            tempfile.TemporaryDirectory() as scratch:
        data.fill(server, 500)
        result = capture(server.url()).good()
        cases.equal(result.err, b"")
        check_dump(server, result.out, scratch)
        info = server.info()
        facts = result.facts
        cases.equal(facts["engine"], server.engine.kind)
        cases.equal(facts["engine-version"],
                    ".".join(map(str, server.engine.version)))
        cases.equal(facts["run-id"], info["run_id"])
        cases.equal(facts["role"], "master")
        cases.equal(facts["replid"], info["master_replid"])
        assert int(facts["offset"]) <= int(info["master_repl_offset"])
        cases.equal(facts["framing"], {"yes": "eof", "no": "length"}[diskless])
        cases.equal(facts["via"], "psync")
        cases.equal(facts["rdb-only"], "yes")
        cases.equal(facts["bytes"], str(len(result.out)))
        cases.equal(facts["exit"], "0")


@cases.each(("redis-8.0", "repl-rdb-channel yes"),
            ("valkey-8.1", "dual-channel-replication-enabled yes"),
            ("valkey-9", "dual-channel-replication-enabled yes"))
def test_other_channels(name, config):
    """A server that would send its RDB over a channel of its own."""
    with servers.Server(name, [config]) as server, \
            tempfile.TemporaryDirectory() as scratch:
        data.fill(server, 200)
        check_dump(server, capture(server.url()).good().out, scratch)


def test_older_format_from_valkey():
    """--replica-version makes Valkey 9 write what Redis 7.2 reads."""
    with servers.Server("valkey-9") as server:
        server.call("SET", "a", "b")
        cases.equal(capture(server.url()).good().out[:9], b"VALKEY080")
        old = capture(server.url(), "--replica-version", "8.1.0").good()
        cases.equal(old.out[:9], b"REDIS0011")
        server.call("HSET", "h", "f", "v")
        server.call("HEXPIRE", "h", "10000", "FIELDS", "1", "f")
        failed = capture(server.url(), "--replica-version", "8.1.0")
        cases.equal(failed.code, 4)
        cases.equal(capture(server.url()).good().out[:9], b"VALKEY080")


def test_unix_socket():
    with servers.Server(unix=True, password="s3cret") as server, \
            tempfile.TemporaryDirectory() as scratch:
        data.fill(server, 100)
        check_dump_of = capture(server.url("unix")).good()
        # check_dump starts a server without a password
        path = os.path.join(scratch, "dump.rdb")
        with open(path, "wb") as file:
            file.write(check_dump_of.out)
        with servers.Server(rdb=path) as other:
            cases.equal(other.digest(), server.digest())


@cases.each("redis-7.0", "valkey-9")
def test_tls(name):
    with tempfile.TemporaryDirectory() as folder:
        ours, theirs = certs.Certs(folder + "/a"), certs.Certs(folder + "/b")
        with servers.Server(name, tls=ours) as server:
            data.fill(server, 2000)
            url = server.url("tls")
            show = ["--tls-cert", ours.client_cert,
                    "--tls-key", ours.client_key]
            trust = ["--tls-ca", ours.ca]
            check_dump(server, capture(url, *show, *trust).good().out, folder)
            named = url.replace("127.0.0.1", servers.LOCALHOST)
            capture(named, *show, *trust).good()

            _refused(capture(url, *show, "--tls-ca", theirs.ca), 4,
                     "the server's certificate is not trusted: ",
                     "(see --tls-ca)")
            _refused(capture(url, *show), 4, "is not trusted")
            _refused(capture(url, *show, *trust, "--tls-server-name", "other"),
                     4, "certificate is for another name",
                     "--tls-server-name")
            _refused(capture(url, *trust), 4,
                     "the server wants a certificate from us: give "
                     "--tls-cert and --tls-key")
            _refused(capture(url, *trust, "--tls-cert", theirs.client_cert,
                             "--tls-key", theirs.client_key), 4,
                     "does not trust our certificate")
            loud = capture(url, *show, "--tls-insecure").good()
            cases.holds("warning: --tls-insecure", loud.err)

            plain = server.url().replace("redis://", "rediss://")
            _refused(capture(plain, *show, *trust, "--timeout", "300ms"), 4,
                     "no answer to the TLS handshake (does this port")
            _refused(capture(url.replace("rediss:", "redis:")), 4,
                     "connection")


def test_tls_to_another_protocol():
    with FakeServer(lambda connection: connection.say(b"220 hello\r\n")) as \
            fake:
        _refused(capture(fake.url.replace("redis:", "rediss:")), 4,
                 "does not speak TLS on this port")


def test_tls_files():
    with tempfile.TemporaryDirectory() as folder:
        ours = certs.Certs(folder)
        with servers.Server(tls=ours) as server:
            url = server.url("tls")
            _refused(capture(url, "--tls-ca", "/nowhere"), 3,
                     "cannot read /nowhere: no such file")
            _refused(capture(url, "--tls-ca", ours.ca_key), 2,
                     "no certificate in it")
            _refused(capture(url, "--tls-cert", ours.ca_key), 2,
                     "no certificate in it")
            _refused(capture(url, "--tls-cert", ours.client_cert,
                             "--tls-key", ours.server_key), 2,
                     "no private key for the certificate in it")
            _refused(capture(url, "--tls-key", ours.client_key), 2,
                     "--tls-key needs --tls-cert")
            _refused(capture(server.url(), "--tls-ca", ours.ca), 2,
                     "need a URL of TLS: rediss://")


@cases.each(*engines.NAMES)
def test_restricted_user(name):
    """The least rights are enough, and each that is missing is named."""
    with servers.Server(name) as server, \
            tempfile.TemporaryDirectory() as scratch:
        data.fill(server, 100)
        rules = RULES.split()
        server.call("ACL", "SETUSER", "backup", "on", ">pw", "-@all", *rules)
        url = server.url(user="backup", password="pw")
        result = capture(url).good()
        check_dump(server, result.out, scratch)
        assert "engine" not in result.facts
        if name == "valkey-9":
            cases.equal(result.out[:6], b"VALKEY")
        server.call("ACL", "SETUSER", "backup", "-ping")
        capture(url).good()     # PING is a courtesy
        for rule in "psync", "replconf":
            server.call("ACL", "SETUSER", "backup", "-" + rule)
            _refused(capture("--via", "psync", url), 4,
                     f'user "backup" lacks +{rule}: ACL SETUSER backup '
                     + RULES)
            server.call("ACL", "SETUSER", "backup", "+" + rule)


def test_passwords():
    with servers.Server(password="s3cret") as server, \
            tempfile.TemporaryDirectory() as scratch:
        path = os.path.join(scratch, "pw")
        url = f"redis://127.0.0.1:{server.port}"
        with open(path, "w") as file:
            file.write("s3cret\nmore\n")
        capture(server.url()).good()
        capture(url, "--password-file", path).good()
        capture(url, "--password-file", path, "--user", "default").good()
        capture(url, env={"REDISCLI_AUTH": "s3cret"}).good()
        capture(url.replace("//", "//default@"),
                env={"REDISCLI_AUTH": "s3cret"}).good()

        _refused(capture(url), 4, "wants a password")
        _refused(capture(server.url(password="wr0ng")), 4,
                 'wrong password for user "default"')
        _refused(capture(server.url(user="nobody", password="wr0ng")), 4,
                 'wrong password for user "nobody"')
        _refused(capture(server.url(), "--password-file", path), 2,
                 "give one of them")
        _refused(capture(server.url(user="a"), "--user", "b"), 2,
                 "give one of them")
        _refused(capture(url, "--user", "b"), 2, "a user without a password")
        _refused(capture(url, "--password-file", "/nowhere"), 3,
                 "cannot open /nowhere")
        open(path, "w").close()
        _refused(capture(url, "--password-file", path), 2,
                 "the first line is empty")
        with open(path, "wb") as file:
            file.write(b"a\0b\n")
        _refused(capture(url, "--password-file", path), 2, "is no password")


def test_no_password_set():
    with servers.Server("redis-7.0") as server:
        _refused(capture(server.url(password="wr0ng")), 4,
                 "has no password set, but one was given")


def test_wrong_addresses():
    port = servers.free_port()
    _refused(capture(f"redis://127.0.0.1:{port}"), 4,
             f"cannot connect to 127.0.0.1:{port}: connection refused")
    _refused(capture("unix:///nowhere/s"), 4,
             "cannot connect to /nowhere/s: no such file")
    _refused(capture("redis://no-such-host.invalid"), 4,
             "cannot find the address of no-such-host.invalid")
    _refused(capture("redis://127.0.0.1:1/3"), 2, "names database 3")
    _refused(capture("127.0.0.1"), 2, "begins with redis://")


def test_replica_without_primary():
    """-NOMASTERLINK is waited out, but not for ever."""
    port = servers.free_port()
    with servers.Server(config=[f"replicaof 127.0.0.1 {port}"]) as server:
        result = capture(server.url(), "--timeout", "1s")
        _refused(result, 4, "not ready within 1 s (--timeout): NOMASTERLINK")
        cases.holds("waiting for the server: NOMASTERLINK", result.err)
        cases.holds("is a replica without a link to its primary", result.err)
        quiet = capture(server.url(), "--timeout", "1s", "-q")
        assert quiet.err.count(b"\n") == 1, quiet.err
        server.call("REPLICAOF", "NO", "ONE")
        capture(server.url()).good()


def test_from_replica():
    with servers.Server() as first:
        data.fill(first, 100)
        with servers.Server(
                config=[f"replicaof 127.0.0.1 {first.port}"]) as second, \
                tempfile.TemporaryDirectory() as scratch:
            while second.info()["master_link_status"] != "up":
                time.sleep(0.05)
            result = capture(second.url()).good()
            cases.equal(result.facts["role"], "slave")
            cases.equal(result.facts["replid"], first.info()["master_replid"])
            check_dump(first, result.out, scratch)


def test_loading_server():
    """-LOADING, from a server that is done soon."""
    with servers.Server() as server:
        server.call("SET", "a", "b")
        dump = capture(server.url()).good().out

    def send(connection):
        connection.say(b"\n\n$%d\r\n" % len(dump) + dump)
    with FakeServer(primary(send, [b"-LOADING Redis is loading\r\n"] * 3)) \
            as fake:
        result = capture(fake.url).good()
        cases.equal(result.out, dump)
        cases.holds("waiting for the server: LOADING", result.err)


def test_closed_in_the_middle():
    """A stream cut by the server is exit 4 and never a whole RDB."""
    with servers.Server() as server:
        data.fill(server, 3000)
        dump = capture(server.url()).good().out
    mark = b"m" * 40
    for head, tail in (b"$%d\r\n" % len(dump), b""), \
            (b"$EOF:" + mark + b"\r\n", mark):
        for n in 0, 1, 8, 9, 10, 1000, len(dump) // 2, len(dump) - 1, \
                len(dump), len(dump) + 1, len(dump) + 39:
            if n >= len(dump) + len(tail):
                continue

            def send(connection):
                connection.say((head + dump + tail)[:len(head) + n])
            with FakeServer(primary(send)) as fake:
                result = capture(fake.url)
                _refused(result, 4, "closed the connection")
                assert len(result.out) < len(dump), (n, len(result.out))
                assert dump.startswith(result.out)
                verified = programs.run("rdb-verify", input=result.out)
                cases.equal(verified.code, 1)


def test_silent_server():
    def send(connection):
        connection.say(b"$1000\r\nREDIS0011")
        time.sleep(3)
    with FakeServer(primary(send)) as fake:
        _refused(capture(fake.url, "--timeout", "500ms"), 4,
                 "the snapshot broke off after 9 bytes", "nothing came for")


def test_wrong_bytes():
    with servers.Server() as server:
        server.call("SET", "key", "value" * 10)
        dump = bytearray(capture(server.url()).good().out)
    dump[-20] ^= 1

    def send(connection):
        connection.say(b"$%d\r\n" % len(dump) + dump)
    with FakeServer(primary(send)) as fake:
        result = capture(fake.url)
        cases.equal(result.code, 1)
        cases.holds("offset ", result.err)
        cases.equal(result.facts["exit"], "1")


def test_signal_and_secret():
    """SIGTERM ends a wait at once with 143; the password has gone from the
    list of processes by then."""
    greeted = threading.Event()

    def send(connection):
        greeted.set()
        time.sleep(5)
    with FakeServer(primary(send)) as fake:
        url = fake.url.replace("//", "//user:s3cret@")
        with subprocess.Popen([programs.path("rdb-capture"), url],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              env=programs.environment()) as child:
            assert greeted.wait(10)
            with open(f"/proc/{child.pid}/cmdline", "rb") as line:
                words = line.read()
            assert b"s3cret" not in words and b"user:xxxxxx@" in words, words
            child.send_signal(signal.SIGTERM)
            out, err = child.communicate(timeout=10)
        cases.equal(child.returncode, 143)
        cases.equal(out, b"")
        assert b"s3cret" not in err


def test_large_value():
    """Memory does not grow with a value."""
    with servers.Server() as server:
        data.big_string(server, "big", 100 << 20)
        result, = programs.chain(["rdb-capture", server.url()])
        result.good()
        if not programs.sanitized("rdb-capture"):
            assert result.peak < 64 << 20, result.peak


def _refused(result, code, *says):
    cases.equal(result.code, code, f"exit ({result.err})")
    for words in says:
        cases.holds(words, result.err, "stderr")
    assert b"s3cret" not in result.err and b"wr0ng" not in result.err
    assert result.err.startswith(b"rdb-capture: "), result.err


if __name__ == "__main__":
    cases.main()
