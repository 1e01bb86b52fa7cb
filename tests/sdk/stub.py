"""A small real server that answers as a test says, and remembers what it was sent."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any


@dataclass
class Request:
    """What came: header names in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Reply:
    """What goes back. `hang_up` closes without an answer; `stay` keeps a stream open."""

    body: Any = field(default_factory=lambda: {"image": "aGk="})
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    hang_up: bool = False
    stay: bool = False

    def encoded(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


def events(*named: tuple[str, Any], stay: bool = False) -> Reply:
    """An event stream; `stay` leaves it open after the last event."""
    text = "".join(f"event: {name}\ndata: {json.dumps(data)}\n\n" for name, data in named)
    return Reply(text.encode(), headers={"content-type": "text/event-stream"}, stay=stay)


class Stub:
    """Answers each request with the next of `replies`; the last one goes on for ever."""

    def __init__(self) -> None:
        self.url = ""
        self.replies: list[Reply] = [Reply()]
        self.requests: list[Request] = []
        self.gone = Event()
        """Set when a client left an open stream."""

    def answer(self, request: Request) -> Reply:
        self.requests.append(request)
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]


@contextmanager
def serving(answer: Callable[[Request], Reply], gone: Event) -> Iterator[str]:
    """Run a server on a free port; yields its URL."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # headers and body are two writes

        def serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            reply = answer(Request(self.command, self.path, headers, body))
            if reply.hang_up:
                self.close_connection = True
                return
            self.send_response(reply.status)
            for name, value in {"content-type": "application/json", **reply.headers}.items():
                self.send_header(name, value)
            if reply.stay:
                self.end_headers()
                self.wfile.write(reply.encoded())
                self.wait_until_gone()
            else:
                self.send_header("content-length", str(len(reply.encoded())))
                self.end_headers()
                self.wfile.write(reply.encoded())

        def wait_until_gone(self) -> None:
            self.wfile.flush()
            self.connection.settimeout(20)
            if self.connection.recv(1) == b"":
                gone.set()
            self.close_connection = True

        do_GET = do_POST = do_PUT = do_DELETE = serve

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
