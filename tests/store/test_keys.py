#!/usr/bin/env python3
"""Goal of this test: a program finds the key it signs with where AWS's own
tools look: files, a container's agent, the instance's metadata service.  The
store and the services are one small server here, which notes what it is asked;
the roles of COS are in test_cos.py, the signatures in test_s3.py."""

import http.server
import json
import os
import re
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))

from harness import cases, programs  # noqa: E402
from harness.cases import equal, holds  # noqa: E402

SCRATCH = tempfile.mkdtemp(prefix="test-keys-")
programs.at_exit_remove(SCRATCH)
SECRET = "s3cr3t/never+shown"
KEY = json.dumps({
    "Code": "Success", "AccessKeyId": "ASIAROLE", "SecretAccessKey": SECRET,
    "Token": "tok/+=", "Expiration": "2099-01-01T00:00:00Z"})
LIST = ("<ListBucketResult><Name>b</Name><KeyCount>1</KeyCount><IsTruncated>"
        "false</IsTruncated><Contents><Key>k</Key><Size>1</Size><LastModified>"
        "2026-01-01T00:00:00.000Z</LastModified></Contents>"
        "</ListBucketResult>")
ROLES = "/latest/meta-data/iam/security-credentials/"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        world = self.server.world
        path = self.path.partition("?")[0]
        length = self.headers.get("content-length")
        self.rfile.read(int(length or 0))
        world.asked.append((self.command, self.path, dict(
            (n.lower(), v) for n, v in self.headers.items())))
        status, text = world.answers.get(path, (404, ""))
        if callable(text):
            text = text()
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        try:
            self.wfile.write(body)
        except BrokenPipeError:     # it did not wait
            self.close_connection = True

    do_GET = do_PUT = answer

    def log_message(self, *_):
        pass


class World:
    """A store with one object, and services: answers by path."""

    def __init__(self, **answers):
        self.answers = {"/b": (200, LIST), "/b/": (200, LIST), **answers}
        self.asked = []
        self.server = http.server.ThreadingHTTPServer(
            ("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.world = self
        self.url = "http://127.0.0.1:%d" % self.server.server_address[1]
        self.home = tempfile.mkdtemp(dir=SCRATCH)

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, args=(0.02,),
                         daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def file(self, name, text):
        path = os.path.join(self.home, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            file.write(text)
        return path

    def ls(self, **env):
        """List the store, with no key but what env leads to."""
        result = programs.run(
            "cos-ls", f"s3://b/?endpoint={self.url}&region=r-1",
            env={"HOME": self.home, **env})
        for secret in (SECRET, "tok/+="):
            equal(secret in (result.out + result.err).decode(), False,
                  f"a secret in {result.err}")
        return result

    def signed_by(self):
        """The key id and the token that came with the request for the list."""
        headers = [h for _, path, h in self.asked if path.startswith("/b")][-1]
        found = re.search(r"Credential=([^/]*)/\d{8}/r-1/s3/aws4_request",
                          headers["authorization"])
        return found.group(1), headers.get("x-amz-security-token")


def instance(**more):
    return {"/latest/api/token": (200, "T=="), ROLES: (200, "the role\n"),
            ROLES + "the": (200, KEY), **more}


def test_instance_role():
    with World(**instance()) as world:
        env = {"AWS_EC2_METADATA_SERVICE_ENDPOINT": world.url + "/"}
        world.ls(**env).good()
        equal(world.signed_by(), ("ASIAROLE", "tok/+="))
        method, path, headers = world.asked[0]
        equal((method, path), ("PUT", "/latest/api/token"))
        equal(headers["x-aws-ec2-metadata-token-ttl-seconds"], "21600")
        equal(headers.get("content-length"), "0")
        for method, path, headers in world.asked[1:3]:
            equal(method, "GET")
            holds(ROLES, path)
            equal(headers["x-aws-ec2-metadata-token"], "T==")


def test_instance_role_without_proxy():
    """These addresses are local: no proxy is told what they say."""
    with World(**instance()) as world:
        world.ls(AWS_EC2_METADATA_SERVICE_ENDPOINT=world.url,
                 http_proxy=world.url, no_proxy="")
        paths = [path for _, path, _ in world.asked]
        equal(paths[:3], ["/latest/api/token", ROLES, ROLES + "the"])
        # a proxy is asked by whole URLs
        equal(paths[3].startswith(world.url + "/b"), True, f"{paths}")


def test_container():
    with World(**{"/creds": (200, KEY)}) as world:
        token = world.file("token", "Bearer x y\n")
        world.ls(AWS_CONTAINER_CREDENTIALS_FULL_URI=world.url + "/creds?id=1",
                 AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=token).good()
        equal(world.signed_by(), ("ASIAROLE", "tok/+="))
        equal(world.asked[0][1], "/creds?id=1")
        equal(world.asked[0][2]["authorization"], "Bearer x y")


def test_profile():
    with World() as world:
        world.file(".aws/credentials",
                   "[default]\naws_access_key_id = AKIAONE\n"
                   f"aws_secret_access_key = {SECRET}\n\n[two]\n"
                   "aws_access_key_id = AKIATWO\n"
                   f"aws_secret_access_key = {SECRET}\n"
                   "aws_session_token = tok/+=\n")
        world.ls().good()
        equal(world.signed_by(), ("AKIAONE", None))
        world.ls(AWS_PROFILE="two").good()
        equal(world.signed_by(), ("AKIATWO", "tok/+="))
        result = world.ls(AWS_PROFILE="three")
        equal(result.code, 2)
        holds('no profile "three" in ~/.aws/credentials', result.err)


def no_key(world, *words, **env):
    result = world.ls(AWS_EC2_METADATA_SERVICE_ENDPOINT=world.url, **env)
    equal(result.code, 2, f"status; {result.err}")
    equal(result.err.count(b"\n"), 1, f"lines of {result.err}")
    for word in ("no credentials for S3", *words):
        holds(word, result.err)
    equal([p for _, p, _ in world.asked if p.startswith("/b")], [],
          "requests without a key")


@cases.each(
    ("/latest/api/token", 403, "", "/latest/api/token answered 403"),
    ("/latest/api/token", 200, "", "gave no token"),
    (ROLES, 404, "", "answered 404"),
    (ROLES, 200, "", "names no role"),
    (ROLES + "the", 302, "", "answered 302"),
    (ROLES + "the", 200, '{"Code": "AssumeRoleUnauthorizedAccess"}',
     "AssumeRoleUnauthorizedAccess"),
    (ROLES + "the", 200, KEY[:-30], "is no key"))
def test_bad_service(path, status, body, word):
    with World(**instance(**{path: (status, body)})) as world:
        no_key(world, word)


def test_nobody_answers():
    """A service that takes the question and stays silent is waited for a
    second, not for ever."""
    hold = threading.Event()
    silent = {"/latest/api/token": (200, lambda: str(hold.wait(20)))}
    with World(**instance(**silent)) as world:
        began = time.monotonic()
        no_key(world, "127.0.0.1")
        hold.set()
        assert time.monotonic() - began < 8, time.monotonic() - began


if __name__ == "__main__":
    cases.main()
