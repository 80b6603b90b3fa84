#!/usr/bin/env python3
"""Goal of this test: our signatures are those of the services' own SDKs and
documentation, for every vector in ../shared/vectors, where that exists.

The vectors are rewritten, one "word percent-encoded-text" a line and an empty
line behind each, for tests/unit/t_sign, which does the signing."""

import calendar
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from urllib.parse import parse_qsl, quote, unquote, urlsplit

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))

from harness import cases, programs  # noqa: E402

FOLDER = os.path.join(programs.ROOT, "..", "shared", "vectors")
SIGNER = os.path.join(os.path.dirname(programs.BIN), "tests/unit/t_sign")
SECRET = "example-secret-key-not-real"


def enc(text):
    return quote(text, safe="")


def pairs(word, those):
    return [(word, f"{enc(n)}={enc(v)}") for n, v in those]


def block(rows, params=(), headers=()):
    lines = [(word, enc(str(text))) for word, text in rows]
    lines += pairs("param", params) + pairs("header", headers)
    return "".join(f"{word} {text}\n" for word, text in lines) + "\n"


def load(name):
    try:
        with open(os.path.join(FOLDER, name)) as file:
            return json.load(file)
    except FileNotFoundError:
        cases.skip("no ../shared/vectors here")


def check(blocks):
    if not os.access(SIGNER, os.X_OK):
        cases.skip(f"{SIGNER} has not been built")
    with tempfile.NamedTemporaryFile("w", suffix=".flat") as flat:
        flat.write("".join(blocks))
        flat.flush()
        done = subprocess.run([SIGNER], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True,
                              env={**os.environ, "SIGN_VECTORS": flat.name})
    if done.returncode != 0:
        raise AssertionError(done.stdout)
    cases.holds(f"{len(blocks)} vectors checked", done.stdout)


def cos(v, kind, expect, secret, token=None):
    begin, end = v["KeyTime"].split(";")
    rows = [("kind", kind), ("name", v["name"]), ("method", v["method"]),
            ("path", v["path"]), ("from", begin), ("until", end),
            ("id", v.get("SecretId", "")), ("secret", secret),
            ("expect", expect)]
    if token:
        rows.append(("token", token))
    if not v["params"] and "request_path" in v:
        rows.append(("target", v["request_path"]))
    # The token is ours to add.
    headers = [(n, t) for n, t in v["headers"].items()
               if n != "x-cos-security-token"]
    return block(rows, v["params"].items(), headers)


def test_cos_headers():
    blocks = [cos(v, "cos", v["Authorization"], v["SecretKey"],
                  v["headers"].get("x-cos-security-token"))
              for v in load("cos-sign-vectors.json")["vectors"]]
    cases.equal(len(blocks), 23, "vectors")
    check(blocks)


def test_cos_documentation():
    blocks = [cos(v, "cos-key", v["expectSignature"], v["SignKey"])
              for v in load("cos-sign-vectors.json")["documentation_vectors"]]
    cases.equal(len(blocks), 3, "vectors")
    check(blocks)


def test_cos_addresses():
    blocks = []
    for v in load("cos-sign-vectors.json")["presigned"]:
        url, options = v["url"], v["options"]
        # not parse_qsl: a raw "+" is itself here
        query = dict(p.split("=", 1) for p in urlsplit(url).query.split("&"))
        begin, end = query["q-key-time"].split(";")
        cases.equal(int(end) - int(begin), options["Expires"], "seconds")
        rows = [("kind", "cos-url"), ("name", v["name"]),
                ("method", options["Method"]), ("path", "/" + options["Key"]),
                ("from", begin), ("until", end), ("id", query["q-ak"]),
                ("secret", SECRET),
                ("expect", url[url.index("/", len("https://")):])]
        if "x-cos-security-token" in query:
            rows.append(("token", unquote(query["x-cos-security-token"])))
        headers = {"host": urlsplit(url).netloc, **options.get("Headers", {})}
        blocks.append(block(rows, options.get("Query", {}).items(),
                            headers.items()))
    cases.equal(len(blocks), 4, "vectors")
    check(blocks)


def test_s3_headers():
    book = load("s3-sigv4-vectors.json")
    blocks = []
    for v in book["vectors"]:
        url = urlsplit(v["url"])
        now = calendar.timegm(time.strptime(v["amz_date"], "%Y%m%dT%H%M%SZ"))
        rows = [("kind", "s3"), ("name", v["name"]), ("method", v["method"]),
                ("path", unquote(url.path)), ("from", now),
                ("until", now + 60), ("region", v["region"]),
                ("payload", v["payload_hash"]), ("id", book["access_key"]),
                ("secret", book["secret_key"]),
                ("expect", v["authorization"]),
                ("target", re.sub(r"^https?://[^/]*", "", v["url"]))]
        if v["token"]:
            rows.append(("token", v["token"]))
        blocks.append(block(
            rows, parse_qsl(url.query, keep_blank_values=True),
            {"host": url.netloc, **v["headers"]}.items()))
    cases.equal(len(blocks), 12, "vectors")
    check(blocks)


if __name__ == "__main__":
    cases.main()
