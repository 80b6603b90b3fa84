"""Servers that misbehave on purpose: each connection is given to a function."""

import contextlib
import socket
import threading

from harness.client import encode


class Connection:
    """The server's side of one connection."""

    def __init__(self, sock):
        self.socket = sock
        self.stream = sock.makefile("rb")

    def command(self):
        """The next command's words; None at the end."""
        line = self.stream.readline()
        while line == b"\n":
            line = self.stream.readline()
        if not line.startswith(b"*"):
            return None
        words = []
        for _ in range(int(line[1:])):
            n = int(self.stream.readline()[1:])
            words.append(self.stream.read(n + 2)[:-2].decode())
        return words

    def say(self, data):
        self.socket.sendall(data)


class FakeServer:
    """Listens on .port; serve(connection) runs in a thread for each."""

    def __init__(self, serve):
        self.serve, self.failures = serve, []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self.listener.accept()
                threading.Thread(target=self._one, args=[sock],
                                 daemon=True).start()

    def _one(self, sock):
        with sock, contextlib.suppress(OSError):
            self.serve(Connection(sock))


def primary(payload, busy=()):
    """Serve a full synchronisation: payload(connection) after +FULLRESYNC;
    busy are error lines that PSYNC is answered with first."""
    waiting = list(busy)

    def serve(connection):
        while (words := connection.command()) is not None:
            if words[0] == "PING":
                connection.say(b"+PONG\r\n")
            elif words[0] == "INFO":
                connection.say(bulk(b"redis_version:7.0.15\r\n"))
            elif words[0] != "PSYNC":
                connection.say(b"+OK\r\n")
            elif waiting:
                connection.say(waiting.pop(0))
            else:
                connection.say(b"+FULLRESYNC " + b"a" * 40 + b" 5\r\n")
                payload(connection)
                return
    return serve


def bulk(text):
    return b"$%d\r\n%b\r\n" % (len(text), text)


__all__ = ["Connection", "FakeServer", "primary", "bulk", "encode"]
