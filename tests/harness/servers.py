"""Real servers for tests: each in a scratch folder, on free ports of the
loopback, gone when the test is, however that ends."""

import atexit
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from . import engines, programs
from .client import Client, Refused

_running = set()


def _loopback_name():
    """A name of 127.0.0.1, or the number where names are not resolved."""
    try:
        socket.getaddrinfo("localhost", None, socket.AF_INET)
        return "localhost"
    except OSError:
        return "127.0.0.1"


LOCALHOST = _loopback_name()


class Server:
    """A running server.  Use as a context manager, or stop() it.

    engine    a name of engines.NAMES, or an engines.Engine
    config    more lines of its configuration
    unix      also listen on a Unix socket: .socket_path
    tls       a certs.Certs: also listen with TLS on .tls_port; clients must
              show a certificate unless config says otherwise
    rdb       a dump file to start with
    password  of the default user
    """

    READY_SECONDS = 300

    def __init__(self, engine="redis-7.0", config=(), unix=False, tls=None,
                 rdb=None, password=None):
        self.engine = engines.get(engine) if isinstance(engine, str) \
            else engine
        self.password, self.tls, self.process = password, tls, None
        # Short: the path of a Unix socket has 107 bytes at most.
        self.folder = tempfile.mkdtemp(prefix="srv-")
        self.socket_path = os.path.join(self.folder, "s") if unix else None
        self.log_path = os.path.join(self.folder, "log")
        self.rdb_path = os.path.join(self.folder, "dump.rdb")
        _running.add(self)
        try:
            if rdb is not None:
                shutil.copyfile(rdb, self.rdb_path)
            self._start(list(config))
        except BaseException:
            self.stop()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    # --- to talk to it ---

    def client(self, **how):
        """A new connection over TCP, or as Client's arguments say."""
        if not how.keys() & {"path", "port"}:
            how["port"] = self.port
        how.setdefault("password", self.password)
        return Client(**how)

    def call(self, *words):
        """One command over a connection of its own."""
        with self.client() as client:
            return client.call(*words)

    def info(self, section="everything"):
        text = self.call("INFO", section).decode(errors="replace")
        return dict(line.split(":", 1) for line in text.split("\r\n")
                    if ":" in line)

    def digest(self):
        """The server's own fingerprint of its data."""
        return self.call("DEBUG", "DIGEST").decode()

    def url(self, over="tcp", user=None, password=None):
        """Its URL for our programs; over is "tcp", "tls" or "unix"."""
        password = password or self.password
        who = f"{user or ''}:{password}@" if password else ""
        return {"tcp": f"redis://{who}127.0.0.1:{self.port}",
                "tls": f"rediss://{who}127.0.0.1:{self.tls_port}",
                "unix": f"unix://{who}{self.socket_path}"}[over]

    def log(self):
        try:
            with open(self.log_path, errors="replace") as log:
                return log.read()
        except FileNotFoundError:
            return ""

    # --- its life ---

    @property
    def pid(self):
        return self.process.pid

    def stop(self):
        """Kill it and remove its folder.  Safe to say twice."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
        if self.process is not None:
            self.process.wait()
            self._wait_for_children()
        shutil.rmtree(self.folder, ignore_errors=True)
        _running.discard(self)

    def _start(self, config):
        for _ in range(10):
            self.port, self.tls_port = free_port(), \
                free_port() if self.tls else None
            self._write_config(config)
            with open(self.log_path, "ab") as log:
                self.process = subprocess.Popen(
                    [self.engine.server, os.path.join(self.folder, "conf")],
                    cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log,
                    stderr=log, preexec_fn=programs.die_with_parent)
            if self._wait_until_ready():
                return
        raise RuntimeError(f"{self.engine} found no free port")

    def _write_config(self, config):
        lines = [f"port {self.port}", "bind 127.0.0.1", "daemonize no",
                 f"dir {self.folder}", 'save ""', "appendonly no",
                 "enable-debug-command yes", "repl-diskless-sync-delay 0"]
        if self.socket_path:
            lines += [f"unixsocket {self.socket_path}"]
        if self.tls:
            lines += [f"tls-port {self.tls_port}",
                      f"tls-ca-cert-file {self.tls.ca}",
                      f"tls-cert-file {self.tls.server_cert}",
                      f"tls-key-file {self.tls.server_key}"]
        if self.password:
            lines += [f"requirepass {self.password}"]
        with open(os.path.join(self.folder, "conf"), "w") as conf:
            conf.write("\n".join(lines + config) + "\n")

    def _wait_until_ready(self):
        """False when somebody else had taken the port."""
        end = time.monotonic() + self.READY_SECONDS
        while time.monotonic() < end:
            if self.process.poll() is not None:
                if "Address already in use" in self.log():
                    return False
                raise RuntimeError(
                    f"{self.engine} ended at once: {self.log()[-2000:]}")
            # Answers by a stranger on our port are not an answer.
            try:
                info = self.info()
                if int(info["process_id"]) != self.process.pid:
                    self.process.kill()
                    self.process.wait()
                    return False
                if info["loading"] == "0":
                    return True
            except (OSError, Refused):
                pass
            time.sleep(0.02)
        raise RuntimeError(f"{self.engine} is not ready: {self.log()[-2000:]}")

    def _wait_for_children(self):
        """A forked child that saves a dump notices its parent's death only
        by and by: end those that still work in our folder."""
        for entry in os.listdir("/proc"):
            try:
                if entry.isdigit() and \
                        os.readlink(f"/proc/{entry}/cwd") == self.folder:
                    os.kill(int(entry), signal.SIGKILL)
            except OSError:
                pass


def free_port():
    """A port that nobody listens on now; whoever uses it must look again."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@atexit.register
def _stop_all():
    for server in list(_running):
        server.stop()


def _exit_on_signal(number, _):
    # sys.exit would be caught by a case that catches everything.
    _stop_all()
    os._exit(128 + number)


signal.signal(signal.SIGTERM, _exit_on_signal)
