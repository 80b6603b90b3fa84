"""What the double keeps: buckets of objects, which are runs of files in its
folder, and uploads with their parts.  The rules are COS's."""

import hashlib
import itertools
import os
import threading
import time
import uuid

import double_crc
from double_sign import Refusal

MAX_PARTS = 10000
CHUNK = 1 << 20


class Piece:
    """Bytes that came in one request: a file of ours."""

    def __init__(self, path, size, crc, md5):
        self.path, self.size, self.crc = path, size, crc
        self.etag = f'"{md5}"'
        self.modified = time.time()


class Object:
    def __init__(self, key, pieces, etag, headers):
        self.key, self.pieces, self.etag = key, pieces, etag
        self.headers, self.modified = headers, time.time()
        self.size = sum(p.size for p in pieces)
        self.crc = 0
        for piece in pieces:
            self.crc = double_crc.combine(self.crc, piece.crc, piece.size)


class Upload:
    def __init__(self, key, headers):
        self.id = f"{int(time.time() * 1e6):x}{uuid.uuid4().hex}{uuid.uuid4().hex[:12]}"
        self.key, self.headers, self.begun = key, headers, time.time()
        self.parts = {}


class Bucket:
    def __init__(self, name, region):
        self.name, self.region = name, region
        self.objects, self.uploads = {}, {}


def _remove(pieces):
    for piece in pieces:
        try:
            os.unlink(piece.path)
        except FileNotFoundError:
            pass


class Store:
    """All of it; every method is safe in any thread."""

    def __init__(self, folder):
        self.folder, self.lock = folder, threading.Lock()
        self.min_part = 1 << 20
        self.buckets, self.number = {}, itertools.count()

    def bucket(self, name):
        try:
            return self.buckets[name]
        except KeyError:
            raise Refusal(404, "NoSuchBucket", "The specified bucket does "
                          "not exist.") from None

    def receive(self, request, corrupt=False):
        """The body of a request as a Piece; checks Content-MD5."""
        path = os.path.join(self.folder, f"{next(self.number):08d}")
        buffer, crc, size = double_crc.Buffer(CHUNK), 0, 0
        md5, honest = hashlib.md5(), hashlib.md5()
        with open(path, "wb", buffering=0) as out:
            try:
                for count in request.body.read_into(buffer.view):
                    if corrupt and size == 0:
                        honest.update(buffer.view[:count])
                        buffer.view[count // 2] ^= 0x20
                    md5.update(buffer.view[:count])
                    crc = buffer.crc(crc, count)
                    _write_all(out, buffer.view[:count])
                    size += count
                if not corrupt:
                    request.check_md5(md5)
            except BaseException:
                os.unlink(path)
                raise
        return Piece(path, size, crc, md5.hexdigest())

    # --- objects ---

    def get(self, bucket, key):
        with self.lock:
            found = bucket.objects.get(key)
        if found is None:
            raise Refusal(404, "NoSuchKey",
                          "The specified key does not exist.")
        return found

    def may_write(self, bucket, key, forbid):
        """A Refusal if the object may not be replaced."""
        old = bucket.objects.get(key)
        if old is not None and forbid:
            raise Refusal(409, "FileAlreadyExists", "The file you want to "
                          "write already exists.")
        if old is not None and "x-cos-object-lock-mode" in old.headers:
            raise Refusal(409, "ObjectLocked", "The object is locked.")

    def put(self, bucket, key, piece, headers, forbid):
        try:
            with self.lock:
                self.may_write(bucket, key, forbid)
                new = Object(key, [piece], piece.etag, headers)
                old = bucket.objects.get(key)
                bucket.objects[key] = new
        except Refusal:
            _remove([piece])
            raise
        _remove(old.pieces if old else [])
        return new

    def delete(self, bucket, key):
        with self.lock:
            if key in bucket.objects:
                self.may_write(bucket, key, False)
            old = bucket.objects.pop(key, None)
        _remove(old.pieces if old else [])

    # --- uploads ---

    def initiate(self, bucket, key, headers):
        upload = Upload(key, headers)
        with self.lock:
            bucket.uploads[upload.id] = upload
        return upload

    def upload(self, bucket, key, number):
        found = bucket.uploads.get(number)
        if found is None or found.key != key:
            raise Refusal(404, "NoSuchUpload", "The specified multipart "
                          "upload does not exist.", UploadId=number)
        return found

    def part(self, bucket, upload, number, piece):
        try:
            with self.lock:
                self.upload(bucket, upload.key, upload.id)
                old = upload.parts.get(number)
                upload.parts[number] = piece
        except Refusal:
            _remove([piece])
            raise
        _remove([old] if old else [])

    def abort(self, bucket, upload):
        with self.lock:
            bucket.uploads.pop(upload.id, None)
            pieces = list(upload.parts.values())
        _remove(pieces)

    def complete(self, bucket, upload, wanted, forbid):
        """Make the object of the wanted [(number, ETag)]."""
        with self.lock:
            self.upload(bucket, upload.key, upload.id)
            self.may_write(bucket, upload.key, forbid)
            pieces = self._chosen(upload, wanted)
            joined = hashlib.md5(b"".join(
                bytes.fromhex(p.etag.strip('"')) for p in pieces)).hexdigest()
            new = Object(upload.key, pieces, f'"{joined}-{len(pieces)}"',
                         upload.headers)
            old = bucket.objects.get(upload.key)
            bucket.objects[upload.key] = new
            del bucket.uploads[upload.id]
            unused = [p for p in upload.parts.values() if p not in pieces]
        _remove(unused + (old.pieces if old else []))
        return new

    def _chosen(self, upload, wanted):
        numbers = [n for n, _ in wanted]
        if not numbers or len(numbers) > MAX_PARTS:
            raise Refusal(400, "MalformedXML", f"{len(numbers)} parts")
        if any(a >= b for a, b in zip(numbers, numbers[1:])):
            raise Refusal(400, "InvalidPartOrder", "The list of parts was "
                          "not in ascending order.")
        for (number, etag), position in zip(wanted, itertools.count(1)):
            part = upload.parts.get(number)
            if part is None or number != position or \
                    etag.strip('"') != part.etag.strip('"'):
                raise Refusal(400, "InvalidPart", "One or more of the "
                              "specified parts could not be found.",
                              PartNumber=number)
            if part.size < self.min_part and position < len(wanted):
                raise Refusal(400, "EntityTooSmall", "Your proposed upload "
                              "is smaller than the minimum allowed size",
                              PartNumber=number, ProposedSize=part.size)
        return [upload.parts[n] for n in numbers]


def _write_all(out, view):
    while view:
        view = view[out.write(view):]
