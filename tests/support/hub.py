"""A small server that plays the Hub: the name of a repository decides what it answers."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

COMMIT = "0123456789abcdef0123456789abcdef01234567"
CONTENT = b"all there is"
REFUSALS = {
    "absent": (401, "RepoNotFound", ""),
    "gated": (403, "GatedRepo", ""),
    "whole": (404, "RevisionNotFound", ""),
    "empty": (404, "EntryNotFound", ""),
    "token": (401, "", "Invalid credentials in Authorization header"),
}


class Hub(NamedTuple):
    """A running server."""

    address: str
    asked: list[str]
    """The paths it was asked for."""


class _Handler(BaseHTTPRequestHandler):
    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        name = next((name for name in ("fine", *REFUSALS) if f"/some/{name}" in self.path), None)
        if name is None:
            self.close_connection = True  # and no answer: a connection that breaks
        elif name == "fine":
            self._answer(200, CONTENT)
        elif name == "empty" and self.path.startswith("/api/models"):
            self._answer(200, b'{"id": "some/empty", "sha": "0123", "siblings": [], "tags": []}')
        else:
            status, code, message = REFUSALS[name]
            self._answer(status, b"{}", code, message)

    def do_HEAD(self) -> None:
        self.do_GET()

    def _answer(self, status: int, body: bytes, code: str = "", message: str = "") -> None:
        self.send_response(status)
        for header, value in {"X-Error-Code": code, "X-Error-Message": message}.items():
            if value:
                self.send_header(header, value)
        self.send_header("ETag", '"an-etag"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, format: str, *words: object) -> None:
        """No line on the screen for each request."""


@contextmanager
def serve_hub() -> Iterator[Hub]:
    """Repositories `some/NAME`: `fine` has every file, `broken` closes the connection, the others are `REFUSALS`."""
    asked: list[str] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"asked": asked}))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield Hub(f"http://127.0.0.1:{server.server_port}", asked)
    server.shutdown()
    thread.join()
    server.server_close()
