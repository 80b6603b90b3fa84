"""What can go wrong on purpose: rules, and dice.

A rule is {"kind": ..., "op": ..., "key": ..., "times": 1, "after": 0, ...}:
which fault, for which operation (none: any that it fits), for keys that hold
this text, how often (0: always), after how many that fit.  Further fields are
the kind's own:

    error        status, code, message, retry_after: refused, with the
                 service's XML
    bare         status: an error without a body
    middlebox    status: an error page that is not the service's: no request id
    redirect     location: 307
    reset-request  at: the connection is reset after so many bytes of the body
    reset-reply  at: done, and reset after so many bytes of the reply's body
    truncate     at: the same, closed with good manners
    drop         done, but closed instead of a reply
    stall        seconds, at: done, and silent before (that byte of) the reply
    slow-body    seconds: silent before the body is read
    complete-error  code: 200, and an <Error> in the body; nothing is done
    complete-lie    code: the same, but it is done
    wrong-crc    the reply's CRC is another
    no-crc       the reply has no CRC
    corrupt      a byte is damaged on its way, either way
    no-id        the reply has no request id
    keep         an abort that says 204 and leaves the upload
    stray        bytes nobody asked for follow the reply
    close        the reply says Connection: close, and means it
    hang-up      the connection is closed after the reply, unannounced
    early        status, code: refused before the body was read, then closed
"""

import random
import threading

_BODY = ("PutObject", "UploadPart")
FITS = {
    "reset-request": _BODY, "early": _BODY,
    "complete-error": ("CompleteMultipartUpload",),
    "complete-lie": ("CompleteMultipartUpload",),
    "wrong-crc": _BODY + ("GetObject", "HeadObject",
                          "CompleteMultipartUpload"),
    "corrupt": _BODY + ("GetObject",),
    "truncate": ("GetObject",), "reset-reply": ("GetObject",),
    "keep": ("AbortMultipartUpload",),
}
KINDS = ("error", "bare", "middlebox", "redirect", "reset-request",
         "reset-reply", "truncate", "drop", "stall", "slow-body",
         "complete-error", "complete-lie", "wrong-crc", "no-crc", "corrupt",
         "no-id", "keep", "stray", "close", "hang-up", "early")


def _error(status, code):
    return {"kind": "error", "status": status, "code": code}


# What the dice may show: (fault, operations or None).  Whatever a client can
# get over; a byte of a GET that was damaged is not, once it was passed on.
DICE = (
    (_error(503, "SlowDown"), None), (_error(500, "InternalError"), None),
    (_error(503, "ServiceUnavailable"), None),
    ({"kind": "bare", "status": 500}, None),
    ({"kind": "middlebox", "status": 502}, None),
    ({"kind": "middlebox", "status": 403}, None),
    ({"kind": "reset-request"}, _BODY), ({"kind": "wrong-crc"}, _BODY),
    ({"kind": "corrupt"}, _BODY),
    ({"kind": "early", "status": 503, "code": "SlowDown"}, _BODY),
    ({"kind": "drop"}, None), ({"kind": "stall", "seconds": 1}, None),
    (_error(409, "UploadConflict"), ("UploadPart",
                                     "CompleteMultipartUpload")),
    ({"kind": "complete-error", "code": "InternalError"},
     ("CompleteMultipartUpload",)),
    ({"kind": "complete-lie", "code": "SlowDown"},
     ("CompleteMultipartUpload",)),
    ({"kind": "drop"}, ("CompleteMultipartUpload",)),
    ({"kind": "reset-reply"}, ("GetObject",)),
    ({"kind": "truncate"}, ("GetObject",)),
    ({"kind": "stray"}, None), ({"kind": "close"}, None),
    ({"kind": "hang-up"}, None), ({"kind": "keep"},
                                  ("AbortMultipartUpload",)),
)


class Faults:
    """Picks the fault, if any, that a request is to meet."""

    def __init__(self):
        self.lock = threading.Lock()
        self.clear()

    def clear(self):
        with self.lock:
            self.rules, self.dice, self.rate, self.kinds = [], None, 0, None

    def add(self, rule):
        if rule.get("kind") not in KINDS:
            raise ValueError(f"no such fault: {rule.get('kind')}")
        with self.lock:
            self.rules.append({"times": 1, "after": 0, **rule})

    def roll(self, rate, seed, kinds=None):
        """From now on one request in 1/rate meets something."""
        with self.lock:
            self.dice, self.rate = random.Random(seed), rate
            self.kinds = kinds

    def pick(self, op, key, size):
        """A fault's fields, or {}; size: the request's body."""
        with self.lock:
            for rule in self.rules:
                if not _meets(rule, op, key):
                    continue
                if rule["after"] > 0:
                    rule["after"] -= 1
                    continue
                if rule["times"] == 1:
                    self.rules.remove(rule)
                elif rule["times"] > 1:
                    rule["times"] -= 1
                return rule
            if self.dice is None or self.dice.random() >= self.rate:
                return {}
            return self._roll(op, size)

    def _roll(self, op, size):
        fit = [fault for fault, ops in DICE if (ops is None or op in ops) and
               (self.kinds is None or fault["kind"] in self.kinds)]
        if not fit:
            return {}
        fault = dict(self.dice.choice(fit))
        if fault["kind"] == "reset-request":
            fault["at"] = self.dice.randrange(max(size, 1))
        elif fault["kind"] in ("reset-reply", "truncate"):
            fault["share"] = self.dice.random()
        return fault


def _meets(rule, op, key):
    fits = rule.get("op") or FITS.get(rule["kind"])
    return (fits is None or op == fits or
            not isinstance(fits, str) and op in fits) and \
        rule.get("key", "") in key
