"""Which servers this machine has, see tests/engines."""

import os
import subprocess
import tempfile

from . import cases, programs

FOLDER = os.environ.get("RDBPIPE_ENGINES") or os.path.join(
    programs.ROOT, "build", "engines")
NAMES = ("redis-7.0", "redis-8.0", "valkey-8.1", "valkey-9")


class Engine:
    """name; kind ("redis", "valkey"); version as a tuple; the programs."""

    def __init__(self, name, folder):
        self.name, self.folder = name, folder
        self.kind = name.split("-")[0]
        self.server = os.path.join(folder, self.kind + "-server")
        self.cli = os.path.join(folder, self.kind + "-cli")
        self.check_rdb = os.path.join(folder, self.kind + "-check-rdb")
        said = subprocess.run([self.server, "--version"], check=True,
                              capture_output=True, text=True).stdout
        words = [w[2:] for w in said.split() if w.startswith("v=")]
        self.version = tuple(int(n) for n in words[0].split("."))

    def __str__(self):
        return self.name

    @property
    def field_ttls(self):
        """Whether fields of hashes can expire."""
        return self.version >= ((7, 4) if self.kind == "redis" else (9, 0))


_found = {}


def get(name="redis-7.0"):
    """The engine of that name; the case is skipped when there is none."""
    if name not in _found:
        folder = os.path.join(FOLDER, name)
        if os.path.exists(os.path.join(folder, name.split("-")[0] + "-server")):
            _found[name] = Engine(name, folder)
        elif name == "redis-7.0":
            _found[name] = _platform(name)
        else:
            cases.skip(why_missing(name))
    return _found[name]


def _platform(name):
    """The installed engine: its server is its check-rdb by another name."""
    folder = tempfile.mkdtemp(prefix="engine-")
    programs.at_exit_remove(folder)
    for program in ("redis-server", "redis-check-rdb", "redis-cli"):
        source = program.replace("-server", "-check-rdb")
        if not os.path.exists("/usr/bin/" + source):
            cases.skip(f"{name} missing: redis-tools is not installed")
        os.symlink("/usr/bin/" + source, os.path.join(folder, program))
    return Engine(name, folder)


def why_missing(name):
    """What tests/engines/get said of an engine it could not have."""
    try:
        with open(os.path.join(FOLDER, "versions")) as lines:
            for line in lines:
                if line.split()[0] == name:
                    return line.strip()
    except FileNotFoundError:
        pass
    return f"{name} missing: tests/engines/get has not been run"
