#!/usr/bin/env python3
"""Goal of this test: a store that lies cannot make us believe it: no mixture
of two objects, no removal of what was not listed, no endless wait, nothing
left behind in silence, no word of its own on the terminal.
"""

import os
import select
import socket
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))

from liar import KEYS, SECRET, Liar, reply                      # noqa: E402
from stored import rdb, said, silent_about, stream              # noqa: E402
from harness import cases, certs, programs, stores  # noqa: E402
from harness.cases import each, equal, holds                    # noqa: E402
from harness.programs import run                                # noqa: E402

SCRATCH = tempfile.mkdtemp(prefix="test-liar-")
programs.at_exit_remove(SCRATCH)
ENV = {**KEYS, "HOME": "/nonexistent"}
ETAG = {"etag": '"e1"'}


def ask(answer, program, *words, key="k", scheme="cos", **more):
    """(result, what was asked for)."""
    with Liar(answer) as liar:
        result = run(program, liar.url(key, scheme), *words, env=ENV,
                     **{"timeout": 20, **more})
        silent_about([SECRET], result)
        return result, liar.asked


def part_of(size, byte=b"x", **headers):
    """Answers to GETs of an object of so many bytes."""
    def answer(asked):
        if asked.method == "HEAD":
            return reply(200, content_length=size, **{**ETAG, **headers})
        first, last = asked.range(size)
        return reply(206, byte * (last - first + 1), **{
            **ETAG, "content-range": f"bytes {first}-{last}/{size}",
            **headers})
    return answer


# --- reading ---

def test_no_mixture_without_etag():
    """Without an ETag nobody can tell whether it is one object still."""
    result, _ = ask(part_of(20000, etag=None), "cos-get", "--range-size",
                    "4096")
    said(result, 4, "neither an ETag nor a CRC-64")
    equal(result.out, b"")


def test_no_etag_but_crc():
    """A CRC-64 tells as well, at the end."""
    result, _ = ask(part_of(9, etag=None, x_cos_hash_crc64ecma=5), "cos-get")
    said(result, 1, "CRC-64")


def test_size_changes():
    """The same ETag, but the object has grown."""
    def answer(asked):
        grown = asked.headers.get("range", "").startswith("bytes=8192")
        return part_of(20001 if grown else 20000)(asked)
    result, _ = ask(answer, "cos-get", "--range-size", "4096", "--parallel",
                    "1")
    said(result, 4, "has changed")


def test_more_than_was_asked_for():
    """What comes behind the range is not waited for."""
    def answer(asked):
        if asked.method == "HEAD":
            return part_of(100)(asked)
        asked.wire.sendall(
            b"HTTP/1.1 206 X\r\netag: \"e1\"\r\nx-cos-request-id: R\r\n"
            b"content-range: bytes 0-99/100\r\n"
            b"transfer-encoding: chunked\r\n\r\n")
        while True:
            asked.wire.sendall(b"1000\r\n" + b"x" * 4096 + b"\r\n")
    result, _ = ask(answer, "cos-get")
    equal((result.good().out), b"x" * 100)


@cases.long
def test_byte_a_connection():
    """Bytes come, but at this pace for ever."""
    def answer(asked):
        first, last = asked.range(9000)
        if asked.method != "HEAD":
            asked.wire.sendall(reply(206, b"x", **ETAG, **{
                "content-length": last - first + 1,
                "content-range": f"bytes {first}-{last}/9000"}))
            return None
        return part_of(9000)(asked)
    result, _ = ask(answer, "cos-get", timeout=300)
    said(result, 4, "tries")


def test_control_characters_in_etag():
    """They are no ETag, and no fault of whoever typed the command."""
    result, _ = ask(part_of(9, etag='"\x1b[31m"'), "cos-get")
    said(result, 4, "ETag")


# --- lists and what is done by them ---

def page(kind, inner):
    return reply(200, f"<{kind}><EncodingType>url</EncodingType>{inner}"
                 f"</{kind}>".encode())


def uploads(inner, **headers):
    """A store with these uploads."""
    def answer(asked):
        if asked.method == "GET" and "?uploads" in asked.path:
            text = page("ListMultipartUploadsResult", inner)
            return text if not headers else text.replace(
                b"\r\ndate: ", b"\r\nx-old: ").replace(
                b"\r\n\r\n", b"\r\ndate: " + headers["date"].encode() +
                b"\r\n\r\n", 1)
        if asked.method == "DELETE":
            return reply(204, content_length=None)
        return reply(404, b"<Error><Code>NoSuchUpload</Code></Error>")
    return answer


def upload(key, began):
    return (f"<Upload><Key>{key}</Key><UploadId>u1</UploadId>"
            f"<Initiated>{began}</Initiated></Upload>")


def removed(asked):
    return [a.path for a in asked if a.method == "DELETE"]


@each("", "yesterday", "2020-01-01T00:00:00.000+8")
def test_upload_of_unknown_age(began):
    """It may be under way: it stays, and that is said."""
    lie = uploads(upload("k/x", began))
    result, asked = ask(lie, "cos-rm", "--uploads")
    holds("1 uploads left alone", result.good().err)
    equal(removed(asked), [])
    result, asked = ask(lie, "cos-rm", "--uploads", "--older-than", "0s")
    equal(removed(asked), ["/k/x?uploadId=u1"])
    result, _ = ask(lie, "cos-ls", "--uploads", "--older-than", "1d")
    equal(result.good().out, b"-  u1  x\n")


def http_date(ahead):
    return time.strftime("%a, %d %b %Y %H:%M:%S GMT",
                         time.gmtime(time.time() + ahead))


def iso_date(ahead, zone=0):
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S.000",
                          time.gmtime(time.time() + ahead + 3600 * zone))
    return stamp + (f"+{zone:02}:00" if zone else "Z")


DAY = 86400


@each((0, -2 * DAY, 0, True), (0, -DAY / 2, 0, False),
      (-3 * DAY, -3 * DAY - 60, 0, False), (3 * DAY, DAY, 0, True),
      (0, -DAY - 3600, 8, True), (0, -DAY + 3600, 8, False))
def test_upload_age_by_the_stores_clock(clock, began, zone, old):
    """Ours may be days ahead; what is under way stays all the same."""
    lie = uploads(upload("k/x", iso_date(began, zone)),
                  date=http_date(clock))
    result, asked = ask(lie, "cos-rm", "--uploads")
    equal(len(removed(asked.copy())), 1 if old else 0, result.good().err)
    result, _ = ask(lie, "cos-ls", "--uploads", "--older-than", "1d")
    equal(result.good().out.count(b"\n"), 1 if old else 0)


def test_foreign_upload_is_not_removed():
    """Its key would be cut to another one's."""
    result, asked = ask(uploads(upload("zzz/x", "2020-01-01T00:00:00Z")),
                        "cos-rm", "--uploads")
    said(result, 4, '"zzz/x"', "not asked for")
    equal(removed(asked), [])


def test_foreign_keys():
    result, _ = ask(lambda _: page(
        "ListBucketResult", "<Contents><Key>zzz%1b[31m</Key></Contents>"),
        "cos-ls")
    said(result, 4, r"zzz\x1b[31m", "not asked for")


def test_list_in_circles():
    """Each page leads to the other one."""
    turns = []

    def answer(_):
        turns.append(1)
        return page("ListBucketResult",
                    "<IsTruncated>true</IsTruncated><NextMarker>"
                    f"{'ab'[len(turns) % 2]}</NextMarker>"
                    "<Contents><Key>k/a</Key></Contents>")
    result, asked = ask(answer, "cos-ls")
    said(result, 4, "does not go on")
    equal(len(asked) < 2000, True, "some pages may be empty")


# --- putting ---

def test_completed_but_not_there():
    """It says yes, has no object, and keeps the upload."""
    begun = b"<InitiateMultipartUploadResult><UploadId>u1</UploadId>" \
            b"</InitiateMultipartUploadResult>"
    done = b"<CompleteMultipartUploadResult><ETag>e</ETag>" \
           b"</CompleteMultipartUploadResult>"

    def answer(asked):
        if asked.method == "POST":
            return reply(200, begun if "uploads" in asked.path else done)
        if asked.method == "PUT":
            return reply(200, **ETAG)
        if asked.method == "DELETE":
            return reply(204, content_length=None)
        return reply(404, b"<Error><Code>NoSuchUpload</Code></Error>"
                     if asked.method == "GET" else b"")
    result, asked = ask(answer, "cos-put", "--part-size", "1M",
                        input=stream(2 << 20))
    said(result, 4, "was put, and is not there")
    equal(removed(asked), ["/k?uploadId=u1"])


@each("Thu, 01 Jan 1970 00:00:00 GMT", "Fri, 31 Dec 99999 23:59:59 GMT")
def test_absurd_clock(date):
    """No time to sign by; the refusal is what is told."""
    refusal = b"<Error><Code>RequestTimeTooSkewed</Code></Error>"
    result, asked = ask(lambda _: reply(403, refusal, date=date), "cos-put",
                        scheme="s3", input=rdb())
    said(result, 4, "RequestTimeTooSkewed", "the clock is off by")
    equal(len(asked), 1, "tries")


# --- proxies ---

def tunnel(answer):
    return {"HTTPS_PROXY": f"http://u:pr0xysecret@127.0.0.1:{answer.port}",
            "NO_PROXY": "", "no_proxy": ""}


def test_proxy_refuses():
    """In words, soon, and without its password."""
    with Liar(lambda _: reply(407, b"<html>pay")) as proxy:
        began = time.monotonic()
        result = run("cos-rm", "cos://b-1/k?endpoint=https://store.invalid",
                     env={**ENV, **tunnel(proxy)}, timeout=60)
        said(result, 4, "the proxy does not let us through (status 407",
             "store.invalid")
        silent_about(["pr0xysecret", SECRET], result)
        equal(time.monotonic() - began < 30, True, "soon")


def relay(one, other):
    """Bytes both ways until either side has no more."""
    while True:
        for wire in select.select([one, other], [], [])[0]:
            piece = wire.recv(65536)
            if not piece:
                return
            (other if wire is one else one).sendall(piece)


@cases.long
def test_slow_answer_through_a_proxy():
    """The proxy's own answer is not that of the store, which may take two
    minutes."""
    made = certs.Certs(os.path.join(SCRATCH, "certs"))

    def answer(asked):
        host, _, port = asked.path.rpartition(":")
        asked.wire.sendall(b"HTTP/1.1 200 Yes\r\n\r\n")
        with socket.create_connection((host, int(port))) as there:
            relay(asked.wire, there)
    with stores.Double(tls=made) as store, Liar(answer) as proxy:
        store.fault("stall", op="PutObject", seconds=40)
        run("cos-put", store.url("slow"), "--ca", made.ca, input=rdb(),
            env={**store.env(), **tunnel(proxy)}).good()
        equal(store.ask("stats")["ops"].get("PutObject"), 1, "PUTs")


if __name__ == "__main__":
    cases.main()
