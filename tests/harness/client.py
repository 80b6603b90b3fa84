"""A client of Redis and Valkey, small on purpose: RESP2 over any transport."""

import socket
import ssl


class Refused(Exception):
    """The server answered with an error; the text is its own."""


def encode(*words):
    """One command as bytes.  Words are bytes, str, int or float."""
    parts = [b"*%d\r\n" % len(words)]
    for word in words:
        if not isinstance(word, bytes):
            word = str(word).encode()
        parts.append(b"$%d\r\n%b\r\n" % (len(word), word))
    return b"".join(parts)


class Client:
    """One connection.  Replies are bytes, int, None, a list, or raised."""

    BATCH = 8192        # commands in flight: replies must fit in buffers

    def __init__(self, port=None, path=None, tls=None, host="127.0.0.1",
                 user=None, password=None, timeout=120):
        """tls: a certs.Certs, whose client certificate is shown."""
        if path is not None:
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.settimeout(timeout)
            self.socket.connect(path)
        else:
            self.socket = socket.create_connection((host, port), timeout)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls is not None:
            context = ssl.create_default_context(cafile=tls.ca)
            context.check_hostname = False
            context.load_cert_chain(tls.client_cert, tls.client_key)
            self.socket = context.wrap_socket(self.socket)
        self.replies = self.socket.makefile("rb", 1 << 16)
        if password is not None:
            self.call("AUTH", *([user] if user else []), password)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.replies.close()
        self.socket.close()

    def call(self, *words):
        self.socket.sendall(encode(*words))
        return self._reply()

    def pipeline(self, commands):
        """Run an iterable of word tuples: the list of replies, with Refused
        among them where one was refused."""
        results = []
        for batch in _batches((encode(*c) for c in commands), self.BATCH):
            self.socket.sendall(b"".join(batch))
            for _ in batch:
                try:
                    results.append(self._reply())
                except Refused as refusal:
                    results.append(refusal)
        return results

    def load(self, encoded):
        """Send an iterable of encoded commands, all of which must be answered
        by one line and none refused.  Fast: for millions of them."""
        done = 0
        for batch in _batches(encoded, self.BATCH):
            self.socket.sendall(b"".join(batch))
            for _ in batch:
                line = self.replies.readline()
                if line[:1] not in (b"+", b":"):
                    raise Refused(f"command {done}: {line!r}")
                done += 1
        return done

    def _reply(self):
        line = self.replies.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionError("the server closed the connection")
        kind, rest = line[:1], line[1:-2]
        if kind == b"+":
            return rest
        if kind == b"-":
            raise Refused(rest.decode(errors="replace"))
        if kind == b":":
            return int(rest)
        if kind == b"$":
            n = int(rest)
            return None if n < 0 else self.replies.read(n + 2)[:-2]
        if kind == b"*":
            n = int(rest)
            return None if n < 0 else [self._element() for _ in range(n)]
        raise ConnectionError(f"not RESP: {line!r}")

    def _element(self):
        try:
            return self._reply()
        except Refused as refusal:
            return refusal


def _batches(items, size):
    batch = []
    for item in items:
        batch.append(item)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
