"""Our programs, run the ways a person or the driver would."""

import atexit
import ctypes
import os
import shutil
import signal
import subprocess

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
BIN = os.path.realpath(
    os.environ.get("RDBPIPE_BIN") or os.path.join(ROOT, "build", "bin"))
SOAK = os.environ.get("RDBPIPE_SOAK") == "1"

_libc = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1


def die_with_parent():
    """For preexec_fn: whatever kills the test kills its children too.  The
    parent in question is the thread that starts the child."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def at_exit_remove(folder):
    owner = os.getpid()

    def remove():
        if os.getpid() == owner:
            shutil.rmtree(folder, ignore_errors=True)
    atexit.register(remove)


def path(name):
    """Where a program of ours is; the test fails when it was not built."""
    found = os.path.join(BIN, name)
    if not os.access(found, os.X_OK):
        raise FileNotFoundError(f"{found} has not been built")
    return found


def sanitized(name):
    """Whether the program was built with sanitizers: they need memory."""
    with open(path(name), "rb") as binary:
        return b"__asan_init" in binary.read()


class Result:
    """What a program did: code (negative: minus a signal), out, err (bytes);
    peak: most memory it ever held, in bytes, where it was measured."""

    def __init__(self, code, out, err, peak=None):
        self.code, self.out, self.err, self.peak = code, out, err, peak

    def __repr__(self):
        return f"<exit {self.code}, err {self.err!r}, out {self.out[:200]!r}>"

    def good(self):
        """self, or a failure that shows everything."""
        if self.code != 0:
            raise AssertionError(f"ended {self.code}: {self.err.decode()}")
        return self


def environment(**more):
    """Ours, with our programs first in PATH and no settings of the user's."""
    env = {k: v for k, v in os.environ.items()
           if not k.startswith(("AWS_", "TENCENTCLOUD_", "REDISCLI_"))}
    env["PATH"] = BIN + os.pathsep + env.get("PATH", "/usr/bin:/bin")
    env["LC_ALL"] = "C"
    env.update(more)
    return env


def run(*words, input=b"", env=None, cwd=None, timeout=120, pass_fds=()):
    """Run one program of ours (by its name) or any other (by its path)."""
    program = words[0] if "/" in words[0] else path(words[0])
    with subprocess.Popen([program, *map(str, words[1:])],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, cwd=cwd, pass_fds=pass_fds,
                          env=environment(**(env or {})),
                          preexec_fn=die_with_parent) as child:
        try:
            out, err = child.communicate(input, timeout)
        except BaseException:
            child.kill()
            raise
    return Result(child.returncode, out, err)


def shell(line, env=None, cwd=None, timeout=300):
    """Run a line of plain sh, in which our programs are found by name.  In a
    time-out everything it started is killed with it."""
    with subprocess.Popen(["/bin/sh", "-c", line], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          env=environment(**(env or {})), cwd=cwd,
                          preexec_fn=_own_group) as child:
        try:
            out, err = child.communicate(timeout=timeout)
        except BaseException:
            os.killpg(child.pid, signal.SIGKILL)
            raise
    return Result(child.returncode, out, err)


def _own_group():
    os.setpgid(0, 0)
    die_with_parent()


def chain(*commands, stdin=None, stdout=None, timeout=600):
    """Run commands (lists of words) joined by pipes, stdin and stdout being
    files: one Result each, with the memory it needed at its peak.

    The peak counts from before the program replaced this one in the child, so
    it is never below what this python needs, some 20 MiB.
    """
    children, upstream = [], stdin or subprocess.DEVNULL
    for i, words in enumerate(commands):
        last = i == len(commands) - 1
        child = subprocess.Popen(
            [path(words[0]) if "/" not in words[0] else words[0],
             *map(str, words[1:])],
            stdin=upstream, env=environment(),
            stdout=(stdout or subprocess.DEVNULL) if last
            else subprocess.PIPE,
            stderr=subprocess.PIPE, preexec_fn=die_with_parent)
        if i > 0:
            upstream.close()
        upstream = child.stdout
        children.append(child)
    watchdog = _Watchdog(children, timeout)
    results = [_wait_measured(child) for child in children]
    watchdog.cancel()
    return results


def _wait_measured(child):
    err = child.stderr.read()
    child.stderr.close()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    return Result(child.returncode, b"", err, usage.ru_maxrss * 1024)


class _Watchdog:
    """Kills the children after a time, unless cancelled."""

    def __init__(self, children, seconds):
        import threading
        self.timer = threading.Timer(seconds, self._kill, [children])
        self.timer.daemon = True
        self.timer.start()
        self.cancel = self.timer.cancel

    @staticmethod
    def _kill(children):
        for child in children:
            if child.returncode is None:
                child.kill()
