"""COS's own signature, recomputed from a request as it was received.

Written from the service's documentation (436/7778), not from our client.
"""

import hashlib
import hmac
import time
import urllib.parse

FIELDS = ("q-sign-algorithm", "q-ak", "q-sign-time", "q-key-time",
          "q-header-list", "q-url-param-list", "q-signature")


class Refusal(Exception):
    """What the service says instead of doing it."""

    def __init__(self, status, code, message="", **more):
        super().__init__(f"{status} {code} {message}")
        self.status, self.code, self.message = status, code, message
        self.more = more            # further elements of the error's XML
        self.headers = {}


class Key:
    """A pair of secrets.  token: of a temporary one; expires: when, in
    seconds since 1970; may: the operations that are allowed, None: all."""

    def __init__(self, secret, token=None, expires=None, may=None):
        self.secret, self.token = secret, token
        self.expires, self.may = expires, may


def encode(data):
    return urllib.parse.quote(data, safe="")


def _pairs(items):
    """Sorted and encoded: the names, and the names with values."""
    rows = sorted((encode(name).lower(), encode(value))
                  for name, value in items)
    return [name for name, _ in rows], "&".join("=".join(r) for r in rows)


def _hmac(key, text):
    return hmac.new(key.encode(), text.encode("utf-8", "surrogateescape"),
                    hashlib.sha1).hexdigest()


def _fields(request):
    """The seven fields, from the header or else from the query."""
    text = request.headers.get("authorization")
    query = dict(request.query)
    if text is not None:
        if "q-signature" in query:
            raise Refusal(400, "InvalidRequest", "signed twice")
        rows = [row.partition("=") for row in text.split("&")]
        found = {name: value for name, _, value in rows}
        if len(found) != len(rows):
            raise Refusal(400, "InvalidArgument", "a field is there twice")
    else:
        found = {n: v for n, v in query.items() if n.startswith("q-")}
        if not found:
            raise Refusal(403, "AccessDenied", "Access Denied.")
    if set(found) != set(FIELDS):
        raise Refusal(400, "InvalidArgument", "authorization: fields "
                      + " ".join(sorted(set(found) ^ set(FIELDS))))
    if found["q-sign-algorithm"] != "sha1":
        raise Refusal(400, "InvalidArgument", "q-sign-algorithm is not sha1")
    return found


def _period(text):
    begin, _, end = text.partition(";")
    if not (begin.isdigit() and end.isdigit() and int(begin) < int(end)):
        raise Refusal(400, "InvalidArgument", f"no time: {text}")
    return int(begin), int(end)


def _check_time(text, now):
    begin, end = _period(text)
    if now > end:
        raise Refusal(403, "AccessDenied", "Request has expired")
    if now < begin:
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now))
        raise Refusal(403, "RequestTimeTooSkewed",
                      "The difference between the request time and the "
                      "current time is too large.", ServerTime=stamp)


def _check_lists(request, fields):
    """What is listed is there, and what must be listed is."""
    names = [n for n in fields["q-header-list"].split(";") if n]
    if names != sorted(names) or "host" not in names:
        raise Refusal(403, "AccessDenied",
                      "q-header-list is not sorted or has no host")
    for name in names:
        if name not in request.headers:
            raise Refusal(403, "AccessDenied", f"no header {name}")
    params = [n for n in fields["q-url-param-list"].split(";") if n]
    query = [(n, v) for n, v in request.query if n not in FIELDS]
    there = {encode(n).lower() for n, _ in query}
    if params != sorted(params) or not set(params) <= there:
        raise Refusal(403, "AccessDenied", "q-url-param-list is not what is"
                      " in the query, in order")
    loose = there - set(params) - {"x-cos-security-token"}
    if loose:
        raise Refusal(403, "AccessDenied",
                      "not signed: " + " ".join(sorted(loose)))
    return names, [(n, v) for n, v in query if encode(n).lower() in params]


def _check_token(request, key, now):
    token = request.headers.get(
        "x-cos-security-token",
        dict(request.query).get("x-cos-security-token"))
    if token != key.token:
        raise Refusal(403, "InvalidAccessKeyId", "the token is not the key's")
    if key.expires is not None and now > key.expires:
        raise Refusal(403, "ExpiredToken", "The provided token has expired.")


def check(request, keys, now):
    """The Key a request was signed with, or a Refusal.

    request: .method, .path (decoded text), .query (list of decoded pairs),
    .headers (lower-cased names).  Notes what is not protected by the
    signature in request.unsigned.
    """
    fields = _fields(request)
    key = keys.get(fields["q-ak"])
    if key is None:
        raise Refusal(403, "InvalidAccessKeyId", "The Access Key Id you "
                      "provided does not exist in our records.")
    _check_time(fields["q-sign-time"], now)
    _check_time(fields["q-key-time"], now)
    names, query = _check_lists(request, fields)
    text = "\n".join((
        request.method.lower(), request.path, _pairs(query)[1],
        _pairs((n, request.headers[n]) for n in names)[1], ""))
    digest = hashlib.sha1(
        text.encode("utf-8", "surrogateescape")).hexdigest()
    to_sign = f"sha1\n{fields['q-sign-time']}\n{digest}\n"
    want = _hmac(_hmac(key.secret, fields["q-key-time"]), to_sign)
    if not hmac.compare_digest(want, fields["q-signature"]):
        raise Refusal(403, "SignatureDoesNotMatch", "The Signature you "
                      "specified is invalid.", StringToSign=to_sign,
                      FormatString=text)
    _check_token(request, key, now)
    request.unsigned = sorted(
        n for n in request.headers if n not in names and
        (n.startswith("x-cos-") or n in
         ("range", "if-match", "content-md5", "content-length")))
    return key
