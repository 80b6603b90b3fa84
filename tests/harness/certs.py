"""A certificate authority, a server's and a client's certificate, made by the
openssl program in a folder of the caller's."""

import os
import subprocess


class Certs:
    """Paths: ca, server_cert, server_key, client_cert, client_key.

    The server's certificate names localhost and 127.0.0.1.
    """

    def __init__(self, folder, name="test"):
        os.makedirs(folder, exist_ok=True)
        self.folder = folder
        self.ca, self.ca_key = self._path("ca.crt"), self._path("ca.key")
        self._openssl("req", "-x509", "-new", "-nodes", *_NEW_KEY,
                      "-keyout", self.ca_key, "-out", self.ca,
                      "-subj", f"/CN={name} authority", "-days", "3650")
        self.server_cert, self.server_key = self._issue(
            "server", "subjectAltName=DNS:localhost,IP:127.0.0.1")
        self.client_cert, self.client_key = self._issue("client", None)

    def _path(self, name):
        return os.path.join(self.folder, name)

    def _issue(self, name, extension):
        cert, key = self._path(name + ".crt"), self._path(name + ".key")
        request = self._path(name + ".csr")
        more = ["-addext", extension] if extension else []
        self._openssl("req", "-new", "-nodes", *_NEW_KEY, "-keyout", key,
                      "-out", request, "-subj", f"/CN={name}", *more)
        self._openssl("x509", "-req", "-in", request, "-out", cert,
                      "-CA", self.ca, "-CAkey", self.ca_key,
                      "-CAcreateserial", "-days", "3650",
                      "-copy_extensions", "copy")
        return cert, key

    def _openssl(self, *words):
        subprocess.run(["openssl", *words], check=True, cwd=self.folder,
                       stdin=subprocess.DEVNULL, capture_output=True)


_NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
