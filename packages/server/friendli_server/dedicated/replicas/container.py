"""The gateway's side of the container's HTTP API: is it ready, make this picture.

Knows neither endpoints nor teams, and never retries: what a lost replica means is the caller's
to decide.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Annotated, Final

import httpx2
from friendli_wire import ErrorBody
from pydantic import BaseModel, Field, ValidationError

_PROBE_SECONDS: Final = 3.0
_BUSY: Final = frozenset({429})
_LOST: Final = frozenset({502, 503})


@dataclass(frozen=True, kw_only=True)
class ContainerRequest:
    """A POST that any replica of the endpoint answers with the same bytes.

    `body` is JSON with the seed drawn already; `key` joins a repeated POST to the running one.
    """

    path: str
    body: bytes
    key: str
    seconds: float


@dataclass(frozen=True, kw_only=True)
class ContainerPicture:
    """What a container made: base64 of a file, its size in pixels, and how long it took."""

    base64: bytes
    seed: int
    width: int
    height: int
    seconds: float


class _Picture(BaseModel):
    b64_json: bytes
    seed: int


class _Answer(BaseModel):
    """A container's answer in OpenAI's dialect."""

    data: Annotated[list[_Picture], Field(min_length=1, max_length=1)]
    size: Annotated[str, Field(pattern=r"^[0-9]{1,5}x[0-9]{1,5}$")]


class ReplicaLostError(Exception):
    """No answer, or one that says that this replica cannot work now."""


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

    async def is_ready(self, url: str) -> bool:
        """Whether the container at `url` says it can generate."""
        try:
            answer = await self._http.get(f"{url}/health", timeout=_PROBE_SECONDS)
        except (httpx2.TransportError, httpx2.InvalidURL):
            return False
        return answer.status_code == 200

    async def post(self, url: str, request: ContainerRequest) -> ContainerPicture:
        """Have one picture made.

        Raises:
            ReplicaLostError: it must be made elsewhere.
            ReplicaBusyError: it may be made elsewhere or later.
            ReplicaRefusedError: it cannot be made.
        """
        began = time.monotonic()
        try:
            answer = await self._http.post(
                f"{url}{request.path}",
                content=request.body,
                headers={"content-type": "application/json", "idempotency-key": request.key},
                timeout=httpx2.Timeout(request.seconds, connect=_PROBE_SECONDS),
            )
        except httpx2.TransportError as error:
            raise ReplicaLostError from error
        _raise_for_status(answer)
        picture = _parse(answer)
        return replace(picture, seconds=time.monotonic() - began)


def _raise_for_status(answer: httpx2.Response) -> None:
    if answer.status_code in _LOST:
        raise ReplicaLostError
    if answer.status_code in _BUSY:
        advice = answer.headers.get("retry-after", "")
        raise ReplicaBusyError(int(advice) if advice.isdecimal() else 1)
    if answer.status_code != 200:
        try:
            body = ErrorBody.model_validate_json(answer.content)
        except ValidationError:
            body = None
        raise ReplicaRefusedError(answer.status_code, body)


def _parse(answer: httpx2.Response) -> ContainerPicture:
    try:
        told = _Answer.model_validate_json(answer.content)
    except ValidationError as error:
        raise ReplicaRefusedError(502, None) from error
    width, _, height = told.size.partition("x")
    [picture] = told.data
    return ContainerPicture(
        base64=picture.b64_json,
        seed=picture.seed,
        width=int(width),
        height=int(height),
        seconds=0.0,
    )
