"""Object stores for tests: the COS double, and OpenStack Swift as a real S3
server.  Both live on free ports of the loopback, in a scratch folder, and go
when the test does, however that ends."""

import hashlib
import hmac
import html
import http.client
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

from . import cases, engines, programs
from .servers import _running, free_port

DOUBLE = os.path.join(programs.ROOT, "tests", "store", "double.py")


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


# --- Swift ---

# Its programs want their configuration in /etc/swift; told otherwise before
# any other module of theirs looks, they need neither that nor root.
_LAUNCH = """
import os, runpy, sys
from swift.common import utils
utils.SWIFT_CONF_FILE = os.path.join(sys.argv[1], "swift.conf")
sys.argv = sys.argv[2:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""
_RINGS = """
import sys
from swift.common.ring import RingBuilder
for kind, port in zip(("account", "container", "object"), sys.argv[1:]):
    builder = RingBuilder(4, 1, 1)
    builder.add_dev({"id": 0, "region": 1, "zone": 1, "ip": "127.0.0.1",
                     "port": int(port), "replication_ip": "127.0.0.1",
                     "replication_port": int(port), "device": "d1",
                     "weight": 1, "meta": ""})
    builder.rebalance()
    builder.get_ring().save(kind + ".ring.gz")
"""
_SWIFT_CONF = """
[swift-hash]
swift_hash_path_suffix = x
swift_hash_path_prefix = x
[storage-policy:0]
name = gold
policy_type = replication
default = yes
"""
_KEEPER = """
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {port}
workers = 0
user = {user}
swift_dir = {folder}
devices = {folder}/node
mount_check = false
fallocate_reserve = 0
[pipeline:main]
pipeline = {kind}-server
[app:{kind}-server]
use = egg:swift#{kind}
"""
_PROXY = """
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {port}
workers = 0
user = {user}
swift_dir = {folder}
[pipeline:main]
pipeline = catch_errors cache listing_formats s3api tempauth copy slo proxy-server
[app:proxy-server]
use = egg:swift#proxy
allow_account_management = true
account_autocreate = true
[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:{nobody}
[filter:s3api]
use = egg:swift#s3api
location = us-east-1
s3_acl = false
max_upload_part_num = 10000
min_segment_size = {min_part}
[filter:tempauth]
use = egg:swift#tempauth
user_test_tester = {secret} .admin
user_test_other = {secret}
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:listing_formats]
use = egg:swift#listing_formats
[filter:copy]
use = egg:swift#copy
[filter:slo]
use = egg:swift#slo
"""


class Swift:
    """OpenStack Swift with its s3api, from build/engines/swift; the case is
    skipped when that is missing.

    min_part  the smallest part it takes, but for the last
    """

    BUCKET, REGION = "bucket", "us-east-1"
    ID, SECRET = "test:tester", "testsecret0123456789"
    READY_SECONDS = 60

    def __init__(self, min_part=5 << 20):
        self.root = os.path.join(engines.FOLDER, "swift", "root")
        if not os.path.isdir(self.root):
            cases.skip(engines.why_missing("swift"))
        self.folder = tempfile.mkdtemp(prefix="swift-")
        self.processes = []
        _running.add(self)
        try:
            self._check_folder()
            self._start(min_part)
        except BaseException:
            self.stop()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        for process in self.processes:
            process.kill()
        for process in self.processes:
            process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
        _running.discard(self)

    def log(self):
        with open(os.path.join(self.folder, "log"), errors="replace") as log:
            return log.read()

    @property
    def endpoint(self):
        return f"http://127.0.0.1:{self.port}"

    def url(self, key="", bucket=BUCKET, **more):
        """Its URL for our programs; more: further parameters."""
        params = {"region": self.REGION, "endpoint": self.endpoint, **more}
        return f"s3://{bucket}/{key}?" + "&".join(
            f"{n}={v}" for n, v in params.items())

    def env(self, **more):
        """The environment in which programs have its key."""
        return {"AWS_ACCESS_KEY_ID": self.ID,
                "AWS_SECRET_ACCESS_KEY": self.SECRET,
                "AWS_EC2_METADATA_DISABLED": "true", **more}

    # --- its life ---

    def _check_folder(self):
        """It keeps its notes in attributes of files."""
        try:
            os.setxattr(self.folder, "user.test", b"x")
        except OSError:
            cases.skip(f"{self.folder} is on a disk without attributes")

    def _environment(self):
        packages = os.path.join(self.root, "usr", "lib", "python3",
                                "dist-packages")
        libraries = [at for at, _, files in os.walk(os.path.join(
            self.root, "usr", "lib")) if any(".so." in f for f in files)]
        return {"PATH": "/usr/bin:/bin", "PYTHONPATH": packages,
                "PYTHONDONTWRITEBYTECODE": "1", "HOME": self.folder,
                "LD_LIBRARY_PATH": ":".join(libraries), "LC_ALL": "C.UTF-8"}

    def _spawn(self, kind):
        config = os.path.join(self.folder, f"{kind}-server.conf")
        with open(os.path.join(self.folder, "log"), "ab") as log:
            self.processes.append(subprocess.Popen(
                ["/usr/bin/python3", "-c", _LAUNCH, self.folder,
                 os.path.join(self.root, "usr", "bin",
                              f"swift-{kind}-server"), config, "verbose"],
                cwd=self.folder, env=self._environment(),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                preexec_fn=programs.die_with_parent))

    def _write(self, name, text, **more):
        import pwd
        with open(os.path.join(self.folder, name), "w") as file:
            file.write(text.format(
                folder=self.folder, secret=self.SECRET,
                user=pwd.getpwuid(os.getuid()).pw_name, **more))

    def _start(self, min_part):
        self._write("swift.conf", _SWIFT_CONF)
        os.makedirs(os.path.join(self.folder, "node", "d1"))
        ports = {kind: free_port() for kind in
                 ("account", "container", "object")}
        subprocess.run(["/usr/bin/python3", "-c", _RINGS,
                        *map(str, ports.values())], cwd=self.folder,
                       env=self._environment(), check=True,
                       capture_output=True)
        for kind, port in ports.items():
            self._write(f"{kind}-server.conf", _KEEPER, kind=kind, port=port)
            self._spawn(kind)
        self.port = free_port()
        self._write("proxy-server.conf", _PROXY, port=self.port,
                    nobody=free_port(), min_part=min_part)
        self._spawn("proxy")
        self._wait_until_ready([self.port, *ports.values()])
        self.make_bucket(self.BUCKET)

    def _wait_until_ready(self, ports):
        end = time.monotonic() + self.READY_SECONDS
        while ports and time.monotonic() < end:
            if any(p.poll() is not None for p in self.processes):
                break
            try:
                socket.create_connection(("127.0.0.1", ports[0]), 1).close()
                ports.pop(0)
            except OSError:
                time.sleep(0.05)
        if ports:
            raise RuntimeError(f"swift is not ready: {self.log()[-2000:]}")

    def ask(self, method, path, query="", body=b""):
        """(status, headers, body) of a request, signed here: with code that
        is neither ours nor needs to be installed."""
        now = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        digest = hashlib.sha256(body).hexdigest()
        scope = f"{now[:8]}/{self.REGION}/s3/aws4_request"
        headers = {"host": f"127.0.0.1:{self.port}",
                   "x-amz-content-sha256": digest, "x-amz-date": now}
        names = ";".join(sorted(headers))
        canonical = "\n".join(
            [method, path, query, *(f"{n}:{headers[n]}" for n in
                                    sorted(headers)), "", names, digest])
        text = "\n".join(("AWS4-HMAC-SHA256", now, scope, hashlib.sha256(
            canonical.encode()).hexdigest()))
        key = b"AWS4" + self.SECRET.encode()
        for word in scope.split("/") + [text]:
            key = hmac.new(key, word.encode(), hashlib.sha256).digest()
        headers["Authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={self.ID}/{scope},"
            f"SignedHeaders={names},Signature={key.hex()}")
        wire = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            wire.request(method, path + (f"?{query}" if query else ""), body,
                         headers)
            reply = wire.getresponse()
            return reply.status, dict(reply.headers), reply.read()
        finally:
            wire.close()

    def make_bucket(self, name):
        status, _, body = self.ask("PUT", f"/{name}")
        if status != 200:
            raise RuntimeError(f"swift makes no bucket: {status} {body} "
                               + self.log()[-2000:])

    def objects(self, bucket=BUCKET):
        """Sizes by key."""
        body = self.ask("GET", f"/{bucket}")[2].decode()
        return {html.unescape(key): int(size) for key, size in re.findall(
            "<Key>(.*?)</Key>.*?<Size>([0-9]+)</Size>", body)}

    def uploads(self, bucket=BUCKET):
        """Keys of the uploads that are open."""
        body = self.ask("GET", f"/{bucket}", "uploads=")[2].decode()
        return [html.unescape(key) for key in
                re.findall("<Upload>.*?<Key>(.*?)</Key>", body)]
