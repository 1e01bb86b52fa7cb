"""A hub of our own over real HTTP: what huggingface_hub asks for, answered from a directory."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

COMMIT = "c0ffee" + "0" * 34
OLDER = "0ddba11" + "0" * 33


class Hub(ThreadingHTTPServer):
    """Serves `root` as the model "team/tiny" at `COMMIT` ("main"), and without VAE at `OLDER`."""

    def __init__(self, root: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.root = root
        self.asked: list[str] = []
        self.damages = ""
        """A file whose content is not what the hub tells of it."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def files(self, commit: str) -> list[str]:
        paths = (p for p in sorted(self.root.rglob("*")) if p.is_file())
        names = [str(p.relative_to(self.root)) for p in paths]
        return [n for n in names if commit == COMMIT or not n.startswith("vae")]


class _Handler(BaseHTTPRequestHandler):
    server: Hub

    def log_message(self, *_: object) -> None:
        """Quiet."""

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path)
        self.server.asked.append(f"{self.command} {path}")
        parts = path.strip("/").split("/")
        if parts[:2] == ["api", "models"]:
            parts = parts[2:]
        repository = parts[:2]
        kind, revision = parts[2:4] if len(parts) > 3 else ("info", "main")
        commit = {"main": COMMIT, "v1": OLDER, COMMIT: COMMIT, OLDER: OLDER}.get(revision)
        if repository == ["team", "gated"]:
            self.refuse(403, "GatedRepo")
        elif repository != ["team", "tiny"]:
            self.refuse(404, "RepoNotFound")
        elif not commit:
            self.refuse(404, "RevisionNotFound")
        elif kind == "resolve":
            self.send_file(commit, "/".join(parts[4:]))
        else:
            self.describe("team/tiny", commit)

    def describe(self, name: str, commit: str) -> None:
        root = self.server.root
        files: list[dict[str, object]] = []
        for file in self.server.files(commit):
            content = (root / file).read_bytes()
            files.append({"rfilename": file, "size": len(content)})
            if file.endswith(".safetensors"):
                lfs = {"size": len(content), "pointerSize": 130}
                files[-1]["lfs"] = lfs | {"sha256": hashlib.sha256(content).hexdigest()}
        body = json.dumps({"id": name, "modelId": name, "sha": commit, "siblings": files}).encode()
        self.answer(200, body, {"Content-Type": "application/json"})

    def send_file(self, commit: str, name: str) -> None:
        if name not in self.server.files(commit):
            self.refuse(404, "EntryNotFound")
            return
        body = (self.server.root / name).read_bytes()
        if name == self.server.damages and self.command == "GET":
            body = bytes(len(body))
        tag = hashlib.sha256(body).hexdigest()
        self.answer(200, body, {"ETag": f'"{tag}"', "X-Repo-Commit": commit})

    def refuse(self, status: int, code: str) -> None:
        self.answer(status, b"{}", {"X-Error-Code": code, "Content-Type": "application/json"})

    def answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)


@contextmanager
def serving(root: Path) -> Iterator[Hub]:
    """A running hub."""
    with Hub(root) as hub:
        threading.Thread(target=hub.serve_forever, args=(0.01,), daemon=True).start()
        yield hub
        hub.shutdown()
