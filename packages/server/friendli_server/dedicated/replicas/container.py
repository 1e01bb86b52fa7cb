"""The gateway's side of the container's HTTP API: is it ready, make these pictures.

Knows neither endpoints nor teams, and never retries: what a lost replica means is the caller's
to decide.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Final

import httpx2
from friendli_wire import ErrorBody
from friendli_wire.container import ImageGenerationContainerResult
from pydantic import BaseModel, Field, ValidationError

from friendli_server.dedicated.replicas.interfaces import Health
from friendli_server.errors import KINDS

_PROBE_SECONDS: Final = 3.0
_BUSY: Final = frozenset({429})
_AWAY: Final = 503
_LOST: Final = 502
_EVENTS: Final = "text/event-stream"

Tell = Callable[[str, bytes], None]
"""Hears of what happens on the way: the event's name and its data as JSON."""


@dataclass(frozen=True, kw_only=True)
class ContainerRequest:
    """A POST that any replica of the endpoint answers with the same bytes.

    `body` is JSON with the seed drawn already; `key` joins a repeated POST to the running one.
    `tenant` stands for the team: a container that teams share serves tenants fairly.
    """

    path: str
    body: bytes
    key: str
    tenant: str
    seconds: float

    def headers(self, *, accept: str) -> Mapping[str, str]:
        """What travels beside the body. Containers take a bearer for the name of a client."""
        return {
            "content-type": "application/json",
            "accept": accept,
            "idempotency-key": self.key,
            "authorization": f"Bearer {self.tenant}",
        }


@dataclass(frozen=True, kw_only=True)
class ContainerPicture:
    """What a container made: base64 of a file, and its size in pixels."""

    base64: bytes
    seed: int
    width: int
    height: int


@dataclass(frozen=True, kw_only=True)
class Made:
    """The pictures of one request and how long the container took, in seconds."""

    pictures: Sequence[ContainerPicture]
    seconds: float


class _Progress(BaseModel):
    """What a container's health tells of its start."""

    phase: str | None = None


class _Picture(BaseModel):
    b64_json: bytes
    seed: int


class _Answer(BaseModel):
    """A container's answer in OpenAI's dialect."""

    data: Annotated[list[_Picture], Field(min_length=1)]
    size: Annotated[str, Field(pattern=r"^[0-9]{1,5}x[0-9]{1,5}$")]


class ReplicaLostError(Exception):
    """The request was taken, perhaps, and no answer came."""


class ReplicaAwayError(ReplicaLostError):
    """The replica did not take the request: none listens, or it starts or drains."""


class ReplicaBusyError(Exception):
    """The replica's queue is full; `retry_after` is what it advises, in seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(retry_after)
        self.retry_after = retry_after


class ReplicaRefusedError(Exception):
    """The replica judged the request: every replica would say the same."""

    def __init__(self, status: int, body: ErrorBody | None) -> None:
        super().__init__(status)
        self.status = status
        self.body = body


class ContainerClient:
    """Speaks to every replica through one pool of connections."""

    def __init__(self, http: httpx2.AsyncClient) -> None:
        """`http` stays the caller's to close."""
        self._http = http

    async def health(self, url: str) -> Health:
        """What the container at `url` says of itself; not ready if it does not answer."""
        try:
            answer = await self._http.get(f"{url}/health", timeout=_PROBE_SECONDS)
        except (httpx2.TransportError, httpx2.InvalidURL):
            return Health(ready=False)
        return Health(
            ready=answer.status_code == 200, downloads=_phase(answer.content) == "downloading"
        )

    async def make(self, url: str, request: ContainerRequest, *, tell: Tell | None) -> Made:
        """Have pictures made; `tell` hears of the steps on the way, if the request streams.

        Raises:
            ReplicaLostError: they must be made elsewhere, or here when it is back.
            ReplicaBusyError: they may be made elsewhere or later.
            ReplicaRefusedError: they cannot be made.
        """
        began = time.monotonic()
        work = self._answered(url, request) if tell is None else self._followed(url, request, tell)
        try:
            pictures = await work
        except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
            raise ReplicaAwayError from error
        except httpx2.TransportError as error:
            raise ReplicaLostError from error
        return Made(pictures=pictures, seconds=time.monotonic() - began)

    async def _answered(self, url: str, request: ContainerRequest) -> list[ContainerPicture]:
        answer = await self._http.post(
            url + request.path,
            content=request.body,
            headers=request.headers(accept="application/json"),
            timeout=_timeout(request),
        )
        _raise_for_status(answer)
        return _parse(answer.content)

    async def _followed(
        self, url: str, request: ContainerRequest, tell: Tell
    ) -> list[ContainerPicture]:
        async with self._http.stream(
            "POST",
            url + request.path,
            content=request.body,
            headers=request.headers(accept=_EVENTS),
            timeout=_timeout(request),
        ) as answer:
            if answer.status_code != 200:
                await answer.aread()
            _raise_for_status(answer)
            async for event in httpx2.EventSource(answer, max_event_size=None):
                if event.event == "finished":
                    return [_finished(event.data)]
                if event.event == "error":
                    _raise_told(event.data)
                tell(event.event, event.data.encode())
        raise ReplicaLostError


def _phase(content: bytes) -> str | None:
    try:
        return _Progress.model_validate_json(content).phase
    except ValidationError:
        return None


def _timeout(request: ContainerRequest) -> httpx2.Timeout:
    return httpx2.Timeout(request.seconds, connect=_PROBE_SECONDS)


def _raise_for_status(answer: httpx2.Response) -> None:
    if answer.status_code == _AWAY:
        raise ReplicaAwayError
    if answer.status_code == _LOST:
        raise ReplicaLostError
    if answer.status_code in _BUSY:
        advice = answer.headers.get("retry-after", "")
        raise ReplicaBusyError(int(advice) if advice.isdecimal() else 1)
    if answer.status_code != 200:
        raise ReplicaRefusedError(answer.status_code, _error(answer.content))


def _raise_told(data: str) -> None:
    """What an `error` event says, which has no status of its own."""
    body = _error(data)
    kind = KINDS.get(body.error.code or "") if body else None
    status = kind.status if kind else 502
    if status == _AWAY:
        raise ReplicaAwayError
    if status in _BUSY:
        raise ReplicaBusyError(1)
    raise ReplicaRefusedError(status, body)


def _error(data: str | bytes) -> ErrorBody | None:
    try:
        return ErrorBody.model_validate_json(data)
    except ValidationError:
        return None


def _parse(content: bytes) -> list[ContainerPicture]:
    try:
        told = _Answer.model_validate_json(content)
    except ValidationError as error:
        raise ReplicaRefusedError(502, None) from error
    width, _, height = told.size.partition("x")
    return [
        ContainerPicture(
            base64=picture.b64_json, seed=picture.seed, width=int(width), height=int(height)
        )
        for picture in told.data
    ]


def _finished(data: str) -> ContainerPicture:
    try:
        told = ImageGenerationContainerResult.model_validate_json(data)
    except ValidationError as error:
        raise ReplicaRefusedError(502, None) from error
    if told.seed is None or told.width is None or told.height is None:
        raise ReplicaRefusedError(502, None)
    return ContainerPicture(base64=told.image, seed=told.seed, width=told.width, height=told.height)
