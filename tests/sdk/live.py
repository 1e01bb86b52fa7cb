"""Servers that the documentation's examples run against.

The container is the real one, in a thread, around the fake engine of the server's tests. Dedicated
endpoints are played by the stub; the real gateway is met in `test_gateway.py`.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

import msgspec
from friendli_server.container.serve import Server, listen, url
from friendli_server.container.service import Service
from friendli_server.settings import ContainerSettings
from PIL import Image
from sdk.recorder import endpoint
from sdk.stub import Reply, Request, events, serving
from server.fakes import INFO, FakeEngine


@contextmanager
def container() -> Iterator[str]:
    """A container on loopback that can draw, edit and be steered; yields its URL."""
    engine = FakeEngine(
        info=msgspec.structs.replace(
            INFO, edits=True, inpaints=True, controlnets=("edges", "layout")
        )
    )
    server = Server(Service(engine, ContainerSettings()))
    listener = listen("127.0.0.1", 0)
    thread = Thread(target=lambda: asyncio.run(server.serve([listener])), daemon=True)
    thread.start()
    try:
        yield url(listener)
    finally:
        server.should_exit = server.force_exit = True
        thread.join()


@contextmanager
def endpoints() -> Iterator[str]:
    """Dedicated endpoints, as the contract has them; yields its URL."""
    file = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(file, "jpeg")
    jpeg = file.getvalue()

    def answer(request: Request) -> Reply:
        if request.method == "GET" and request.path == "/picture.jpg":
            return Reply(jpeg, headers={"content-type": "image/jpeg"})
        if request.path.startswith("/dedicated/beta/endpoint"):
            return Reply(endpoint(request.method, request.path.partition("?")[0].split("/")[4:]))
        address = f"http://{request.headers['host']}/picture.jpg"
        made = {"data": [{"seed": 7, "response_format": "url", "url": address}]}
        if request.json.get("stream"):
            return events(("progress", {"step": 1, "steps": 2}), ("finished", made))
        return Reply(made)

    with serving(answer, Event()) as address:
        yield address
