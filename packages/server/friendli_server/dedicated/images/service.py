"""A request for a picture, whole: admit, dispatch, keep, answer. Knows no HTTP.

The order matters: nothing is generated for a team beyond its quotas, and nothing is answered that
is not yet stored.
"""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from friendli_wire import B64ImageItem, DedicatedImageGenerateSuccess, URLImageItem

from friendli_server.dedicated import problems
from friendli_server.dedicated.database import Database, DatabaseDownError
from friendli_server.dedicated.endpoints import services as endpoints
from friendli_server.dedicated.images import jobs
from friendli_server.dedicated.replicas.container import ContainerPicture
from friendli_server.dedicated.replicas.router import Load
from friendli_server.dedicated.results.store import ResultStore, StorageUnavailableError
from friendli_server.dedicated.usage import services as usage
from friendli_server.dedicated.usage.models import UsageRecord
from friendli_server.errors import ApiError

from .dispatch import Dispatcher
from .encoding import raw_of_png

Waiter = Callable[[Coroutine[Any, Any, ContainerPicture]], Awaitable[ContainerPicture]]
_KEEP_TRYING_SECONDS: Final = 20.0


@dataclass(frozen=True, kw_only=True)
class ImageService:
    """Serves generate and edit for every team."""

    database: Database
    dispatcher: Dispatcher
    results: ResultStore
    node_id: str
    url_format: str
    request_seconds: float

    async def serve(
        self,
        team_id: str,
        operation: jobs.Operation,
        body: jobs.Body,
        *,
        job_id: str,
        wait: Waiter,
    ) -> DedicatedImageGenerateSuccess:
        """The picture that `body` asks for, as it asks for it.

        `wait` awaits the container's work and may give up on it; everything else is short and is
        never broken off, so that no transaction is.

        Raises:
            ApiError: with the status to answer.
        """
        endpoint_id, adapter = jobs.split_model(body.model)
        job = usage.Job(
            id=job_id,
            team_id=team_id,
            endpoint_id=endpoint_id,
            adapter=adapter,
            operation=operation,
            steps=body.num_inference_steps,
        )
        wanted = body.response_format or "url"
        async with self._admitted(job) as made:
            picture = await wait(self._make(job, body, wanted))
            answer = await self._answer(job, picture, wanted)
            made.append(picture)
        return answer

    async def _make(self, job: usage.Job, body: jobs.Body, wanted: str) -> ContainerPicture:
        final = self.url_format if wanted == "url" else wanted
        request = jobs.container_request(
            job,
            body,
            picture_format="png" if final in {"raw", "png"} else "jpeg",
            seconds=self.request_seconds,
        )
        load = Load(job_id=job.id, work=job.steps, adapter=job.adapter)
        return await self.dispatcher.run(job.endpoint_id, load, request)

    async def _answer(
        self, job: usage.Job, picture: ContainerPicture, wanted: str
    ) -> DedicatedImageGenerateSuccess:
        final = self.url_format if wanted == "url" else wanted
        encoded = picture.base64
        if final == "raw":
            encoded = await asyncio.to_thread(raw_of_png, encoded)
        size = {"width": picture.width, "height": picture.height}
        if wanted != "url":
            return DedicatedImageGenerateSuccess(
                data=[
                    B64ImageItem.model_validate(
                        {
                            "seed": picture.seed,
                            "response_format": wanted,
                            "b64_json": encoded,
                            **size,
                        }
                    )
                ]
            )
        url = await self._store(job, base64.b64decode(encoded), "png" if final == "png" else "jpg")
        return DedicatedImageGenerateSuccess(
            data=[
                URLImageItem.model_validate(
                    {"seed": picture.seed, "response_format": "url", "url": url, **size}
                )
            ]
        )

    async def _store(self, job: usage.Job, picture: bytes, extension: str) -> str:
        try:
            path = await self.results.put(
                picture,
                team_id=job.team_id,
                endpoint_id=job.endpoint_id,
                name=job.id,
                extension=extension,
            )
        except StorageUnavailableError as error:
            raise ApiError("storage_unavailable", retry_after=5) from error
        return await self.results.link(path)

    @asynccontextmanager
    async def _admitted(self, job: usage.Job) -> AsyncIterator[list[ContainerPicture]]:
        """Count the job while the block runs; a picture put in the list becomes its record."""
        await self._admit(job)
        made: list[ContainerPicture] = []
        try:
            yield made
        finally:
            record = _record(job, made[0]) if made else None
            await self._finish(job, record)

    async def _admit(self, job: usage.Job) -> None:
        try:
            async with self.database.transaction() as session:
                await endpoints.wake_for_request(session, job.team_id, job.endpoint_id)
                await usage.admit(session, job, node_id=self.node_id)
        except usage.QuotaExceededError as error:
            raise problems.quota_exceeded(
                error.quota, limit=error.limit, retry_after=error.retry_after
            ) from error

    async def _finish(self, job: usage.Job, record: UsageRecord | None) -> None:
        """Write the end of the job down, trying again while the database is away."""
        give_up = time.monotonic() + _KEEP_TRYING_SECONDS
        while True:
            try:
                async with self.database.transaction() as session:
                    return await usage.finish(session, job, record)
            except DatabaseDownError:
                if time.monotonic() > give_up:
                    raise
                await asyncio.sleep(0.2)


def _record(job: usage.Job, picture: ContainerPicture) -> UsageRecord:
    return UsageRecord(
        id=job.id,
        team_id=job.team_id,
        endpoint_id=job.endpoint_id,
        adapter=job.adapter,
        operation=job.operation,
        steps=job.steps,
        width=picture.width,
        height=picture.height,
        engine_seconds=picture.seconds,
    )
