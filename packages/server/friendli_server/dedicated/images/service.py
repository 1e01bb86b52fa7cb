"""A request for pictures, whole: admit, dispatch, keep, answer. Knows no HTTP.

The order matters: nothing is generated for a team beyond its quotas, and nothing is answered that
is not yet stored and written down. Teams take turns at the database.
"""

from __future__ import annotations

import asyncio
import base64
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from friendli_wire import DedicatedImageGenerateSuccess
from sqlalchemy.exc import IntegrityError

from friendli_server.dedicated import problems
from friendli_server.dedicated.database import Database, DatabaseDownError
from friendli_server.dedicated.endpoints import services as endpoints
from friendli_server.dedicated.images import encoding, jobs
from friendli_server.dedicated.images.bodies import Body, Operation, PictureFormat
from friendli_server.dedicated.images.dispatch import Dispatcher
from friendli_server.dedicated.images.turns import Turns
from friendli_server.dedicated.metrics import Metrics
from friendli_server.dedicated.replicas.container import ContainerPicture, Made, Tell
from friendli_server.dedicated.replicas.router import Load
from friendli_server.dedicated.results.models import StoredResult
from friendli_server.dedicated.results.store import ResultStore, StorageUnavailableError
from friendli_server.dedicated.usage import services as usage
from friendli_server.dedicated.usage.known import KnownLimits
from friendli_server.errors import ApiError, ClientGone

Waiter = Callable[[Coroutine[Any, Any, Made]], Awaitable[Made]]
_KEEP_TRYING_SECONDS: Final = 20.0


@dataclass(kw_only=True)
class _Outcome:
    """What a job came to so far: pictures, and those of them that are in the store."""

    made: Made | None = None
    stored: list[StoredResult] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class ImageService:
    """Serves generate and edit for every team."""

    database: Database
    dispatcher: Dispatcher
    results: ResultStore
    node_id: str
    url_format: PictureFormat
    request_seconds: float
    queue_steps: int
    metrics: Metrics
    known: KnownLimits
    turns: Turns

    async def serve(
        self,
        team_id: str,
        operation: Operation,
        body: Body,
        *,
        job_id: str,
        wait: Waiter,
        tell: Tell | None = None,
    ) -> DedicatedImageGenerateSuccess:
        """The pictures that `body` asks for, as it asks for them.

        `wait` awaits the container's work and may give up on it; everything else is short and is
        never broken off, so that no transaction is. With `tell` the steps on the way are told.

        Raises:
            ApiError: with the status to answer.
        """
        endpoint_id, adapter = jobs.split_model(body.model)
        job = usage.Job(
            id=job_id,
            attempt=secrets.token_hex(8),
            team_id=team_id,
            endpoint_id=endpoint_id,
            adapter=adapter,
            operation=operation,
            steps=body.num_inference_steps,
            images=body.count,
        )
        async with self._admitted(job) as outcome:
            made = await wait(self._make(job, body, tell))
            answer = await self._answer(job, body, made, stored=outcome.stored)
            outcome.made = made
        return answer

    async def _make(self, job: usage.Job, body: Body, tell: Tell | None) -> Made:
        file = self._file_format(body)
        request = jobs.container_request(
            job,
            body,
            picture_format=file,
            seconds=self.request_seconds,
            streams=tell is not None,
        )
        load = Load(job_id=job.id, work=job.work, adapter=job.adapter)
        return await self.dispatcher.run(job.endpoint_id, load, request, tell=tell)

    def _file_format(self, body: Body) -> PictureFormat:
        """The kind of file to ask the container for; raw pixels are made from a PNG."""
        if body.wanted == "url":
            return body.output_format or self.url_format
        return "png" if body.wanted in {"raw", "png"} else "jpeg"

    async def _answer(
        self, job: usage.Job, body: Body, made: Made, *, stored: list[StoredResult]
    ) -> DedicatedImageGenerateSuccess:
        if len(made.pictures) != job.images:
            raise ApiError("bad_replica_answer")
        if body.wanted != "url":
            return await encoding.inline(made.pictures, body.wanted)
        extension = "png" if self._file_format(body) == "png" else "jpg"
        try:
            for index, picture in enumerate(made.pictures):
                stored.append(await self._store(job, index, picture, extension))
            urls = [await self.results.link(row.path) for row in stored]
        except StorageUnavailableError as error:
            raise ApiError("storage_unavailable", retry_after=5) from error
        return encoding.linked(made.pictures, urls)

    async def _store(
        self, job: usage.Job, index: int, picture: ContainerPicture, extension: str
    ) -> StoredResult:
        return await self.results.put(
            base64.b64decode(picture.base64),
            team_id=job.team_id,
            endpoint_id=job.endpoint_id,
            name=jobs.picture_id(job, index),
            extension=extension,
        )

    @asynccontextmanager
    async def _admitted(self, job: usage.Job) -> AsyncIterator[_Outcome]:
        """Count the job while the block runs; its outcome is written down."""
        await self._admit(job)
        outcome = _Outcome()
        try:
            with self.known.running(job), self._counted(job, outcome):
                yield outcome
        finally:
            await self._finish(job, outcome)

    @contextmanager
    def _counted(self, job: usage.Job, done: _Outcome) -> Iterator[None]:
        """Count how the job ends."""
        began, outcome = time.monotonic(), "ok"
        steps_in_flight = self.metrics.steps_in_flight.labels(job.endpoint_id)
        self.metrics.in_flight.inc()
        steps_in_flight.inc(job.work)
        try:
            yield
        except ApiError as error:
            outcome = error.code
            raise
        except ClientGone:
            outcome = "cancelled"
            raise
        except Exception:
            outcome = "internal_error"
            raise
        finally:
            self.metrics.in_flight.dec()
            steps_in_flight.dec(job.work)
            self.metrics.jobs.labels(job.endpoint_id, outcome).inc()
            if done.made is not None:
                self.metrics.job_seconds.labels(job.endpoint_id).observe(time.monotonic() - began)
                self.metrics.images.labels(job.endpoint_id).inc(job.images)
                self.metrics.steps.labels(job.endpoint_id).inc(job.work)

    async def _admit(self, job: usage.Job) -> None:
        try:
            async with self.turns.of(job.team_id):
                self.known.judge(job)
                async with self.database.transaction() as session:
                    await endpoints.wake_for_request(session, job.team_id, job.endpoint_id)
                    limits = await usage.admit(
                        session, job, node_id=self.node_id, queue_steps=self.queue_steps
                    )
        except usage.QuotaExceededError as error:
            self.known.refused(job, error)
            self.metrics.refused.labels(error.quota).inc()
            raise problems.quota_exceeded(
                error.quota, limit=error.limit, retry_after=error.retry_after
            ) from error
        self.known.admitted(job, limits)

    async def _finish(self, job: usage.Job, outcome: _Outcome) -> None:
        """Write the end of the job down; a team that is gone by now leaves no picture behind."""
        try:
            await self._write_down(job, outcome)
        except IntegrityError:
            await self._write_down(job, _Outcome())
            await self.results.delete_team(job.team_id)
            raise ApiError("team_not_found") from None

    async def _write_down(self, job: usage.Job, outcome: _Outcome) -> None:
        """Try again while the database is away."""
        give_up = time.monotonic() + _KEEP_TRYING_SECONDS
        while True:
            try:
                async with self.turns.of(job.team_id), self.database.transaction() as session:
                    for row in outcome.stored:
                        await session.merge(row)
                    return await usage.finish(session, job, _pictures(job, outcome.made))
            except DatabaseDownError:
                if time.monotonic() > give_up:
                    raise
                await asyncio.sleep(0.2)


def _pictures(job: usage.Job, made: Made | None) -> list[usage.Picture]:
    """One line of the report for each picture; they share the time it took."""
    if made is None:
        return []
    return [
        usage.Picture(
            id=jobs.picture_id(job, index),
            width=picture.width,
            height=picture.height,
            engine_seconds=made.seconds / len(made.pictures),
        )
        for index, picture in enumerate(made.pictures)
    ]
