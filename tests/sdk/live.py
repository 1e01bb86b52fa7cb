"""Servers that the documentation's examples run against.

The container is the real one, in a thread, around the fake engine of the server's tests. What it
does not do, the stub plays as the contract says.
"""

from __future__ import annotations

import asyncio
import base64
import io
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

from friendli_server.container.serve import Server, listen, url
from friendli_server.container.service import Service
from friendli_server.settings import ContainerSettings
from PIL import Image
from sdk.recorder import endpoint
from sdk.stub import Reply, Request, serving
from server.fakes import FakeEngine


@contextmanager
def container() -> Iterator[str]:
    """A container on loopback; yields its URL."""
    server = Server(Service(FakeEngine(), ContainerSettings()))
    listener = listen("127.0.0.1", 0)
    thread = Thread(target=lambda: asyncio.run(server.serve([listener])), daemon=True)
    thread.start()
    try:
        yield url(listener)
    finally:
        server.should_exit = server.force_exit = True
        thread.join()


@contextmanager
def played() -> Iterator[str]:
    """What the contract says about endpoints, edits and control images; yields its URL."""
    file = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(file, "jpeg")
    jpeg = file.getvalue()
    encoded = base64.b64encode(jpeg).decode()

    def answer(request: Request) -> Reply:
        if request.method == "GET" and request.path == "/picture.jpg":
            return Reply(jpeg, headers={"content-type": "image/jpeg"})
        if request.path.startswith("/v1/images"):
            return Reply({"image": encoded, "seed": 7, "width": 8, "height": 8, "format": "jpeg"})
        if request.path.startswith("/dedicated/beta/endpoint"):
            return Reply(endpoint(request.method, request.path.partition("?")[0].split("/")[4:]))
        address = f"http://{request.headers['host']}/picture.jpg"
        return Reply({"data": [{"seed": 7, "response_format": "url", "url": address}]})

    with serving(answer, Event()) as address:
        yield address
