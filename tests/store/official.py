"""The official COS client, cos-nodejs-sdk-v5 from npm, steered from Python.
It is installed into build/node from the lock file in sdk/."""

import base64
import fcntl
import json
import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))

from harness import cases, programs, stores                     # noqa: E402
from harness.cases import equal                                 # noqa: E402

HERE = os.path.dirname(os.path.realpath(__file__))


_refused = []       # why it could not be installed: asked once is enough


def modules():
    """The folder of the official client, installed if need be."""
    if _refused:
        cases.skip(_refused[0])
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            cases.skip(f"the official COS client needs {program}")
    folder = os.path.join(programs.ROOT, "build", "node")
    found = os.path.join(folder, "node_modules")
    lock = os.path.join(HERE, "sdk", "package-lock.json")
    stamp = os.path.join(folder, "stamp")
    with open(lock) as file:
        wanted = file.read()
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "lock"), "w") as alone:
        fcntl.flock(alone, fcntl.LOCK_EX)       # two tests at a time
        _install(folder, stamp, wanted)
    return found


def _install(folder, stamp, wanted):
    if not _is(stamp, wanted):
        for name in ("package.json", "package-lock.json"):
            shutil.copy(os.path.join(HERE, "sdk", name), folder)
        with tempfile.TemporaryDirectory() as cache:
            said = subprocess.run(
                ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund",
                 "--fetch-retries", "1", "--fetch-timeout", "30000",
                 "--cache", cache], cwd=folder, stdin=subprocess.DEVNULL,
                capture_output=True, text=True)
        if said.returncode != 0:
            words = [line for line in said.stderr.splitlines()
                     if "err" in line.lower()] or ["?"]
            _refused.append("npm cannot install the official COS client: "
                            + words[0])
            cases.skip(_refused[0])
        with open(stamp, "w") as file:
            file.write(wanted)


def _is(path, text):
    try:
        with open(path) as file:
            return file.read() == text
    except FileNotFoundError:
        return False


def body(answer):
    """The bytes that a getObject was answered with."""
    return base64.b64decode(answer["Body"]["base64"])


class Sdk:
    """The official client, against a double."""

    def __init__(self, double, **options):
        self.options = {
            "SecretId": double.ID, "SecretKey": double.SECRET,
            "Ip": f"127.0.0.1:{double.port}", "Protocol": "http:",
            "AutoSwitchHost": False, "Timeout": 20000, **options}
        self.child = subprocess.Popen(
            ["node", os.path.join(HERE, "sdk", "client.js"), modules()],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            preexec_fn=programs.die_with_parent,
            env={**os.environ, "NODE_NO_WARNINGS": "1"})

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.child.stdin.close()
        self.child.stdout.close()
        self.child.kill()
        self.child.wait()

    def ask(self, method, options=None, **params):
        params = {"Bucket": stores.Double.BUCKET, "Region": "ap-guangzhou",
                  **{n: {"base64": base64.b64encode(v).decode()}
                     if isinstance(v, bytes) else v
                     for n, v in params.items()}}
        self.child.stdin.write(json.dumps({
            "options": {**self.options, **(options or {})},
            "method": method, "params": params}) + "\n")
        self.child.stdin.flush()
        return json.loads(self.child.stdout.readline())

    def call(self, method, options=None, **params):
        """What it answers; fails when that is an error."""
        answer = self.ask(method, options, **params)
        if "error" in answer:
            raise AssertionError(f"{method}: {answer['error']}")
        return answer["data"]

    def refused(self, status, code, method, options=None, **params):
        answer = self.ask(method, options, **params)
        error = answer.get("error", answer)
        equal((error.get("status"), error.get("code")), (status, code),
              method)
        return error
