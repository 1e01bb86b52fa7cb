"""An S3-compatible bucket in a thread: what the weights' store asks for, and faults on demand."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

NAME = "models"
ENVIRONMENT = {
    "AWS_ALLOW_HTTP": "true",
    "AWS_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "key",
    "AWS_SECRET_ACCESS_KEY": "secret",
}


@dataclass
class Bucket:
    """Objects by key, what was asked for, and how many of the next reads fail."""

    url: str = ""
    objects: dict[str, bytes] = field(default_factory=dict)
    read: list[str] = field(default_factory=list)
    """Keys of the reads that were answered, one for each."""
    busy: int = 0
    """Reads that will be answered with 503."""
    cut: int = 0
    """Reads that will break off in the middle."""
    denied: bool = False

    def put(self, prefix: str, files: Mapping[str, bytes], *, sums: bool = True) -> str:
        """Keep `files` and their SHA256SUMS below `prefix`; the digest of the latter."""
        listing = sha256sums(files) if sums else b""
        listed = {**files, "SHA256SUMS": listing} if sums else files
        self.objects |= {f"{prefix}/{name}": content for name, content in listed.items()}
        return hashlib.sha256(listing).hexdigest()

    def environment(self) -> dict[str, str]:
        """What a process needs to reach it."""
        return {**ENVIRONMENT, "AWS_ENDPOINT": self.url}


def sha256sums(files: Mapping[str, bytes]) -> bytes:
    """What `sha256sum` prints of `files`, each named as `find .` does."""
    lines = [f"{hashlib.sha256(content).hexdigest()}  ./{name}" for name, content in files.items()]
    return "\n".join([*lines, ""]).encode()


@contextmanager
def bucket() -> Iterator[Bucket]:
    """An empty one that listens while the block runs."""
    it = Bucket()

    class Handler(_Handler):
        bucket = it

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        it.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield it
        finally:
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    bucket: Bucket
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        _, _, key = unquote(url.path).lstrip("/").partition("/")
        if self.bucket.denied:
            self._answer(403)
        elif not key:
            self._list(parse_qs(url.query))
        elif self.command == "GET" and self.bucket.busy:
            self.bucket.busy -= 1
            self._answer(503)
        elif key not in self.bucket.objects:
            self._answer(404)
        else:
            self._object(key)

    def _object(self, key: str) -> None:
        content = self.bucket.objects[key]
        tag, asked = etag(content), self.headers.get("range", "")
        if self.headers.get("if-match", tag) != tag:
            self._answer(412)
            return
        start, _, end = asked.removeprefix("bytes=").partition("-")
        part = content[int(start) : int(end) + 1] if asked else content
        span = {"content-range": f"bytes {start}-{end}/{len(content)}"} if asked else {}
        if self.command == "GET":
            self.bucket.read.append(key)
        self._answer(206 if asked else 200, part, {"etag": tag, **span})

    def _list(self, query: dict[str, list[str]]) -> None:
        prefix = query.get("prefix", [""])[0]
        found = "".join(
            f"<Contents><Key>{escape(key)}</Key><Size>{len(content)}</Size>"
            f"<ETag>{escape(etag(content))}</ETag>"
            "<LastModified>2026-01-01T00:00:00.000Z</LastModified></Contents>"
            for key, content in sorted(self.bucket.objects.items())
            if key.startswith(prefix) and "/" not in key.removeprefix(prefix)
        )
        text = f"<ListBucketResult><IsTruncated>false</IsTruncated>{found}</ListBucketResult>"
        self._answer(200, text.encode())

    def _answer(
        self, status: int, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> None:
        self.send_response(status)
        common = {
            "content-length": str(len(body)),
            "last-modified": "Thu, 01 Jan 2026 00:00:00 GMT",
        }
        for name, value in {**common, **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        if self.bucket.cut and len(body) > 1:
            self.bucket.cut -= 1
            body, self.close_connection = body[: len(body) // 2], True
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # its name
        """Nothing."""


def etag(content: bytes) -> str:
    """An object's, as S3 makes it."""
    return f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"'
