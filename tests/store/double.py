#!/usr/bin/env python3
"""double.py -- a COS of our own, for tests: strict, and ill-tempered if asked.

    double.py FOLDER [--port N] [--control N] [--tls CERT KEY]

Speaks COS's native protocol as its documentation and the official SDK have
it; refuses what the service would refuse.  Keeps objects as files in FOLDER.
Prints one line of JSON when ready: {"port": N, "control": N}.

The bucket that was named first answers to any Host that is not of the form
BUCKET.cos.REGION.anything, as with a custom domain (CNAME).

The control port takes POST /WORD with a JSON object, and answers with JSON:

    key        {id, secret, token, expires, may}: a key that is good
    drop-key   {id}
    bucket     {name, region}
    fault      a rule, see double_faults.py
    dice       {rate, seed, kinds}: faults at random
    calm       {}: no more faults
    set        {skew, blanks, accelerate, min_part, page, role_seconds}
    stats      what was asked for and what went wrong; {"clear": true}
    requests   every request there was: op, key, status, fault, ...
    objects    what there is: key, size, crc, files, headers
    uploads    what is open: key, id, parts
    empty      {}: remove all objects and uploads
    age        {seconds}: all that is there is so much older

It also serves GET /latest/meta-data/cam/security-credentials/ there, the way
a virtual machine learns temporary keys, each good for role_seconds.
"""

import argparse
import base64
import binascii
import collections
import email.utils
import hashlib
import html
import itertools
import json
import os
import re
import signal
import socket
import ssl
import struct
import sys
import threading
import time
import urllib.parse
import uuid
import xml.etree.ElementTree as ET

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))

import double_sign                                              # noqa: E402
from double_faults import Faults                                # noqa: E402
from double_sign import Key, Refusal, encode                    # noqa: E402
from double_store import Bucket, Store                          # noqa: E402

BUCKET, REGION = "test-1250000000", "ap-guangzhou"
SECRET_ID = "AKIDdouble000000000000000000000000000"
SECRET_KEY = "double0secret0key0double0secret0k"
MAX_HEAD = 64 << 10
MAX_XML = 4 << 20
HOST = re.compile(r"^(?:(?P<bucket>[a-z0-9-]+)\.)?"
                  r"cos(?:-internal)?\.(?P<region>[a-z0-9-]+)\.(.+)$")

# Headers of a PUT or Initiate that come back with the object.
KEPT = re.compile(r"^(x-cos-(meta-.*|storage-class|object-lock-.*|tagging|"
                  r"server-side-encryption.*)|content-type|cache-control|"
                  r"content-disposition|content-encoding|expires)$")
PARAMS = {
    "PutObject": set(),
    "GetObject": {"response-content-disposition", "response-content-type",
                  "response-cache-control", "response-content-encoding",
                  "response-content-language", "response-expires"},
    "HeadObject": set(), "DeleteObject": set(),
    "GetObjectTagging": {"tagging"},
    "InitiateMultipartUpload": {"uploads"},
    "UploadPart": {"partNumber", "uploadId"},
    "CompleteMultipartUpload": {"uploadId"},
    "AbortMultipartUpload": {"uploadId"},
    "ListParts": {"uploadId", "max-parts", "part-number-marker",
                  "encoding-type"},
    "ListMultipartUploads": {"uploads", "prefix", "key-marker", "delimiter",
                             "upload-id-marker", "max-uploads",
                             "encoding-type"},
    "GetBucket": {"prefix", "marker", "max-keys", "delimiter",
                  "encoding-type"},
    "HeadBucket": set(), "DeleteObjects": {"delete"},
}
REASONS = {200: "OK", 204: "No Content", 206: "Partial Content",
           301: "Moved Permanently", 304: "Not Modified",
           307: "Temporary Redirect", 400: "Bad Request", 403: "Forbidden",
           404: "Not Found", 405: "Method Not Allowed", 409: "Conflict",
           411: "Length Required", 412: "Precondition Failed",
           416: "Requested Range Not Satisfiable",
           500: "Internal Server Error", 502: "Bad Gateway",
           503: "Service Unavailable"}


class Gone(Exception):
    """The connection is no more, by their hand or ours."""


# --- what comes in ---

class Wire:
    """A connection: bytes in, with those read too early kept, and out."""

    def __init__(self, sock):
        self.sock, self.early = sock, b""

    def head(self):
        """The bytes of a request's head, or None at the end."""
        while (end := self.early.find(b"\r\n\r\n")) < 0:
            if len(self.early) > MAX_HEAD:
                raise Gone
            data = self.sock.recv(64 << 10)
            if not data:
                return None
            self.early += data
        head, self.early = self.early[:end], self.early[end + 4:]
        return head

    def line(self):
        while (end := self.early.find(b"\r\n")) < 0:
            data = self.sock.recv(4096)
            if not data or len(self.early) > MAX_HEAD:
                raise Gone
            self.early += data
        line, self.early = self.early[:end], self.early[end + 2:]
        return line

    def read_into(self, view):
        if self.early:
            count = min(len(view), len(self.early))
            view[:count] = self.early[:count]
            self.early = self.early[count:]
            return count
        count = self.sock.recv_into(view)
        if count == 0:
            raise Gone
        return count

    def send(self, data):
        self.sock.sendall(data)

    def reset(self):
        """Not FIN but RST."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                             struct.pack("ii", 1, 0))
        raise Gone


class Body:
    """A request's body.  reset_at: break the connection there."""

    def __init__(self, wire, length, chunked, expects):
        self.wire, self.length, self.chunked = wire, length, chunked
        self.left, self.expects, self.reset_at = length, expects, None
        self.seen = 0

    def _begin(self):
        if self.expects:
            self.expects = False
            self.wire.send(b"HTTP/1.1 100 Continue\r\n\r\n")

    def read_into(self, view):
        """Fill view over and over; yields the count each time."""
        self._begin()
        for run in self._runs():
            while run > 0:
                count = self._fill(view[:min(run, len(view))])
                run -= count
                yield count

    def _fill(self, view):
        count = 0
        while count < len(view):
            room = view[count:]
            if self.reset_at is not None:
                room = room[:max(self.reset_at - self.seen, 0)]
                if not room:
                    self.wire.reset()
            got = self.wire.read_into(room)
            count, self.seen = count + got, self.seen + got
            self.left -= got
        return count

    def _runs(self):
        if not self.chunked:
            yield self.left
            return
        while (size := int(self.wire.line().split(b";")[0], 16)) > 0:
            yield size
            self.wire.line()
        while self.wire.line():
            pass

    def bytes(self):
        if self.length > MAX_XML:
            raise Refusal(400, "EntityTooLarge", "the XML is too large")
        view, data = memoryview(bytearray(64 << 10)), b""
        for count in self.read_into(view):
            data += view[:count]
        return data

    def drain(self):
        """Read what nobody wanted; False when the connection is spoilt."""
        if self.expects or self.chunked:
            return self.length == 0 and not self.chunked
        for _ in self.read_into(memoryview(bytearray(1 << 20))):
            pass
        return True


class Request:
    """As received.  .path decoded, .query [(name, value)] decoded."""

    def __init__(self, wire, head):
        lines = head.decode("latin-1").split("\r\n")
        try:
            self.method, self.target, version = lines[0].split(" ")
        except ValueError:
            raise Refusal(400, "BadRequest", "no request line") from None
        self.http_1_0 = version == "HTTP/1.0"
        self.headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            if name.lower() in self.headers:
                raise Refusal(400, "BadRequest", f"{name} is there twice")
            self.headers[name.lower()] = value.strip(" \t").encode(
                "latin-1").decode("utf-8", "surrogateescape")
        self._read_target()
        self._find_body(wire)
        self.op, self.bucket, self.key, self.unsigned = "", None, "", []
        self.fault, self.refused, self.id = {}, None, ""

    def _read_target(self):
        target = re.sub(r"^https?://[^/]*", "", self.target)
        raw, _, query = target.partition("?")
        self.path = _decoded(raw)
        self.query = [tuple(map(_decoded, row.partition("=")[::2]))
                      for row in query.split("&") if row]
        names = [n for n, _ in self.query]
        if len(set(names)) != len(names):
            raise Refusal(400, "InvalidArgument", "a parameter twice")
        self.params = dict(self.query)

    def _find_body(self, wire):
        length = self.headers.get("content-length")
        chunked = self.headers.get("transfer-encoding", "") == "chunked"
        if length is not None and not length.isdigit():
            raise Refusal(400, "InvalidArgument", "Content-Length")
        self.has_length = length is not None
        self.body = Body(wire, int(length or 0), chunked,
                         self.headers.get("expect") == "100-continue")

    def check_md5(self, md5):
        said = self.headers.get("content-md5")
        if said is not None and said != base64.b64encode(
                md5.digest()).decode():
            raise Refusal(400, "BadDigest" if _is_md5(said) else
                          "InvalidDigest", "The Content-MD5 you specified "
                          "did not match what we received.")

    def number(self, name, default, low, high):
        text = self.params.get(name, "")
        if name not in self.params:
            return default
        if not text.isdigit() or not low <= int(text) <= high:
            raise Refusal(400, "InvalidArgument", f"{name}: {text}")
        return int(text)

    @property
    def forbid(self):
        return self.headers.get("x-cos-forbid-overwrite") == "true"


def _decoded(text):
    return urllib.parse.unquote_to_bytes(
        text.encode("latin-1")).decode("utf-8", "surrogateescape")


def _is_md5(text):
    try:
        return len(base64.b64decode(text, validate=True)) == 16
    except binascii.Error:
        return False


# --- what goes out ---

class Reply:
    """status, headers, and a body: bytes, or pieces of files."""

    def __init__(self, status=200, headers=None, body=b"", runs=None,
                 length=None):
        self.status, self.headers = status, dict(headers or {})
        self.body, self.runs = body, runs   # runs: [(path, from, count)]
        self.length = length
        self.slow_blanks = None             # Complete: chunked, blanks first

    @classmethod
    def xml(cls, text, headers=None):
        return cls(200, {"Content-Type": "application/xml", **(headers or {})},
                   b'<?xml version="1.0" encoding="UTF-8"?>\n' +
                   text.encode("utf-8", "surrogateescape"))


def element(name, value):
    text = html.escape(str(value), quote=False)
    return f"<{name}>{text}</{name}>"


def stamp(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(seconds))


def http_date(seconds):
    return email.utils.formatdate(seconds, usegmt=True)


def error_xml(refusal, resource, request_id):
    inner = element("Code", refusal.code) + \
        element("Message", refusal.message) + \
        element("Resource", resource) + element("RequestId", request_id) + \
        element("TraceId", base64.b64encode(request_id.encode()).decode())
    for name, value in refusal.more.items():
        inner += element(name, value)
    return ('<?xml version="1.0" encoding="utf-8" ?>\n'
            f"<Error>{inner}</Error>\n").encode("utf-8", "surrogateescape")


# --- the service ---

class Service:
    """The operations; one method each, which returns a Reply."""

    def __init__(self, folder):
        self.store, self.faults = Store(folder), Faults()
        self.store.buckets[BUCKET] = Bucket(BUCKET, REGION)
        self.default_bucket = BUCKET
        self.keys = {SECRET_ID: Key(SECRET_KEY)}
        self.settings = {"skew": 0, "blanks": 0, "accelerate": False,
                         "page": 1000, "role_seconds": 1800,
                         "keep_requests": 100000}
        self.log = collections.deque(maxlen=100000)
        self.lock, self.active = threading.Lock(), 0
        self.clear()

    def clear(self):
        self.log.clear()
        self.counts = collections.defaultdict(collections.Counter)
        self.most_at_once = self.connections = 0

    def now(self):
        return time.time() + self.settings["skew"]

    # --- where it goes ---

    def route(self, request):
        """Fill in .op, .key and .bucket (its name)."""
        host = request.headers.get("host")
        if host is None:
            raise Refusal(400, "InvalidRequest", "no Host")
        found = HOST.match(host.rpartition(":")[0] or host
                           if re.search(r":\d+$", host) else host)
        request.bucket, request.region = self.default_bucket, None
        if found:
            request.bucket = found["bucket"]
            request.region = found["region"]
        first = request.path[1:].split("/")[0]
        if request.bucket is None or first in self.store.buckets:
            raise Refusal(403, "PathStyleDomainForbidden", "The bucket you "
                          "are attempting to access must be addressed using "
                          "COS virtual-styled domain.")
        request.key = request.path[1:]
        request.op = _operation(request)
        unknown = {n for n, _ in request.query if not n.startswith("q-")} - \
            PARAMS[request.op] - {"x-cos-security-token"}
        if unknown:
            raise Refusal(400, "InvalidArgument",
                          f"{request.op} has no {' '.join(sorted(unknown))}")

    def find_bucket(self, request):
        bucket = self.store.bucket(request.bucket)
        if request.region == "accelerate":
            if not self.settings["accelerate"]:
                raise Refusal(400, "BucketAccelerateNotEnabled",
                              "The bucket does not have it.")
        elif request.region not in (None, bucket.region):
            refusal = Refusal(301, "PermanentRedirect", "The bucket you are "
                              "attempting to access must be addressed using "
                              "the specified endpoint.",
                              Endpoint=f"{bucket.name}.cos.{bucket.region}"
                              ".myqcloud.com")
            refusal.headers["Location"] = "http://" + \
                refusal.more["Endpoint"] + "/"
            raise refusal
        return bucket

    def check(self, request):
        key = double_sign.check(request, self.keys, self.now())
        if key.may is not None and request.op not in key.may:
            raise Refusal(403, "AccessDenied", "Access Denied.")
        if len(request.key.encode("utf-8", "surrogateescape")) > 850:
            raise Refusal(400, "KeyTooLong", "more than 850 bytes")
        if not request.has_length and not request.body.chunked and \
                request.method in ("PUT", "POST"):
            raise Refusal(411, "MissingContentLength",
                          "You must provide the Content-Length HTTP header.")
        if request.body.chunked and request.op != "PutObject":
            raise Refusal(411, "MissingContentLength", "no chunks here")
        limit = request.headers.get("x-cos-traffic-limit")
        if limit is not None and not (
                limit.isdigit() and 819200 <= int(limit) <= 838860800):
            raise Refusal(400, "InvalidArgument", "x-cos-traffic-limit")

    def do(self, request, fault):
        bucket = self.find_bucket(request)
        return getattr(self, "do_" + request.op)(request, bucket, fault)

    # --- objects ---

    def do_PutObject(self, request, bucket, fault):
        with self.store.lock:
            self.store.may_write(bucket, request.key, request.forbid)
        headers = _kept(request)
        if request.body.length > 5 << 30:
            raise Refusal(400, "EntityTooLarge", "more than 5 GB")
        piece = self.store.receive(request, fault.get("kind") == "corrupt")
        made = self.store.put(bucket, request.key, piece, headers,
                              request.forbid)
        return Reply(200, {"ETag": made.etag,
                           "x-cos-hash-crc64ecma": made.crc})

    def do_GetObject(self, request, bucket, fault):
        found = self._found(request, bucket)
        headers, status = _described(found, self), 200
        begin, end = 0, found.size
        if "range" in request.headers:
            span = _range(request.headers["range"], found.size)
            if span is not None:
                (begin, end), status = span, 206
                headers["Content-Range"] = \
                    f"bytes {begin}-{end - 1}/{found.size}"
        for name, value in request.query:
            if name.startswith("response-"):
                headers[name[9:].title()] = value
        return Reply(status, headers, runs=_runs(found, begin, end),
                     length=end - begin)

    def do_HeadObject(self, request, bucket, fault):
        found = self._found(request, bucket)
        return Reply(200, _described(found, self), runs=[], length=found.size)

    def _found(self, request, bucket):
        found = self.store.get(bucket, request.key)
        wanted = request.headers.get("if-match")
        if wanted is not None and wanted not in (found.etag, "*") and \
                wanted != found.etag.strip('"'):
            raise Refusal(412, "PreconditionFailed", "If-Match")
        if request.headers.get("if-none-match") in (found.etag, "*"):
            raise Refusal(304, "NotModified")
        _check_customer_key(request, found.headers)
        if found.headers.get("x-cos-storage-class", "").endswith("ARCHIVE") \
                and request.op == "GetObject":
            raise Refusal(403, "InvalidObjectState", "The operation is not "
                          "valid for the object's storage class.")
        return found

    def do_DeleteObject(self, request, bucket, fault):
        self.store.delete(bucket, request.key)
        return Reply(204)

    def do_DeleteObjects(self, request, bucket, fault):
        data = request.body.bytes()
        if "content-md5" not in request.headers:
            raise Refusal(400, "InvalidRequest", "Content-MD5 is missing")
        root = _parsed(request, data, "Delete")
        keys = [_text(o, "Key") for o in root.findall("Object")]
        if not 0 < len(keys) <= 1000:
            raise Refusal(400, "MalformedXML", f"{len(keys)} keys")
        rows = []
        for key in keys:
            try:
                self.store.delete(bucket, key)
                if _text(root, "Quiet", "false") != "true":
                    rows.append(f"<Deleted>{element('Key', key)}</Deleted>")
            except Refusal as refusal:
                rows.append("<Error>" + element("Key", key) +
                            element("Code", refusal.code) +
                            element("Message", refusal.message) + "</Error>")
        return Reply.xml(f"<DeleteResult>{''.join(rows)}</DeleteResult>")

    def do_GetObjectTagging(self, request, bucket, fault):
        found = self.store.get(bucket, request.key)
        rows = urllib.parse.parse_qsl(found.headers.get("x-cos-tagging", ""))
        return Reply.xml("<Tagging><TagSet>" + "".join(
            f"<Tag>{element('Key', k)}{element('Value', v)}</Tag>"
            for k, v in rows) + "</TagSet></Tagging>")

    # --- multipart ---

    def do_InitiateMultipartUpload(self, request, bucket, fault):
        request.body.bytes()
        upload = self.store.initiate(bucket, request.key, _kept(request))
        return Reply.xml(
            "<InitiateMultipartUploadResult>" +
            element("Bucket", bucket.name) + element("Key", request.key) +
            element("UploadId", upload.id) +
            "</InitiateMultipartUploadResult>")

    def _upload(self, request, bucket):
        return self.store.upload(bucket, request.key,
                                 request.params["uploadId"])

    def do_UploadPart(self, request, bucket, fault):
        upload = self._upload(request, bucket)
        number = request.number("partNumber", None, 1, 10000)
        if request.body.length > 5 << 30:
            raise Refusal(400, "EntityTooLarge", "more than 5 GB")
        _check_customer_key(request, upload.headers)
        piece = self.store.receive(request, fault.get("kind") == "corrupt")
        self.store.part(bucket, upload, number, piece)
        return Reply(200, {"ETag": piece.etag,
                           "x-cos-hash-crc64ecma": piece.crc})

    def do_CompleteMultipartUpload(self, request, bucket, fault):
        data = request.body.bytes()
        upload = self._upload(request, bucket)
        root = _parsed(request, data, "CompleteMultipartUpload")
        try:
            wanted = [(int(_text(p, "PartNumber")), _text(p, "ETag"))
                      for p in root.findall("Part")]
        except ValueError:
            raise Refusal(400, "MalformedXML", "PartNumber") from None
        if fault.get("kind") == "complete-error":
            return self._late_error(request, fault)
        made = self.store.complete(bucket, upload, wanted, request.forbid)
        if fault.get("kind") == "complete-lie":
            return self._late_error(request, fault)
        reply = Reply.xml(
            '<CompleteMultipartUploadResult '
            'xmlns="http://www.qcloud.com/document/product/436/7751">' +
            element("Location", f"http://{request.headers['host']}/"
                    + encode(made.key)) +
            element("Bucket", bucket.name) + element("Key", made.key) +
            "<ETag>" + html.escape(made.etag) + "</ETag>"
            "</CompleteMultipartUploadResult>",
            {"x-cos-hash-crc64ecma": made.crc})
        reply.slow_blanks = self.settings["blanks"]
        return reply

    def _late_error(self, request, fault):
        refusal = Refusal(200, fault.get("code", "InternalError"),
                          "We encountered an internal error. Please try "
                          "again.")
        reply = Reply(200, {"Content-Type": "application/xml"},
                      error_xml(refusal, request.path, request.id))
        reply.slow_blanks = self.settings["blanks"]
        return reply

    def do_AbortMultipartUpload(self, request, bucket, fault):
        upload = self._upload(request, bucket)
        if fault.get("kind") != "keep":
            self.store.abort(bucket, upload)
        return Reply(204)

    def do_ListParts(self, request, bucket, fault):
        upload, name = self._upload(request, bucket), _encoder(request)
        count = request.number("max-parts", 1000, 1, 1000)
        marker = request.number("part-number-marker", 0, 0, 10 ** 9)
        with self.store.lock:
            rows = sorted((n, p) for n, p in upload.parts.items()
                          if n > marker)
        page = rows[:min(count, self.settings["page"])]
        text = element("Bucket", bucket.name) + \
            element("Key", name(upload.key)) + \
            element("UploadId", upload.id) + \
            element("PartNumberMarker", marker) + \
            element("MaxParts", count) + \
            element("IsTruncated", _bool(len(page) < len(rows)))
        if len(page) < len(rows):
            text += element("NextPartNumberMarker", page[-1][0])
        for number, part in page:
            text += "<Part>" + element("PartNumber", number) + \
                element("LastModified", stamp(part.modified)) + \
                "<ETag>" + html.escape(part.etag) + "</ETag>" + \
                element("Size", part.size) + "</Part>"
        return Reply.xml(f"<ListPartsResult>{text}</ListPartsResult>")

    def do_ListMultipartUploads(self, request, bucket, fault):
        count = request.number("max-uploads", 1000, 1, 1000)
        after = (request.params.get("key-marker", ""),
                 request.params.get("upload-id-marker", ""))
        name, prefix = _encoder(request), request.params.get("prefix", "")
        with self.store.lock:
            rows = sorted((_order(u.key), u.id, u)
                          for u in bucket.uploads.values()
                          if u.key.startswith(prefix))
        if after[0]:
            mark = _order(after[0])
            rows = [r for r in rows if r[0] > mark or
                    r[0] == mark and after[1] and r[1] > after[1]]
        page = rows[:min(count, self.settings["page"])]
        more = len(page) < len(rows)
        text = element("Bucket", bucket.name) + \
            element("KeyMarker", name(after[0])) + \
            element("UploadIdMarker", after[1]) + \
            element("MaxUploads", count) + \
            element("Prefix", name(prefix)) + \
            element("IsTruncated", _bool(more))
        if more:
            text += element("NextKeyMarker", name(page[-1][2].key)) + \
                element("NextUploadIdMarker", page[-1][1])
        for _, number, upload in page:
            text += "<Upload>" + element("Key", name(upload.key)) + \
                element("UploadId", number) + \
                element("StorageClass", "STANDARD") + \
                element("Initiated", stamp(upload.begun)) + "</Upload>"
        return Reply.xml(f"<ListMultipartUploadsResult>{text}"
                         "</ListMultipartUploadsResult>")

    # --- the bucket ---

    def do_HeadBucket(self, request, bucket, fault):
        return Reply(200, {"x-cos-bucket-region": bucket.region})

    def do_GetBucket(self, request, bucket, fault):
        prefix = request.params.get("prefix", "")
        marker = request.params.get("marker", "")
        delimiter = request.params.get("delimiter", "")
        count = request.number("max-keys", 1000, 0, 1000)
        name = _encoder(request)
        with self.store.lock:
            objects = dict(bucket.objects)
        rows = _folded(objects, prefix, delimiter)
        rows = [r for r in rows if _order(r[0]) > _order(marker)]
        page = rows[:min(count, self.settings["page"])]
        more = len(page) < len(rows)
        text = element("Name", bucket.name) + \
            element("Prefix", name(prefix)) + \
            element("Marker", name(marker)) + element("MaxKeys", count)
        if delimiter:
            text += element("Delimiter", name(delimiter))
        if "encoding-type" in request.params:
            text += element("EncodingType", "url")
        text += element("IsTruncated", _bool(more))
        if more and page:
            text += element("NextMarker", name(page[-1][0]))
        for key, found in page:
            text += _list_row(name, key, found)
        return Reply.xml(f"<ListBucketResult>{text}</ListBucketResult>")


def _operation(request):
    """The service's name of what is asked for."""
    method, params = request.method, request.params
    if request.path == "/":
        name = {"GET": "ListMultipartUploads" if "uploads" in params else
                "GetBucket", "HEAD": "HeadBucket",
                "POST": "DeleteObjects" if "delete" in params else None
                }.get(method)
    elif "uploads" in params:
        name = {"POST": "InitiateMultipartUpload"}.get(method)
    elif "uploadId" in params:
        name = {"PUT": "UploadPart", "POST": "CompleteMultipartUpload",
                "DELETE": "AbortMultipartUpload",
                "GET": "ListParts"}.get(method)
    elif "tagging" in params:
        name = {"GET": "GetObjectTagging"}.get(method)
    else:
        name = {"PUT": "PutObject", "GET": "GetObject", "HEAD": "HeadObject",
                "DELETE": "DeleteObject"}.get(method)
    if name is None:
        raise Refusal(405, "MethodNotAllowed", "The specified method is not "
                      "allowed against this resource.")
    return name


def _kept(request):
    """The headers that stay with an object, checked."""
    headers = {n: v for n, v in request.headers.items()
               if KEPT.match(n) and v}
    meta = {n: v for n, v in headers.items() if n.startswith("x-cos-meta-")}
    if any(len(n) + len(v) > 2048 for n, v in meta.items()) or \
            sum(len(n) + len(v) for n, v in meta.items()) > 4096:
        raise Refusal(400, "MetadataTooLarge", "more than 4 KB")
    if any("_" in n for n in meta):
        raise Refusal(400, "InvalidArgument", "_ in a name of metadata")
    if headers.get("x-cos-object-lock-mode", "COMPLIANCE") != "COMPLIANCE":
        raise Refusal(400, "InvalidArgument", "x-cos-object-lock-mode")
    if ("x-cos-object-lock-mode" in headers) != \
            ("x-cos-object-lock-retain-until-date" in headers):
        raise Refusal(400, "InvalidArgument", "half an object lock")
    if len(urllib.parse.parse_qsl(headers.get("x-cos-tagging", ""))) > 10:
        raise Refusal(400, "InvalidTag", "more than 10 tags")
    if "x-cos-server-side-encryption-customer-algorithm" in headers:
        _customer_key(headers)
    return headers


_SSE_C = "x-cos-server-side-encryption-customer-"


def _customer_key(headers):
    """The digest of the customer's key, or None; must be consistent."""
    if _SSE_C + "algorithm" not in headers:
        return None
    try:
        key = base64.b64decode(headers[_SSE_C + "key"], validate=True)
        digest = headers[_SSE_C + "key-md5"]
    except (KeyError, binascii.Error):
        key, digest = b"", ""
    if headers[_SSE_C + "algorithm"] != "AES256" or len(key) != 32 or \
            digest != base64.b64encode(hashlib.md5(key).digest()).decode():
        raise Refusal(400, "InvalidArgument", "the customer's key")
    return digest


def _check_customer_key(request, headers):
    if _customer_key(request.headers) != _customer_key(headers):
        raise Refusal(400, "InvalidRequest", "The object was stored using a "
                      "form of Server Side Encryption. The correct "
                      "parameters must be provided.")


def _described(found, service):
    headers = {"ETag": found.etag, "x-cos-hash-crc64ecma": found.crc,
               "Last-Modified": http_date(found.modified +
                                          service.settings["skew"]),
               "Accept-Ranges": "bytes",
               "Content-Type": "application/octet-stream"}
    for name, value in found.headers.items():
        if name == "x-cos-tagging":
            headers["x-cos-tagging-count"] = len(urllib.parse.parse_qsl(value))
        elif name == "content-type":
            headers["Content-Type"] = value
        elif name != _SSE_C + "key":
            headers[name] = value
    return headers


def _range(text, size):
    """(begin, end) of a Range header, None when it is to be ignored."""
    found = re.fullmatch(r"bytes=(\d*)-(\d*)", text)
    if not found or found[0] == "bytes=-":
        return None
    if found[1] == "":
        begin, end = max(size - int(found[2]), 0), size
    else:
        begin = int(found[1])
        end = min(int(found[2]) + 1, size) if found[2] else size
        if found[2] and int(found[2]) < begin:
            return None
    if begin >= end:
        raise Refusal(416, "InvalidRange", "The requested range cannot be "
                      "satisfied.")
    return begin, end


def _runs(found, begin, end):
    """The stretches of files that bytes [begin, end) are."""
    runs, at = [], 0
    for piece in found.pieces:
        low, high = max(begin - at, 0), min(end - at, piece.size)
        if low < high:
            runs.append((piece.path, low, high - low))
        at += piece.size
    return runs


def _parsed(request, data, name):
    md5 = hashlib.md5(data)
    request.check_md5(md5)
    try:
        root = ET.fromstring(data)
    except ET.ParseError:
        raise Refusal(400, "MalformedXML", "The XML you provided was not "
                      "well-formed.") from None
    for node in root.iter():
        node.tag = node.tag.rpartition("}")[2]
    if root.tag != name:
        raise Refusal(400, "MalformedXML", f"not a {name}")
    return root


def _text(node, name, default=None):
    found = node.find(name)
    if found is None or found.text is None:
        if default is None:
            raise Refusal(400, "MalformedXML", f"no {name}")
        return default
    return found.text


def _encoder(request):
    kind = request.params.get("encoding-type")
    if kind not in (None, "url"):
        raise Refusal(400, "InvalidArgument", "encoding-type")
    return (lambda s: urllib.parse.quote(
        s.encode("utf-8", "surrogateescape"), safe="/")) if kind \
        else (lambda s: s)


def _bool(value):
    return "true" if value else "false"


def _order(key):
    return key.encode("utf-8", "surrogateescape")


def _folded(objects, prefix, delimiter):
    """Sorted [(key, Object)], or (common prefix, None)."""
    rows = {}
    for key, found in objects.items():
        if not key.startswith(prefix):
            continue
        at = key.find(delimiter, len(prefix)) if delimiter else -1
        if at >= 0:
            rows[key[:at + len(delimiter)]] = None
        else:
            rows[key] = found
    return sorted(rows.items(), key=lambda row: _order(row[0]))


def _list_row(name, key, found):
    if found is None:
        return "<CommonPrefixes>" + element("Prefix", name(key)) + \
            "</CommonPrefixes>"
    return "<Contents>" + element("Key", name(key)) + \
        element("LastModified", stamp(found.modified)) + \
        "<ETag>" + html.escape(found.etag) + "</ETag>" + \
        element("Size", found.size) + element(
            "StorageClass", found.headers.get("x-cos-storage-class",
                                              "STANDARD")) + \
        "<Owner><ID>1250000000</ID></Owner></Contents>"


# --- a connection ---

class Connection:
    """Serves one client until it goes, or a fault says so."""

    def __init__(self, service, sock):
        self.service, self.wire = service, Wire(sock)

    def serve(self):
        try:
            while (head := self.wire.head()) is not None:
                if not self._serve_one(head):
                    break
        except (Gone, OSError):
            pass
        finally:
            self.wire.sock.close()

    def _serve_one(self, head):
        service, request = self.service, None
        with service.lock:
            service.active += 1
            service.most_at_once = max(service.most_at_once, service.active)
        row = {"time": time.time(), "status": None}
        try:
            request = Request(self.wire, head)
            request.id = base64.b64encode(uuid.uuid4().bytes).decode()
            reply, keep = self._answer(request)
            row["status"] = reply.status
            self._note(row, request)
            return self._send(request, reply, request.fault) and keep
        except Refusal as refusal:      # not even a request
            row["status"], row["refused"] = 400, refusal.message
            self._note(row, request)
            self.wire.send(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0"
                           b"\r\nConnection: close\r\n\r\n")
            return False
        finally:
            self._note(row, request)
            with service.lock:
                service.active -= 1

    def _note(self, row, request):
        """Into the log, once: before the reply, for who has that may ask."""
        service = self.service
        if "seconds" in row:
            return
        if request is not None:
            row.update(op=request.op, key=request.key,
                       fault=request.fault.get("kind"), id=request.id,
                       params=request.params, headers=request.headers,
                       unsigned=request.unsigned, bytes=request.body.length,
                       refused=request.refused)
        row["seconds"] = time.time() - row["time"]
        with service.lock:
            service.log.append(row)
            for name in ("op", "status", "fault", "refused"):
                if row.get(name) is not None:
                    service.counts[name][str(row[name])] += 1

    def _answer(self, request):
        """The Reply, and whether the connection stays good."""
        service = self.service
        try:
            service.route(request)
            service.check(request)
            request.fault = service.faults.pick(request.op, request.key,
                                                request.body.length)
            reply = self._before(request, request.fault) or \
                service.do(request, request.fault)
        except Refusal as refusal:
            reply = self._refused(request, refusal)
        if request.fault.get("kind") == "early":
            return reply, False
        return reply, request.body.drain()

    def _before(self, request, fault):
        """What a fault does before the operation: a Reply instead of it."""
        kind = fault.get("kind")
        if kind == "slow-body":
            time.sleep(fault.get("seconds", 1))
        elif kind == "reset-request":
            request.body.reset_at = fault.get("at", 0)
            request.body.drain()
            self.wire.reset()
        elif kind in ("error", "early"):
            refusal = Refusal(fault.get("status", 503),
                              fault.get("code", "SlowDown"),
                              fault.get("message", "Please reduce your "
                                        "request rate."))
            if "retry_after" in fault:
                refusal.headers["Retry-After"] = fault["retry_after"]
            raise refusal
        elif kind == "redirect":
            refusal = Refusal(307, "TemporaryRedirect", "Please re-send this "
                              "request to the specified temporary endpoint.")
            refusal.headers["Location"] = fault.get(
                "location", "http://elsewhere.invalid/")
            raise refusal
        elif kind == "bare":
            return Reply(fault.get("status", 500))
        elif kind == "middlebox":
            return Reply(fault.get("status", 502),
                         {"Content-Type": "text/html", "Server": "proxy"},
                         b"<html><body>not the store</body></html>")
        return None

    def _refused(self, request, refusal):
        request.refused = refusal.code
        body = b"" if request.method == "HEAD" or refusal.status == 304 else \
            error_xml(refusal, request.path, request.id)
        return Reply(refusal.status, {"Content-Type": "application/xml",
                                      **refusal.headers}, body)

    # --- the reply, and what spoils it ---

    def _send(self, request, reply, fault):
        """True when the connection may be used again."""
        kind = fault.get("kind")
        if kind == "drop":
            return False
        if kind == "stall" and "at" not in fault:
            time.sleep(fault.get("seconds", 1))
        close = kind in ("close", "early") or request.http_1_0 or \
            request.headers.get("connection", "").lower() == "close"
        self._head_of(request, reply, fault, close)
        if reply.slow_blanks is not None:
            self._send_chunked(reply)
        elif request.method != "HEAD":
            self._send_body(reply, fault)
        if kind == "stray":
            self.wire.send(b"0\r\n\r\n")
        return not close and kind != "hang-up"

    def _head_of(self, request, reply, fault, close):
        kind = fault.get("kind")
        headers = {"Server": "tencent-cos",
                   "Date": http_date(self.service.now()), **reply.headers}
        if kind not in ("no-id", "middlebox"):
            headers["x-cos-request-id"] = request.id
            if reply.status >= 400:
                headers["x-cos-trace-id"] = base64.b64encode(
                    request.id.encode()).decode()
        if kind == "no-crc":
            headers.pop("x-cos-hash-crc64ecma", None)
        if kind == "wrong-crc" and "x-cos-hash-crc64ecma" in headers:
            headers["x-cos-hash-crc64ecma"] = \
                int(headers["x-cos-hash-crc64ecma"]) ^ 1
        if reply.slow_blanks is not None:
            headers["Transfer-Encoding"] = "chunked"
        elif reply.status not in (204, 304):
            length = reply.length if reply.runs is not None else \
                len(reply.body)
            headers["Content-Length"] = length
        headers["Connection"] = "close" if close else "keep-alive"
        reason = REASONS.get(reply.status, "Whatever")
        self.wire.send((f"HTTP/1.1 {reply.status} {reason}\r\n" + "".join(
            f"{n}: {v}\r\n" for n, v in headers.items()) + "\r\n").encode(
                "utf-8", "surrogateescape"))

    def _send_chunked(self, reply):
        end = time.monotonic() + reply.slow_blanks
        while time.monotonic() < end:
            time.sleep(min(0.3, reply.slow_blanks))
            self.wire.send(b"1\r\n \r\n")
        self.wire.send(b"%x\r\n%b\r\n0\r\n\r\n" % (len(reply.body),
                                                   reply.body))

    def _send_body(self, reply, fault):
        kind, length = fault.get("kind"), reply.length
        if reply.runs is None:
            self.wire.send(reply.body)
            return
        at = fault.get("at", int(fault.get("share", 0.5) * length))
        done = 0
        for path, begin, count in reply.runs:
            cut = min(count, max(at - done, 0))
            if kind in ("stall", "truncate", "reset-reply", "corrupt") and \
                    done <= at < done + count:
                self._send_file(path, begin, cut)
                self._spoil(kind, fault, path, begin + cut)
                more = 1 if kind == "corrupt" else 0
                self._send_file(path, begin + cut + more, count - cut - more)
            else:
                self._send_file(path, begin, count)
            done += count

    def _spoil(self, kind, fault, path, at):
        if kind == "stall":
            time.sleep(fault.get("seconds", 1))
        elif kind == "truncate":
            raise Gone
        elif kind == "reset-reply":
            self.wire.reset()
        elif kind == "corrupt":
            with open(path, "rb") as file:
                file.seek(at)
                self.wire.send(bytes([file.read(1)[0] ^ 0x20]))

    def _send_file(self, path, begin, count):
        try:
            file = open(path, "rb")
        except FileNotFoundError:       # replaced meanwhile
            raise Gone from None
        with file:
            while count > 0:
                # Small enough that others get their turn.
                sent = self.wire.sock.sendfile(file, begin,
                                               min(count, 4 << 20))
                begin, count = begin + sent, count - sent


class Listener:
    """Accepts for ever, a thread per connection."""

    def __init__(self, port, serve, tls=None):
        self.serve, self.tls = serve, tls
        self.socket = socket.create_server(("127.0.0.1", port), backlog=256)
        self.port = self.socket.getsockname()[1]

    def run(self):
        for number in itertools.count():
            sock, _ = self.socket.accept()
            threading.Thread(target=self._begin, args=(sock,), daemon=True,
                             name=f"connection {number}").start()

    def _begin(self, sock):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            if self.tls is not None:
                sock = self.tls.wrap_socket(sock, server_side=True)
        except (OSError, ssl.SSLError):
            sock.close()
            return
        self.serve(sock)


# --- control ---

class Control:
    """The port through which a test steers the service."""

    ROLE = "/latest/meta-data/cam/security-credentials/"

    def __init__(self, service):
        self.service = service

    def serve(self, sock):
        wire = Wire(sock)
        try:
            while (head := wire.head()) is not None:
                request = Request(wire, head)
                status, body = self._answer(request, request.body.bytes())
                wire.send(b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n" %
                          (status, len(body)) + body)
        except (Gone, OSError, Refusal):
            pass
        finally:
            sock.close()

    def _answer(self, request, body):
        try:
            if request.path.startswith("/latest/") or \
                    request.path.startswith("/meta-data/"):
                return self._metadata(request)
            word = request.path[1:].replace("-", "_")
            said = getattr(self, "on_" + word)(json.loads(body or b"{}"))
            return 200, json.dumps(said).encode()
        except Exception as e:
            return 400, json.dumps(repr(e)).encode()

    def _metadata(self, request):
        name = request.path.rpartition("/")[2]
        self.service.counts["metadata"][name or "roles"] += 1
        if not name:
            return 200, b"backup-role"
        if name != "backup-role":
            return 404, b"not found"
        life = self.service.settings["role_seconds"]
        expires = int(self.service.now() + life)
        identity, secret = "AKIDtmp" + uuid.uuid4().hex, uuid.uuid4().hex
        token = "tok/" + uuid.uuid4().hex + "+=="
        self.service.keys[identity] = Key(secret, token, expires)
        return 200, json.dumps({
            "TmpSecretId": identity, "TmpSecretKey": secret,
            "ExpiredTime": expires, "Token": token, "Code": "Success",
            "Expiration": stamp(expires)}).encode()

    def on_key(self, said):
        self.service.keys[said["id"]] = Key(
            said["secret"], said.get("token"), said.get("expires"),
            said.get("may"))

    def on_drop_key(self, said):
        self.service.keys.pop(said["id"], None)

    def on_bucket(self, said):
        self.service.store.buckets[said["name"]] = Bucket(
            said["name"], said.get("region", REGION))

    def on_fault(self, said):
        self.service.faults.add(said)

    def on_dice(self, said):
        self.service.faults.roll(said.get("rate", 0.1), said.get("seed", 1),
                                 said.get("kinds"))

    def on_calm(self, said):
        self.service.faults.clear()

    def on_set(self, said):
        for name, value in said.items():
            if name == "min_part":
                self.service.store.min_part = value
            elif name == "default_bucket":
                self.service.default_bucket = value
            else:
                assert name in self.service.settings, name
                self.service.settings[name] = value

    def on_stats(self, said):
        with self.service.lock:
            stats = {"ops": {}, "statuses": {}, "faults": {}, "refused": {},
                     "most_at_once": self.service.most_at_once,
                     "connections": self.service.connections,
                     "metadata": dict(self.service.counts["metadata"])}
            for name, count in (("ops", "op"), ("statuses", "status"),
                                ("faults", "fault"), ("refused", "refused")):
                stats[name] = dict(self.service.counts[count])
            if said.get("clear"):
                self.service.clear()
        return stats

    def on_requests(self, said):
        with self.service.lock:
            return list(self.service.log)

    def _bucket(self, said):
        return self.service.store.bucket(said.get("bucket", BUCKET))

    def on_objects(self, said):
        with self.service.store.lock:
            return [{"key": o.key, "size": o.size, "crc": o.crc,
                     "etag": o.etag, "headers": o.headers,
                     "files": [p.path for p in o.pieces]}
                    for _, o in sorted(self._bucket(said).objects.items())]

    def on_uploads(self, said):
        with self.service.store.lock:
            return [{"key": u.key, "id": u.id, "headers": u.headers,
                     "parts": {n: p.size for n, p in u.parts.items()}}
                    for u in self._bucket(said).uploads.values()]

    def on_empty(self, said):
        """No objects any more, and no uploads, whatever their locks."""
        with self.service.store.lock:
            bucket = self._bucket(said)
            pieces = [p for o in bucket.objects.values() for p in o.pieces]
            pieces += [p for u in bucket.uploads.values()
                       for p in u.parts.values()]
            bucket.objects.clear()
            bucket.uploads.clear()
        for piece in pieces:
            os.unlink(piece.path)

    def on_age(self, said):
        """Everything there is was begun or written so long ago."""
        with self.service.store.lock:
            bucket = self._bucket(said)
            for upload in bucket.uploads.values():
                upload.begun -= said["seconds"]
            for found in bucket.objects.values():
                found.modified -= said["seconds"]


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("\n\n")[1].strip())
    parser.add_argument("folder")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--control", type=int, default=0)
    parser.add_argument("--tls", nargs=2)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    tls = None
    if options.tls:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(*options.tls)
    service = Service(options.folder)

    def serve(sock):
        with service.lock:
            service.connections += 1
        Connection(service, sock).serve()
    data = Listener(options.port, serve, tls)
    control = Listener(options.control, Control(service).serve)
    threading.Thread(target=control.run, daemon=True).start()
    print(json.dumps({"port": data.port, "control": control.port}),
          flush=True)
    data.run()


if __name__ == "__main__":
    main()
