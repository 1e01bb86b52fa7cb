"""Containers that speak the contract without a model, and the network between them and a gateway.

A picture is a pure function of what was asked, so "the same seed elsewhere gives the same bytes" is
as true here as of the real thing. Failures are the ones containers have: not ready, a full queue, a
death with requests unanswered.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any, Protocol

import httpx2
from friendli_server import sse
from friendli_server.dedicated.replicas.interfaces import LaunchError, ReplicaSpec
from friendli_wire import ErrorBody, ErrorInfo, FinishedEvent, PreviewEvent, ProgressEvent
from friendli_wire.endpoints import InferenceDeploymentErrorCode
from PIL import Image
from pydantic import BaseModel
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

WIDTH, HEIGHT = 24, 16


@dataclass
class FakeContainer:
    """One container, with its queue, its adapters and its end in the test's hand."""

    spec: ReplicaSpec = field(default_factory=lambda: ReplicaSpec(model="fake"))
    ready: bool = True
    phase: str | None = None
    full: bool = False
    held: bool = False
    breaks: bool = False
    fails: str | None = None
    tenants: set[str] = field(default_factory=set)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    cancelled: int = 0
    finished: int = 0
    dead: asyncio.Event = field(default_factory=asyncio.Event)
    released: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def app(self) -> Starlette:
        """The container as an ASGI application."""
        return Starlette(
            routes=[
                Route("/health", self._health),
                Route("/v1/images/generations", self._generate, methods=["POST"]),
                Route("/v1/images/edits", self._generate, methods=["POST"]),
            ]
        )

    async def _health(self, request: Request) -> Response:
        told = {"phase": self.phase} if self.phase else {}
        return JSONResponse(told, status_code=200 if self.ready else 503)

    async def _generate(self, request: Request) -> Response:
        body = await request.json()
        self.bodies.append(body)
        self.keys.append(request.headers.get("idempotency-key", ""))
        self.tenants.add(request.headers.get("authorization", ""))
        if self.full:
            return _error(429, "rate_limit_exceeded", None, {"retry-after": "7"})
        if body.get("model") is not None and body["model"] not in self.spec.adapters:
            return _error(404, "model_not_found", "model")
        if not 1 <= body["num_inference_steps"] <= 50:
            return _error(422, "invalid_request", "num_inference_steps")
        try:
            if self.held:
                await self.released.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        self.finished += 1
        if body.get("stream"):
            return Response(b"".join(self._events(body)), media_type="text/event-stream")
        return JSONResponse(answer(body))

    def _events(self, body: dict[str, Any]) -> Iterator[bytes]:
        """A step, and the picture; or the end of this container half-way."""
        yield _frame("progress", ProgressEvent(step=1, steps=body["num_inference_steps"], eta=0.5))
        if body.get("preview_every") != 0:
            jpeg = picture({**body, "output_format": "jpeg"}, body["seed"])
            yield _frame("preview", PreviewEvent(step=1, image=jpeg, width=WIDTH, height=HEIGHT))
        if self.breaks:
            self.breaks = False
            return
        if self.fails is not None:
            info = ErrorInfo(message="no", type="x", code=self.fails)
            yield _frame("error", ErrorBody(message="no", error=info))
            return
        made = picture(body, body["seed"])
        yield _frame(
            "finished",
            FinishedEvent(image=made, seed=body["seed"], width=WIDTH, height=HEIGHT, format="x"),
        )


def answer(body: dict[str, Any]) -> dict[str, Any]:
    """The answer to `body` in OpenAI's dialect."""
    seeds = range(body["seed"], body["seed"] + body.get("n", 1))
    return {
        "created": 1_800_000_000,
        "data": [{"b64_json": picture(body, seed).decode(), "seed": seed} for seed in seeds],
        "output_format": body["output_format"],
        "size": f"{WIDTH}x{HEIGHT}",
    }


def picture(body: dict[str, Any], seed: int) -> bytes:
    """A file, as base64, with pixels that follow from what was asked."""
    asked = {name: body.get(name) for name in ("prompt", "model", "guidance_scale")}
    color = hashlib.sha256(repr((seed, sorted(asked.items()))).encode()).digest()[:3]
    out = BytesIO()
    Image.new("RGB", (WIDTH, HEIGHT), tuple(color)).save(out, body["output_format"])
    return base64.b64encode(out.getvalue())


def _frame(name: str, event: BaseModel) -> bytes:
    return sse.frame(name, event.model_dump_json().encode())


def _error(
    status: int, code: str, param: str | None, headers: dict[str, str] | None = None
) -> Response:
    info = ErrorInfo(message=f"{code}!", type="x", param=param, code=code)
    body = ErrorBody(message=f"{code}!", error=info)
    return JSONResponse(body.model_dump(), status_code=status, headers=headers)


class Container(Protocol):
    """Anything on the network that serves and may die."""

    @property
    def app(self) -> ASGIApp:
        """What it serves."""

    @property
    def dead(self) -> asyncio.Event:
        """Its end."""


class Network(httpx2.AsyncBaseTransport):
    """Reaches fake containers by host name; a dead one refuses and drops what it had."""

    def __init__(self) -> None:
        self.containers: dict[str, Container] = {}

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Answer, or fail as a network does."""
        container = self.containers.get(request.url.host)
        if container is None or container.dead.is_set():
            raise httpx2.ConnectError("refused", request=request)
        transport = httpx2.ASGITransport(app=container.app)
        answer = asyncio.create_task(transport.handle_async_request(request))
        died = asyncio.create_task(container.dead.wait())
        try:
            await asyncio.wait({answer, died}, return_when=asyncio.FIRST_COMPLETED)
            if not answer.done():
                raise httpx2.ReadError("reset", request=request)
            return answer.result()
        finally:
            died.cancel()
            answer.cancel()


class FakeLauncher:
    """A launcher whose replicas are fakes on a `Network`."""

    def __init__(self, network: Network, *, shared: bool = False) -> None:
        self.network = network
        self.shared = shared
        self.silent = False
        self.launched: list[FakeContainer] = []
        self.stopped: list[str] = []
        self.refuses: InferenceDeploymentErrorCode | None = None
        self.born_ready = True
        self.held = False
        self._running: set[str] = set()

    async def launch(self, replica_id: str, spec: ReplicaSpec) -> str:
        """Start a fake, or refuse with the code the test set."""
        if self.refuses is not None:
            raise LaunchError(self.refuses)
        if replica_id in self._running:
            assert self.shared
            return f"http://{replica_id}"
        container = FakeContainer(spec=spec, ready=self.born_ready, held=self.held)
        self.network.containers[replica_id] = container
        self.launched.append(container)
        self._running.add(replica_id)
        return f"http://{replica_id}"

    async def stop(self, replica_id: str) -> None:
        """Let the fake go, as a container goes that has drained."""
        self._running.discard(replica_id)
        self.stopped.append(replica_id)

    def running(self) -> set[str] | None:
        """The fakes that were not stopped and did not die; nothing while `silent`."""
        if self.silent:
            return None
        return {id_ for id_ in self._running if not self.network.containers[id_].dead.is_set()}

    async def close(self) -> None:
        """Stop all but shared ones."""
        if not self.shared:
            self._running.clear()
