"""A place to try the driver in: stand-ins for all programs, and a store."""

import os
import shutil
import signal
import subprocess
import tempfile
import time

from harness import programs
from harness.cases import equal

CAPTURE = ["rdb-capture", "rdb-verify", "rdb-digest", "rdb-checksum",
           "rdb-compress", "cos-put"]
RESTORE = ["cos-get", "rdb-decompress", "rdb-verify", "rdb-digest",
           "rdb-checksum", "rdb-restore"]


class Scratch:
    """A folder with stand-ins, a store, and the driver to run in it."""

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="rdbpipe-driver-")
        self.bin = os.path.join(self.folder, "bin")
        self.store = os.path.join(self.folder, "store")
        self.log = os.path.join(self.folder, "log")
        os.mkdir(self.bin)
        standin = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                               "standin.py")
        for name in set(CAPTURE + RESTORE):
            shutil.copy(standin, os.path.join(self.bin, name))
            os.chmod(os.path.join(self.bin, name), 0o755)
        return self

    def __exit__(self, *_):
        for pid in self.leftovers():    # of a test that failed
            os.kill(pid, signal.SIGKILL)
        shutil.rmtree(self.folder)

    def environment(self, orders=""):
        return {"RDBPIPE_PROGRAMS": self.bin, "STANDIN": orders,
                "RDBPIPE_STORE": self.store, "STANDIN_LOG": self.log,
                "STANDIN_RESTORED": os.path.join(self.folder, "restored")}

    def run(self, *words, orders="", **more):
        return programs.run("rdbpipe", *words,
                            env={**self.environment(orders), **more})

    def backup(self, orders="", url="redis://127.0.0.1:1", **more):
        return self.run("backup", url, "--instance", "cache", orders=orders,
                        **more)

    def clone(self, *words, orders=""):
        return self.run("clone", "latest", "--to", "redis://127.0.0.1:2",
                        *words, orders=orders)

    def files(self):
        return sorted(os.path.join(d, f)[len(self.store) + 1:]
                      for d, _, names in os.walk(self.store) for f in names)

    def restored(self):
        return os.path.exists(os.path.join(self.folder, "restored"))

    def leftovers(self):
        """Processes that still run a program of ours."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/cmdline", "rb") as f:
                    if self.bin.encode() in f.read():
                        found.append(int(pid))
            except OSError:
                pass
        return found

    def nothing_left(self):
        equal(self.files(), [], "files in the store")
        equal(self.leftovers(), [], "programs still running")


def blame(result):
    """The driver's own error line: the last."""
    return result.err.decode().rstrip("\n").split("\n")[-1]


def start(s, *words, orders, **more):
    return subprocess.Popen(
        [programs.path("rdbpipe"), *words], stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, preexec_fn=programs.die_with_parent,
        env=programs.environment(**s.environment(orders), **more))


def wait_for(what, seconds=10):
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)
