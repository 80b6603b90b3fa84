"""Object stores for tests: the COS double, and OpenStack Swift as a real S3
server.  Both live on free ports of the loopback, in a scratch folder, and go
when the test does, however that ends."""

import atexit
import json
import os
import shutil
import subprocess
import sys
import tempfile
import urllib.request

from . import programs

DOUBLE = os.path.join(programs.ROOT, "tests", "store", "double.py")
_running = set()


class Double:
    """The COS double, see tests/store/double.py.

    tls     a certs.Certs: speak TLS
    folder  where its scratch folder is made, default: the usual place
    """

    BUCKET, REGION = "test-1250000000", "ap-guangzhou"
    ID = "AKIDdouble000000000000000000000000000"
    SECRET = "double0secret0key0double0secret0k"

    def __init__(self, tls=None, folder=None):
        self.folder = tempfile.mkdtemp(prefix="double-", dir=folder)
        self.tls = tls
        words = ["--tls", tls.server_cert, tls.server_key] if tls else []
        with open(os.path.join(self.folder, "log"), "wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, DOUBLE, self.folder, *words],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log,
                env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
                preexec_fn=programs.die_with_parent)
        _running.add(self)
        ready = self.process.stdout.readline()
        if not ready:
            words = self.log()
            self.stop()
            raise RuntimeError(f"the double did not start: {words}")
        ports = json.loads(ready)
        self.port, self.control = ports["port"], ports["control"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        shutil.rmtree(self.folder, ignore_errors=True)
        _running.discard(self)

    def log(self):
        with open(os.path.join(self.folder, "log"), errors="replace") as log:
            return log.read()

    @property
    def endpoint(self):
        scheme = "https" if self.tls else "http"
        return f"{scheme}://127.0.0.1:{self.port}"

    def url(self, key="", bucket=BUCKET, **more):
        """Its URL for our programs; more: further parameters."""
        params = {"region": self.REGION, "endpoint": self.endpoint, **more}
        return f"cos://{bucket}/{key}?" + "&".join(
            f"{n}={v}" for n, v in params.items())

    def env(self, **more):
        """The environment in which our programs have its key."""
        return {"TENCENTCLOUD_SECRET_ID": self.ID,
                "TENCENTCLOUD_SECRET_KEY": self.SECRET, **more}

    def ask(self, word, **said):
        """A word on its control port, see double.py."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.control}/{word}",
            json.dumps(said).encode(), method="POST")
        with _opener.open(request, timeout=60) as reply:
            return json.load(reply)

    def fault(self, kind, **more):
        self.ask("fault", kind=kind, **more)

    def objects(self):
        """Sizes by key."""
        return {o["key"]: o["size"] for o in self.ask("objects")}

    def content(self, key):
        """An object's bytes, as they lie on the disk."""
        found = [o for o in self.ask("objects") if o["key"] == key]
        data = []
        for path in found[0]["files"]:
            with open(path, "rb") as file:
                data.append(file.read())
        return b"".join(data)

    def uploads(self):
        return self.ask("uploads")


_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@atexit.register
def _stop_all():
    for store in list(_running):
        store.stop()
