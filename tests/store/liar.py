"""A store that lies: an HTTP server on the loopback whose every answer is a
function of the test's, byte by byte.

    def answer(ask):            # an Ask
        return reply(200, b"")  # bytes to send; None: close

It checks nothing: double.py is the one that does.
"""

import socket
import threading
import time

KEYS = {"TENCENTCLOUD_SECRET_ID": "AKIDliar",
        "TENCENTCLOUD_SECRET_KEY": "liars0secret",
        "AWS_ACCESS_KEY_ID": "AKIDliar",
        "AWS_SECRET_ACCESS_KEY": "liars0secret",
        "AWS_EC2_METADATA_DISABLED": "true", "NO_PROXY": "*"}
SECRET = KEYS["AWS_SECRET_ACCESS_KEY"]


def reply(status, body=b"", **headers):
    """A reply like those of COS; a header that is None is left out, and a '_'
    in a name is a '-'."""
    said = {"content-length": len(body), "x-cos-request-id": "REQUEST1",
            "date": time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime())}
    said.update((name.replace("_", "-"), value)
                for name, value in headers.items())
    lines = "".join(f"{name}: {value}\r\n" for name, value in said.items()
                    if value is not None)
    return f"HTTP/1.1 {status} X\r\n{lines}\r\n".encode("latin-1") + body


class Ask:
    """A request, and the socket it came on, for those who send by pieces."""

    def __init__(self, wire, lines):
        self.wire = wire
        words = lines.readline().split()
        if not words:
            raise EOFError
        self.method, self.path = words[0].decode(), words[1].decode()
        self.headers = {}
        for line in iter(lines.readline, b"\r\n"):
            name, _, value = line.decode("latin-1").partition(":")
            self.headers[name.lower()] = value.strip()
        self.body = lines.read(int(self.headers.get("content-length", 0)))

    def range(self, size):
        """First and last byte that are asked for."""
        first, _, last = self.headers.get(
            "range", f"bytes=0-{size - 1}")[6:].partition("-")
        return int(first), int(last or size - 1)


class Liar:
    """Runs until the end of a with; .asked is what was asked for."""

    def __init__(self, answer):
        self.answer, self.asked = answer, []
        self.wire = socket.create_server(("127.0.0.1", 0))
        self.port = self.wire.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.wire.close()

    def url(self, key="k", scheme="cos"):
        return (f"{scheme}://b-1/{key}?region=ap-x&"
                f"endpoint=http://127.0.0.1:{self.port}")

    def _serve(self):
        while True:
            try:
                wire = self.wire.accept()[0]
            except OSError:
                return
            threading.Thread(target=self._speak, args=(wire,),
                             daemon=True).start()

    def _speak(self, wire):
        with wire, wire.makefile("rb") as lines:
            try:
                while True:
                    ask = Ask(wire, lines)
                    self.asked.append(ask)
                    said = self.answer(ask)
                    if said is None:
                        return
                    wire.sendall(said)
            except (OSError, EOFError, ValueError):
                pass
