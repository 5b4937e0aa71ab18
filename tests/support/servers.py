"""A server on loopback that speaks as the sources of datasets do, and misbehaves on request."""

import hashlib
import json
import re
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"
LFS_FROM = 2_000
"""Bytes from which on the hub keeps a file in LFS."""
QUOTA_PAGE = b"<!DOCTYPE html><html><title>Google Drive - Quota exceeded</title>Too many users have viewed it</html>"


@dataclass
class Server:
    """A running server and what it was asked."""

    address: str = ""
    files: dict[str, bytes | Path] = field(default_factory=dict)
    """By path; those of a hub repository are below `/datasets/OWNER/NAME/`."""
    faults: dict[str, list[str]] = field(default_factory=dict)
    """By path, what goes wrong at the next requests; the last stays.

    `cut`, `429`, `503`, `html`, `404`, `slow`, `changed`, `no ranges`, `chunked` and `chunked cut` (no length, no
    ranges, no tag: tarballs that are made while they are sent)."""
    served: Counter[str] = field(default_factory=Counter)
    """Bytes by path."""
    asked: list[str] = field(default_factory=list)
    pace: float = 0.0
    """Seconds of rest per chunk of 64 KiB."""
    false_digests: bool = False
    """Whether the hub names other digests than its files have."""

    def content(self, path: str) -> bytes | None:
        found = self.files.get(path)
        return found.read_bytes() if isinstance(found, Path) else found

    def repository(self, name: str, folder: dict[str, bytes | Path]) -> None:
        """Offer a dataset repository of the hub."""
        self.files |= {f"/datasets/{name}/{path}": content for path, content in folder.items()}

    def fault(self, path: str) -> str:
        waiting = self.faults.get(path, [])
        return waiting.pop(0) if len(waiting) > 1 else waiting[0] if waiting else ""


class _Handler(BaseHTTPRequestHandler):
    server_state: Server
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        state, split = self.server_state, urlsplit(self.path)
        path = unquote(split.path)
        state.asked.append(path)
        if path.startswith("/api/datasets/"):
            self._tree(path)
        elif path.startswith("/datasets/") and "/resolve/" in path:
            before, _, behind = path.partition("/resolve/")
            self._resolve(f"{before}/{behind.partition('/')[2]}")
        elif path.startswith("/codeload/"):
            self._file(path)
        elif "/archive/" in path:
            repository, _, name = path.partition("/archive/")
            self._send(302, b"", {"Location": f"/codeload{repository}/tar.gz/{name.removesuffix('.tar.gz')}"})
        elif path.startswith("/cdn"):
            self._file(path.removeprefix("/cdn"))
        elif path.startswith("/modelscope/"):
            self._modelscope(path, {name: values[0] for name, values in parse_qs(split.query).items()})
        elif path == "/drive":
            query = parse_qs(split.query)
            self._file(f"/drive/{query['id'][0]}") if query.get("confirm") == ["t"] else self._page(b"<html>confirm")
        else:
            self._file(path)

    def _modelscope(self, path: str, query: dict[str, str]) -> None:
        """The list of a dataset's files in pages, and one of them, as ModelScope's API gives them."""
        prefix = path.removesuffix("/tree").removesuffix("/repo") + "/"
        if not path.endswith("/tree"):
            self._file(prefix + query["FilePath"])
            return
        size, page = int(query["PageSize"]), int(query["PageNumber"])
        names = sorted(name for name in self.server_state.files if name.startswith(prefix))
        files = []
        for name in names[size * (page - 1) : size * page]:
            content = self.server_state.content(name) or b""
            digest = hashlib.sha256(content).hexdigest()
            inside = name.removeprefix(prefix)
            files.append({"Path": inside, "Type": "blob", "Size": len(content), "Sha256": digest})
        answer = json.dumps({"Code": 200, "Success": True, "Data": {"Files": files, "TotalCount": len(names)}})
        self._send(200, answer.encode(), {"Content-Type": "application/json"})

    def _tree(self, path: str) -> None:
        name = "/".join(path.split("/")[3:5])
        prefix = f"/datasets/{name}/"
        entries = [
            self._entry(file, file.removeprefix(prefix)) for file in self.server_state.files if file.startswith(prefix)
        ]
        if not entries:
            self._send(404, b"{}", {"X-Error-Code": "RepoNotFound"})
            return
        self._send(200, json.dumps(entries).encode(), {"Content-Type": "application/json"})

    def _entry(self, file: str, path: str) -> dict[str, object]:
        content = self.server_state.content(file) or b""
        if self.server_state.false_digests:
            content = content[:-1] + b"?"
        blob = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
        entry: dict[str, object] = {"type": "file", "path": path, "size": len(content), "oid": blob}
        if len(content) >= LFS_FROM:
            digest = hashlib.sha256(content).hexdigest()
            entry["lfs"] = {"oid": digest, "size": len(content), "pointerSize": 130}
        return entry

    def _resolve(self, file: str) -> None:
        """Small files at once, large ones by a redirect, as the hub does."""
        content = self.server_state.content(file)
        if content is not None and len(content) >= LFS_FROM:
            self._send(302, b"", {"Location": f"/cdn{file}", "X-Repo-Commit": COMMIT})
        else:
            self._file(file)

    def _file(self, path: str) -> None:
        state = self.server_state
        content, fault = state.content(path), state.fault(path)
        if content is None or fault == "404":
            self._send(404, b"not found")
        elif fault in ("429", "503"):
            self._send(int(fault), b"", {"Retry-After": "0"})
        elif fault == "html":
            self._page(QUOTA_PAGE)
        elif fault.startswith("chunked"):
            self._chunked(path, content, fault)
        else:
            self._ranged(path, content + b"!" if fault == "changed" else content, fault)

    def _ranged(self, path: str, content: bytes, fault: str) -> None:
        tag = f'"{hashlib.md5(content).hexdigest()}"'
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if fault == "no ranges" or self.headers.get("If-Range", tag) != tag:
            wanted = None
        start = int(wanted[1]) if wanted else 0
        if start >= len(content) > 0 and start:
            self._send(416, b"", {"Content-Range": f"bytes */{len(content)}"})
            return
        whole = len(content)
        content = content[: int(wanted[2]) + 1] if wanted and wanted[2] else content
        self.send_response(206 if wanted else 200)
        if wanted:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{whole}")
        self.send_header("ETag", tag)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        rest = content[start:]
        end = max(1, len(rest) // 2) if fault == "cut" else len(rest)
        for at in range(0, end, 1 << 16):
            chunk = rest[at : min(at + (1 << 16), end)]
            self.server_state.served[path] += len(chunk)  # before the client has it, and counts it
            self.wfile.write(chunk)
            time.sleep(0.05 if fault == "slow" else self.server_state.pace)
        if fault == "cut":
            self.wfile.flush()
            self.close_connection = True
            self.connection.close()

    def _chunked(self, path: str, content: bytes, fault: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/x-gzip")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for at in range(0, len(content), 1 << 16):
            chunk = content[at : at + (1 << 16)]
            self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
            self.server_state.served[path] += len(chunk)
            if fault == "chunked cut":
                self.close_connection = True
                return
        self.wfile.write(b"0\r\n\r\n")

    def _page(self, text: bytes) -> None:
        self._send(200, text, {"Content-Type": "text/html; charset=utf-8"})

    def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def handle(self) -> None:
        with suppress(BrokenPipeError, ConnectionResetError, ValueError):  # a client that was killed; a cut of ours
            super().handle()

    def finish(self) -> None:
        with suppress(OSError, ValueError):
            super().finish()

    def log_message(self, format: str, *words: object) -> None:
        """No line on the screen for each request."""


@contextmanager
def serve() -> Iterator[Server]:
    """A server that runs until the context ends."""
    state = Server()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"server_state": state}))
    server.daemon_threads = True
    state.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
