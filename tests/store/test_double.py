#!/usr/bin/env python3
"""Goal of this test: the double is a COS.  The official client from npm does
everything that ours does, and the double's rules and faults are what they say.
So that our client pleases the service and not only our idea of it."""

import hashlib
import http.client
import json
import os
import sys
import tempfile
import time
import urllib.parse

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))

from official import Sdk, body, modules  # noqa: E402
from harness import cases, programs, stores  # noqa: E402
from harness.cases import each, equal, holds  # noqa: E402

SCRATCH = tempfile.mkdtemp(prefix="test-double-")
programs.at_exit_remove(SCRATCH)
MIB = 1 << 20


_shared = []


def shared():
    """One double and one client for all cases: they use keys of their own."""
    if not _shared:
        modules()
        double = stores.Double()
        _shared.extend((double, Sdk(double)))
    return _shared


# --- what the official client does, works ---

@each("k", "a/b c+d%41&e=f?~*'()!", "ключ/键", "dt=2026/@:;,x")
def test_put_get_head_delete(key):
    double, sdk = shared()
    text = b"123456789" * 1000
    put = sdk.call("putObject", Key=key, Body=text, StorageClass="STANDARD_IA",
                   **{"x-cos-meta-backup-id": "17"})
    equal(put["ETag"], f'"{hashlib.md5(text).hexdigest()}"')
    crc = put["headers"]["x-cos-hash-crc64ecma"]
    head = sdk.call("headObject", Key=key)["headers"]
    equal((head["content-length"], head["x-cos-hash-crc64ecma"],
           head["x-cos-storage-class"], head["x-cos-meta-backup-id"]),
          ("9000", crc, "STANDARD_IA", "17"))
    equal(body(sdk.call("getObject", Key=key)), text)
    ranged = sdk.call("getObject", Key=key, Range="bytes=9-17")
    equal((ranged["statusCode"], body(ranged),
           ranged["headers"]["content-range"]),
          (206, b"123456789", "bytes 9-17/9000"))
    equal(body(sdk.call("getObject", Key=key, Range="bytes=-9")), text[:9])
    sdk.refused(416, "InvalidRange", "getObject", Key=key,
                Range="bytes=9000-")
    sdk.call("getObject", Key=key, IfMatch=put["ETag"])
    sdk.refused(412, "PreconditionFailed", "getObject", Key=key,
                IfMatch='"other"')
    equal(sdk.call("deleteObject", Key=key)["statusCode"], 204)
    sdk.refused(404, "NoSuchKey", "getObject", Key=key)
    equal(sdk.ask("headObject", Key=key)["error"]["status"], 404)


def test_crc():
    _, sdk = shared()
    for text, crc in ((b"123456789", "11051210869376104954"), (b"", "0"),
                      (b"hello world", "5981764153023615706"),
                      (bytes(MIB), "6947770692288575170")):
        put = sdk.call("putObject", Key="crc", Body=text)
        equal(put["headers"]["x-cos-hash-crc64ecma"], crc)


def begin(sdk, key, **more):
    return sdk.call("multipartInit", Key=key, **more)["UploadId"]


def part(sdk, key, upload, number, data):
    said = sdk.call("multipartUpload", Key=key, UploadId=upload,
                    PartNumber=number, Body=data)
    return {"PartNumber": number, "ETag": said["ETag"]}


def test_multipart():
    double, sdk = shared()
    key, texts = "multi part", [os.urandom(MIB), os.urandom(MIB + 1), b"end"]
    upload = begin(sdk, key, **{"x-cos-meta-id": "x"})
    part(sdk, key, upload, 1, b"replaced")
    parts = [part(sdk, key, upload, n, texts[n - 1]) for n in (3, 1, 2)]
    parts.sort(key=lambda p: p["PartNumber"])
    listed = sdk.call("multipartListPart", Key=key, UploadId=upload,
                      MaxParts=2)
    equal([(p["PartNumber"], p["ETag"], p["Size"]) for p in listed["Part"]],
          [(str(p["PartNumber"]), p["ETag"], str(len(t)))
           for p, t in zip(parts[:2], texts)])
    equal((listed["IsTruncated"], listed["NextPartNumberMarker"]),
          ("true", "2"))
    listed = sdk.call("multipartListPart", Key=key, UploadId=upload,
                      PartNumberMarker="2", EncodingType="url")
    equal([p["PartNumber"] for p in listed["Part"]], ["3"])
    equal((listed["IsTruncated"], listed["Key"]), ("false", "multi%20part"))
    whole = b"".join(texts)
    done = sdk.call("multipartComplete", Key=key, UploadId=upload,
                    Parts=parts)
    holds("-3", done["ETag"])
    head = sdk.call("headObject", Key=key)["headers"]
    again = sdk.call("putObject", Key="once", Body=whole)["headers"]
    equal(head["x-cos-hash-crc64ecma"], again["x-cos-hash-crc64ecma"])
    equal(head["x-cos-meta-id"], "x")
    equal(body(sdk.call("getObject", Key=key)), whole)
    equal(double.content(key), whole)
    got = sdk.call("getObject", Key=key,
                   Range=f"bytes={MIB - 5}-{2 * MIB + 1}")
    equal(body(got), whole[MIB - 5:2 * MIB + 2])
    sdk.refused(404, "NoSuchUpload", "multipartComplete", Key=key,
                UploadId=upload, Parts=parts)


def test_multipart_refused():
    _, sdk = shared()
    key, upload = "bad", begin(shared()[1], "bad")
    small = [part(sdk, key, upload, n, b"x" * n) for n in (1, 2)]

    def refused(status, code, parts):
        sdk.refused(status, code, "multipartComplete", Key=key,
                    UploadId=upload, Parts=parts)
    refused(400, "EntityTooSmall", small)
    refused(400, "InvalidPart", [{**small[0], "ETag": '"00"'}])
    refused(400, "InvalidPart", small[1:])
    big = [part(sdk, key, upload, n, bytes(MIB)) for n in (1, 2)]
    refused(400, "InvalidPart", big + [{"PartNumber": 3, "ETag": '"x"'}])
    sdk.refused(400, "InvalidArgument", "multipartUpload", Key=key,
                UploadId=upload, PartNumber=10001, Body=b"x")
    sdk.refused(404, "NoSuchUpload", "multipartUpload", Key=key,
                UploadId="none", PartNumber=1, Body=b"x")
    sdk.refused(404, "NoSuchUpload", "multipartUpload", Key="other",
                UploadId=upload, PartNumber=1, Body=b"x")
    sdk.call("multipartAbort", Key=key, UploadId=upload)
    sdk.refused(404, "NoSuchUpload", "multipartAbort", Key=key,
                UploadId=upload)
    sdk.refused(404, "NoSuchUpload", "multipartListPart", Key=key,
                UploadId=upload)


def test_list_uploads():
    double, sdk = shared()
    made = sorted((key, begin(sdk, key)) for key in
                  ("u/a", "u/a", "u/b c", "u/d", "v/e"))
    got, after = [], {}
    while True:
        page = sdk.call("multipartList", Prefix="u/", MaxUploads=2,
                        EncodingType="url", **after)
        got += [(urllib.parse.unquote(u["Key"]), u["UploadId"])
                for u in page["Upload"]]
        if page["IsTruncated"] == "false":
            break
        after = {"KeyMarker": page["NextKeyMarker"],
                 "UploadIdMarker": page["NextUploadIdMarker"]}
    equal(got, made[:4])
    for key, upload in made:
        sdk.call("multipartAbort", Key=key, UploadId=upload)
    equal([u for u in double.uploads() if u["key"][:2] in ("u/", "v/")], [])


def test_slices():
    """The client's own way of putting a large file: parts at once, MD5s."""
    double, sdk = shared()
    path = os.path.join(SCRATCH, "slices")
    data = os.urandom(9 * MIB + 17)
    with open(path, "wb") as file:
        file.write(data)
    sdk.call("uploadFile", Key="sliced", FilePath=path, SliceSize=MIB,
             ChunkSize=MIB, AsyncLimit=3)
    equal(double.content("sliced") == data, True, "the bytes")
    equal(len([o for o in double.ask("objects")
               if o["key"] == "sliced"][0]["files"]), 10, "parts")
    md5s = [r for r in double.ask("requests") if r.get("key") == "sliced" and
            r["op"] == "UploadPart" and "content-md5" in r["headers"]]
    equal(len(md5s), 10, "parts with a Content-MD5")


def test_list():
    _, sdk = shared()
    keys = sorted(["l/a", "l/b/1", "l/b/2", "l/c d", "l/ключ", "l/z"],
                  key=str.encode)
    for key in keys:
        sdk.call("putObject", Key=key, Body=key.encode())
    got, marker = [], ""
    while True:
        page = sdk.call("getBucket", Prefix="l/", MaxKeys=2, Marker=marker)
        got += [(o["Key"], o["Size"]) for o in page["Contents"]]
        if page["IsTruncated"] == "false":
            break
        marker = page["NextMarker"]
    equal(got, [(k, str(len(k.encode()))) for k in keys])
    page = sdk.call("getBucket", Prefix="l/", Delimiter="/",
                    EncodingType="url")
    equal([p["Prefix"] for p in page["CommonPrefixes"]], ["l/b/"])
    equal([urllib.parse.unquote(o["Key"]) for o in page["Contents"]],
          [k for k in keys if "/b/" not in k])
    many = sdk.call("deleteMultipleObject",
                    Objects=[{"Key": k} for k in keys])
    equal(sorted(o["Key"] for o in many["Deleted"]), sorted(keys))
    equal(sdk.call("getBucket", Prefix="l/").get("Contents", []), [])


def test_head_bucket():
    _, sdk = shared()
    equal(sdk.call("headBucket")["statusCode"], 200)
    sdk.refused(404, "NoSuchBucket", "putObject", Bucket="none-1250000000",
                Key="k", Body=b"x")
    equal(sdk.refused(301, "PermanentRedirect", "putObject",
                      Region="ap-beijing", Key="k", Body=b"x")["status"], 301)


def test_forbid_overwrite():
    _, sdk = shared()
    forbid = {"x-cos-forbid-overwrite": "true"}
    sdk.call("putObject", Key="f", Body=b"1", Headers=forbid)
    sdk.refused(409, "FileAlreadyExists", "putObject", Key="f", Body=b"2",
                Headers=forbid)
    upload = begin(sdk, "f")
    parts = [part(sdk, "f", upload, 1, b"3")]
    sdk.refused(409, "FileAlreadyExists", "multipartComplete", Key="f",
                UploadId=upload, Parts=parts, Headers=forbid)
    equal(body(sdk.call("getObject", Key="f")), b"1")
    sdk.call("multipartComplete", Key="f", UploadId=upload, Parts=parts)
    equal(body(sdk.call("getObject", Key="f")), b"3")


def test_tags_and_locks():
    _, sdk = shared()
    sdk.call("putObject", Key="t", Body=b"1",
             Headers={"x-cos-tagging": "a=1&b%20c=2"})
    equal(sdk.call("getObjectTagging", Key="t")["Tags"],
          [{"Key": "a", "Value": "1"}, {"Key": "b c", "Value": "2"}])
    lock = {"x-cos-object-lock-mode": "COMPLIANCE",
            "x-cos-object-lock-retain-until-date": "2099-12-31T00:00:00.000Z"}
    sdk.call("putObject", Key="locked", Body=b"1", Headers=lock)
    sdk.refused(409, "ObjectLocked", "putObject", Key="locked", Body=b"2")
    sdk.refused(409, "ObjectLocked", "deleteObject", Key="locked")


def fetch(double, url):
    """GET a URL by its Host, from the double."""
    parts = urllib.parse.urlsplit(url)
    wire = http.client.HTTPConnection("127.0.0.1", double.port, timeout=20)
    wire.request("GET", parts.path + "?" + parts.query,
                 headers={"Host": parts.netloc})
    reply = wire.getresponse()
    found = reply.status, reply.read()
    wire.close()
    return found


def test_presigned():
    double, sdk = shared()
    sdk.call("putObject", Key="p/q r", Body=b"text")
    url = sdk.call("getObjectUrl", Key="p/q r", Sign=True, Expires=60)["Url"]
    equal(fetch(double, url), (200, b"text"))
    status, said = fetch(double, url.replace("q%20r", "other"))
    equal(status, 403)
    holds("SignatureDoesNotMatch", said)
    old = url.split("?")[0]
    equal(fetch(double, old + "?")[0], 403)
    double.ask("set", skew=3600)
    try:
        status, said = fetch(double, url)
        equal(status, 403)
        holds("Request has expired", said)
    finally:
        double.ask("set", skew=0)


# --- who may ---

def test_who():
    double, sdk = shared()
    put = {"Key": "who", "Body": b"x"}
    error = sdk.refused(403, "SignatureDoesNotMatch", "putObject",
                        {"SecretKey": "wrong"}, **put)
    equal(bool(error["id"]), True, "a request id")
    sdk.refused(403, "InvalidAccessKeyId", "putObject",
                {"SecretId": "AKIDnobody"}, **put)
    double.ask("key", id="AKIDreader", secret="r", may=["GetObject"])
    sdk.refused(403, "AccessDenied", "putObject",
                {"SecretId": "AKIDreader", "SecretKey": "r"}, **put)


def test_temporary_key():
    double, sdk = shared()
    put = {"Key": "sts", "Body": b"x"}
    who = {"SecretId": "AKIDtmp", "SecretKey": "t",
           "SecurityToken": "a+b/c=="}
    double.ask("key", id="AKIDtmp", secret="t", token="a+b/c==",
               expires=time.time() + 60)
    sdk.call("putObject", who, **put)
    sdk.refused(403, "InvalidAccessKeyId", "putObject",
                {**who, "SecurityToken": "other"}, **put)
    double.ask("key", id="AKIDtmp", secret="t", token="a+b/c==",
               expires=time.time() - 1)
    sdk.refused(403, "ExpiredToken", "putObject", who, **put)


def test_clock():
    double, sdk = shared()
    try:
        for skew, code in ((7200, "AccessDenied"),
                           (-7200, "RequestTimeTooSkewed")):
            double.ask("set", skew=skew)
            # The official client looks at Date, sets its clock, goes on.
            sdk.call("putObject", Key="clock", Body=b"x")
            holds(code, str(double.ask("stats")["refused"]))
            double.ask("stats", clear=True)
    finally:
        double.ask("set", skew=0)


def test_path_style():
    double, sdk = shared()
    sdk.refused(403, "PathStyleDomainForbidden", "putObject",
                Key=f"{double.BUCKET}/k", Body=b"x")


# --- faults ---

@each("error", "bare", "drop", "hang-up", "close")
def test_official_client_gets_over(kind):
    """Faults that everybody survives, ours and theirs."""
    double, sdk = shared()
    double.fault(kind, op="PutObject", key="over")
    sdk.call("putObject", Key="over", Body=kind.encode())
    equal(body(sdk.call("getObject", Key="over")), kind.encode())
    equal(double.ask("stats", clear=True)["faults"], {kind: 1})


def test_faults_do_what_they_say():
    double, sdk = shared()
    text = os.urandom(300000)
    sdk.call("putObject", Key="x", Body=text)
    crc = sdk.call("headObject", Key="x")["headers"]["x-cos-hash-crc64ecma"]

    def fault(kind, **more):
        double.fault(kind, op="GetObject", key="x", **more)
        return sdk.ask("getObject", Key="x")
    got = fault("corrupt", at=1000)["data"]
    equal([i for i, (a, b) in enumerate(zip(body(got), text)) if a != b],
          [1000])
    equal(got["headers"]["x-cos-hash-crc64ecma"], crc)
    got = fault("wrong-crc")["data"]
    equal(body(got) == text, True)
    equal(int(got["headers"]["x-cos-hash-crc64ecma"]) ^ int(crc), 1)
    equal("x-cos-hash-crc64ecma" in fault("no-crc")["data"]["headers"], False)
    equal("x-cos-request-id" in fault("no-id")["data"]["headers"], False)
    for kind in ("truncate", "reset-reply"):
        double.fault(kind, op="GetObject", key="x", at=5000, times=9)
        wire = http.client.HTTPConnection("127.0.0.1", double.port,
                                          timeout=20)
        url = urllib.parse.urlsplit(
            sdk.call("getObjectUrl", Key="x", Sign=True)["Url"])
        wire.request("GET", url.path + "?" + url.query,
                     headers={"Host": url.netloc})
        try:
            reply = wire.getresponse()
            equal(reply.status, 200)
            raise AssertionError(f"{kind}: {len(reply.read())} bytes")
        except http.client.IncompleteRead as cut:
            equal((kind, len(cut.partial)), ("truncate", 5000))
        except ConnectionResetError:
            equal(kind, "reset-reply")
        finally:
            wire.close()
            double.ask("calm")
    began = time.monotonic()
    fault("stall", seconds=0.5)
    equal(time.monotonic() - began >= 0.5, True, "a stall")
    double.fault("corrupt", op="PutObject", key="damaged")
    put = sdk.call("putObject", Key="damaged", Body=text)
    equal(put["headers"]["x-cos-hash-crc64ecma"] == crc, False)


def test_complete_faults():
    double, sdk = shared()
    double.ask("set", blanks=1)
    upload = begin(sdk, "c")
    parts = [part(sdk, "c", upload, 1, b"text")]
    double.fault("complete-error")
    answer = sdk.ask("multipartComplete", Key="c", UploadId=upload,
                     Parts=parts)
    holds("InternalError", json.dumps(answer))
    equal(len([u for u in double.uploads() if u["key"] == "c"]), 1)
    double.fault("complete-lie")
    answer = sdk.ask("multipartComplete", Key="c", UploadId=upload,
                     Parts=parts)
    holds("InternalError", json.dumps(answer))
    equal(body(sdk.call("getObject", Key="c")), b"text")
    upload = begin(sdk, "c")
    double.fault("keep")
    sdk.call("multipartAbort", Key="c", UploadId=upload)
    sdk.call("multipartListPart", Key="c", UploadId=upload)
    sdk.call("multipartAbort", Key="c", UploadId=upload)
    sdk.refused(404, "NoSuchUpload", "multipartListPart", Key="c",
                UploadId=upload)
    double.ask("set", blanks=0)


def test_dice():
    """The official client against one fault in ten, twice the same."""
    double, sdk = shared()
    seen = []
    for _ in range(2):
        double.ask("stats", clear=True)
        double.ask("dice", rate=0.1, seed=3)
        for n in range(100):
            sdk.ask("putObject", Key=f"d/{n}", Body=b"%d" % n)
        double.ask("calm")
        seen.append([r["fault"] for r in double.ask("requests")][:80])
    equal(seen[0], seen[1])
    equal(5 <= len([f for f in seen[0] if f]) <= 20, True, "faults")


if __name__ == "__main__":
    cases.main()
