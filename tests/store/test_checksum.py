#!/usr/bin/env python3
"""Goal of this test: with checksum=crc64nvme an S3 store has checked every
byte itself before there is an object; one that checks nothing, or other bytes,
gets none."""

import base64
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))

from s3double import SUM, Double, crc64nvme  # noqa: E402
from stored import MIB, facts, rdb, said, stream  # noqa: E402
from harness import cases, stores  # noqa: E402
from harness.cases import each, equal, holds  # noqa: E402
from harness.programs import run  # noqa: E402

SMALL = ("--part-size", "1M")


def put(store, content, key="k"):
    return facts("cos-put", store.url(key, checksum="crc64nvme"), *SMALL,
                 input=content, env=store.env())


def test_check_value():
    """Of Amazon's documentation, and of the NVMe specification."""
    equal(crc64nvme(b"123456789"), "rosUhgp5mIg=")


@each(1, 4)
def test_checked(parts):
    content = rdb() if parts == 1 else stream(3 * MIB + 5)
    with Double() as store:
        result, learnt = put(store, content)
        result.good()
        equal(store.objects, {"k": content})
        equal(learnt["parts"], str(parts))
        want = crc64nvme(content)
        told = bytes.fromhex(learnt["store-crc64-nvme"])
        equal(told, base64.b64decode(want))
        equal(sum(SUM in h for _, _, h in store.requests), parts + 1)
        equal(store.uploads, {})


def test_not_asked_for():
    with Double() as store:
        run("cos-put", store.url("k"), *SMALL, input=stream(2 * MIB),
            env=store.env()).good()
        equal([n for _, _, h in store.requests for n in h
               if "checksum" in n], [])


def test_empty():
    """There is nothing to check in it, so it is a plain PUT."""
    with Double() as store:
        run("cos-put", store.url("k", checksum="crc64nvme"), "--trust-eof",
            env=store.env()).good()
        equal(store.objects, {"k": b""})


@each(False, True)
def test_ignored(exists):
    """A store that answers without: refused in words, nothing is there; nor is
    what was there before replaced."""
    with Double() as store:
        before = {"k": b"before"} if exists else {}
        store.objects.update(before)
        store.tell = False
        for content in (rdb(), stream(3 * MIB)):
            result, _ = put(store, content)
            said(result, 4, "the store ignores CRC64NVME", "part")
            equal((store.objects, store.uploads), (before, {}))


def test_other_bytes():
    """It says another sum each time: thrice, then it is over."""
    with Double() as store:
        store.tell = lambda right: "AAAAAAAAAAA="
        result, _ = put(store, stream(MIB))
        said(result, 4, "the store has other bytes: CRC64NVME "
             "0000000000000000", "3 tries")
        equal((store.objects, store.uploads), ({}, {}))


def test_damaged_answer():
    """Once only: the part is sent again, and all is well."""
    wrong = ["AAAAAAAAAAA="]
    with Double() as store:
        store.tell = lambda right: wrong.pop() if wrong else right
        put(store, stream(MIB))[0].good()
        equal(list(store.objects), ["k"])


def test_damaged_answer_of_complete():
    """The object itself is looked at."""
    with Double() as store:
        sums = []

        def spoil(right):
            sums.append(right)
            return right if len(sums) <= 1 else "AAAAAAAAAAA="
        store.tell = spoil
        put(store, stream(MIB))[0].good()
        equal(list(store.objects), ["k"])


def test_swift():
    """A real store that ignores the header."""
    with stores.Swift() as store:
        result = run("cos-put", store.url("k", checksum="crc64nvme"),
                     input=rdb(), env=store.env())
        said(result, 4, "the store ignores CRC64NVME")
        equal((store.objects(), store.uploads()), ({}, []))


def test_not_for_cos():
    result = run("cos-ls", "cos://b-1/?region=r&checksum=crc64nvme")
    equal(result.code, 2)
    holds('takes no option "checksum"', result.err)


if __name__ == "__main__":
    cases.main()
