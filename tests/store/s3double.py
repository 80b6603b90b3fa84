"""An S3 that checks CRC64NVME, for there is none in Debian: the few operations
that one object in parts takes, in a thread of the test.

Strict where it matters here: every request's SigV4 is recomputed, with all
x-amz-* headers in it; a body whose checksum is another is BadDigest; Complete
wants the sum of the whole and its size.  double.tell says what its answers
hold of the sums: True, False (it ignores them, as most stores do), or a
function of a sum that spoils it."""

import base64
import hashlib
import hmac
import http.server
import threading
import urllib.parse
import xml.etree.ElementTree as ET

_POLYNOMIAL = 0x9A6C9329AC4BC9B5
SUM = "x-amz-checksum-crc64nvme"


def _table():
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (_POLYNOMIAL if byte & 1 else 0)
        yield byte


_TABLE = list(_table())


def crc64nvme(data):
    """As S3 writes it."""
    table, crc = _TABLE, 0xFFFFFFFFFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ table[(crc ^ byte) & 255]
    return base64.b64encode((crc ^ 0xFFFFFFFFFFFFFFFF).to_bytes(
        8, "big")).decode()


class Refusal(Exception):
    def __init__(self, status, code):
        super().__init__(code)
        self.status, self.code = status, code


class Double:
    """One bucket.  .objects: bytes by key; .sums: what it holds them to be;
    .uploads: parts by id; .requests: (operation, headers)."""

    BUCKET, REGION = "bucket", "us-east-1"
    ID, SECRET = "AKIAdouble", "s3double0secret"

    def __init__(self):
        self.objects, self.sums, self.ids = {}, {}, {}
        self.uploads, self.requests = {}, []
        self.tell = True
        double = self

        class Handler(_Handler):
            store = double
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0),
                                                      Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, args=(0.02,),
                         daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def url(self, key="", **more):
        params = {"region": self.REGION,
                  "endpoint": f"http://127.0.0.1:{self.port}", **more}
        return f"s3://{self.BUCKET}/{key}?" + urllib.parse.urlencode(
            params, safe=":/")

    def env(self, **more):
        return {"AWS_ACCESS_KEY_ID": self.ID,
                "AWS_SECRET_ACCESS_KEY": self.SECRET, **more}

    # --- who asks ---

    def check(self, method, path, query, headers, body):
        """Recompute the signature; refuse what is not covered by it."""
        try:
            said = dict(p.strip().split("=", 1) for p in
                        headers["authorization"].split(" ", 1)[1].split(","))
            scope = said["Credential"].split("/", 1)[1]
        except (KeyError, IndexError, ValueError):
            raise Refusal(403, "AccessDenied") from None
        names = said["SignedHeaders"].split(";")
        digest = headers.get("x-amz-content-sha256", "")
        if {n for n in headers if n.startswith("x-amz-")} - set(names) or \
                digest != hashlib.sha256(body).hexdigest():
            raise Refusal(403, "SignatureDoesNotMatch")
        pairs = sorted(urllib.parse.parse_qsl(query, True))
        canonical = "\n".join(
            [method, path, "&".join("=".join(
                urllib.parse.quote(w, safe="-_.~") for w in p)
                for p in pairs),
             *(f"{n}:{' '.join(headers[n].split())}" for n in names), "",
             ";".join(names), digest])
        text = "\n".join(("AWS4-HMAC-SHA256", headers["x-amz-date"], scope,
                          hashlib.sha256(canonical.encode()).hexdigest()))
        key = b"AWS4" + self.SECRET.encode()
        for word in scope.split("/") + [text]:
            key = hmac.new(key, word.encode(), hashlib.sha256).digest()
        if key.hex() != said["Signature"]:
            raise Refusal(403, "SignatureDoesNotMatch")

    # --- what it does: status, headers, body ---

    def put_part(self, query, headers, body):
        parts = self._upload(query)["parts"]
        got = crc64nvme(body) if SUM in headers else None
        if self.tell and got != headers.get(SUM):
            raise Refusal(400, "BadDigest")
        parts[int(query["partNumber"])] = body
        return 200, {"ETag": f'"{hashlib.md5(body).hexdigest()}"',
                     **self._sum(got)}, b""

    def put(self, key, headers, body):
        self._publish(key, headers, body, None)
        return 200, {"ETag": '"whole"'}, b""

    def begin(self, key, headers):
        name = f"upload-{len(self.requests)}"
        self.uploads[name] = {
            "key": key, "parts": {}, "headers": headers,
            "summed": headers.get("x-amz-checksum-algorithm") == "CRC64NVME"
            and headers.get("x-amz-checksum-type") == "FULL_OBJECT"}
        return 200, {}, (f"<InitiateMultipartUploadResult><UploadId>{name}"
                         "</UploadId></InitiateMultipartUploadResult>")

    def complete(self, query, headers, body):
        upload = self._upload(query)
        numbers = [int(e.text) for e in ET.fromstring(body).iter("PartNumber")]
        if numbers != sorted(upload["parts"]):
            raise Refusal(400, "InvalidPart")
        whole = b"".join(upload["parts"][n] for n in numbers)
        got = crc64nvme(whole) if upload["summed"] else None
        if self.tell and upload["summed"] and (
                headers.get(SUM) != got or
                headers.get("x-amz-checksum-type") != "FULL_OBJECT" or
                headers.get("x-amz-mp-object-size") != str(len(whole))):
            raise Refusal(400, "BadDigest")
        self._publish(upload["key"], upload["headers"], whole, got)
        del self.uploads[query["uploadId"]]
        told = "".join(f"<ChecksumCRC64NVME>{v}</ChecksumCRC64NVME>"
                       for v in self._sum(got).values())
        return 200, {}, ("<CompleteMultipartUploadResult><ETag>\"e-1\"</ETag>"
                         f"{told}</CompleteMultipartUploadResult>")

    def look(self, key, headers, begin=0, end=None):
        if key not in self.objects:
            raise Refusal(404, "NoSuchKey")
        told = self._sum(self.sums[key], True) if \
            headers.get("x-amz-checksum-mode") == "ENABLED" else {}
        return 200, {"ETag": '"e"', "x-amz-meta-rdbpipe-id": self.ids[key],
                     **told}, self.objects[key]

    def list_parts(self, query):
        self._upload(query)
        return 200, {}, "<ListPartsResult></ListPartsResult>"

    def abort(self, query):
        self._upload(query)
        del self.uploads[query["uploadId"]]
        return 204, {}, b""

    def delete(self, key):
        self.objects.pop(key, None)
        return 204, {}, b""

    def _upload(self, query):
        if query["uploadId"] not in self.uploads:
            raise Refusal(404, "NoSuchUpload")
        return self.uploads[query["uploadId"]]

    def _publish(self, key, headers, body, got):
        self.objects[key], self.sums[key] = body, got
        self.ids[key] = headers.get("x-amz-meta-rdbpipe-id", "")

    def _sum(self, got, true=False):
        if got is None or not self.tell:
            return {}
        return {SUM: got if self.tell is True or true else self.tell(got)}


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def _do(self):
        path, _, query = self.path.partition("?")
        headers = {n.lower(): v for n, v in self.headers.items()}
        body = self.rfile.read(int(headers.get("content-length", 0)))
        try:
            self.store.check(self.command, path, query, headers, body)
            reply = self._answer(path, dict(urllib.parse.parse_qsl(
                query, True)), headers, body)
        except Refusal as refusal:
            reply = refusal.status, {}, (
                f"<Error><Code>{refusal.code}</Code></Error>")
        self._send(*reply)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _do

    def _answer(self, path, query, headers, body):
        store = self.store
        key = urllib.parse.unquote(path)[len(store.BUCKET) + 2:]
        store.requests.append((self.command, query, headers))
        if self.command == "PUT" and "partNumber" in query:
            return store.put_part(query, headers, body)
        if self.command == "PUT":
            return store.put(key, headers, body)
        if self.command == "POST" and "uploads" in query:
            return store.begin(key, headers)
        if self.command == "POST":
            return store.complete(query, headers, body)
        if self.command == "DELETE":
            return store.abort(query) if "uploadId" in query else \
                store.delete(key)
        if "uploadId" in query:
            return store.list_parts(query)
        return store.look(key, headers)

    def _send(self, status, headers, body):
        body = body.encode() if isinstance(body, str) else body
        self.send_response(status)
        for name, value in {**headers, "x-amz-request-id": "s3-double",
                            "Content-Length": len(body)}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD" and status != 204:
            try:
                self.wfile.write(body)
            except OSError:             # they have heard enough
                self.close_connection = True
