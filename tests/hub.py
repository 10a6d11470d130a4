"""A stand-in for Hugging Face's hub: repositories from folders, and everything that goes wrong there."""

import hashlib
import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

COMMIT = "89abcdef0123456789abcdef0123456789abcdef"


@dataclass
class Hub:
    """Repositories by their ids; `gated` ones ask for an agreement.

    `cut` files break off once after so many bytes; `spoilt` files arrive with another first byte. `ranges` are the
    places from which files were asked for in part.
    """

    repositories: dict[str, Path] = field(default_factory=dict)
    gated: set[str] = field(default_factory=set)
    cut: dict[str, int] = field(default_factory=dict)
    spoilt: set[str] = field(default_factory=set)
    ranges: list[str] = field(default_factory=list)
    requests: int = 0

    def __enter__(self) -> Self:
        hub = self

        class Handler(_Handler):
            pass

        Handler.hub = hub
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        return

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        self.hub.requests += 1
        parts = urlsplit(self.path).path.strip("/").split("/")
        is_api = parts[:2] == ["api", "models"]
        repository = "/".join(parts[2:4] if is_api else parts[:2])
        folder = self.hub.repositories.get(repository)
        if repository in self.hub.gated:
            self._send(403, b"", {"X-Error-Code": "GatedRepo", "X-Error-Message": "ask first"})
        elif folder is None:
            self._send(404, b"", {"X-Error-Code": "RepoNotFound", "X-Error-Message": "Repository not found"})
        elif is_api:
            self._send(200, json.dumps(_description(repository, folder)).encode(), {})
        else:
            self._send_file(folder, "/".join(parts[4:]))

    def _send_file(self, folder: Path, name: str) -> None:
        file = folder / name
        if not file.is_file():
            self._send(404, b"", {"X-Error-Code": "EntryNotFound", "X-Error-Message": "Entry not found"})
            return
        content = file.read_bytes()
        headers = {"ETag": f'"{hashlib.sha256(content).hexdigest()}"', "X-Repo-Commit": COMMIT}
        if name in self.hub.spoilt:
            content = bytes([content[0] ^ 1]) + content[1:]
        start = 0
        if wanted := self.headers.get("Range"):
            start = int(wanted.removeprefix("bytes=").partition("-")[0])
            if start:
                self.hub.ranges.append(name)
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        limit = self.hub.cut.pop(name, None) if self.command == "GET" else None
        self._send(206 if wanted else 200, content[start:], headers, limit=limit)

    def _send(self, status: int, body: bytes, headers: dict[str, str], *, limit: int | None = None) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body if limit is None else body[:limit])
            if limit is not None:
                self.close_connection = True


def _description(repository: str, folder: Path) -> dict[str, Any]:
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    siblings = []
    for file in files:
        content = file.read_bytes()
        entry: dict[str, Any] = {"rfilename": file.relative_to(folder).as_posix(), "size": len(content)}
        if file.suffix in {".safetensors", ".bin"}:
            digest = hashlib.sha256(content).hexdigest()
            entry["lfs"] = {"sha256": digest, "size": len(content), "pointerSize": 134}
        siblings.append(entry)
    return {"id": repository, "modelId": repository, "sha": COMMIT, "siblings": siblings}
