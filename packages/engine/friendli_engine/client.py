"""The engine behind one asyncio object: it starts, supervises, restarts and drains the worker.

Knows nothing about HTTP and loads no torch: that lives in the worker. `EngineClient` keeps the
worker in a process of its own, `InlineClient` in a thread of this one (tests, notebooks).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import msgspec

from . import errors
from .capability import check
from .errors import EngineError, InvalidRequestError, NotReadyError, QueueFullError, WorkerLostError
from .link import Life, ProcessVessel, ThreadVessel, Vessel
from .protocol import Beat, Cancel, Configuration, Loading, Ready, Refused, Report, Stats, Submit
from .request import Event, Failed, Finished, ImageRequest, ModelInfo, Queued

MAX_RELAUNCHES = 5
"""Workers in a row that may die without any progress before the engine gives up."""

State = Literal["starting", "ready", "restarting", "draining", "closed"]


@dataclass(eq=False)
class _Pending:
    """A request that has no answer yet."""

    request: ImageRequest
    retries: int
    begun: bool = False
    events: asyncio.Queue[Event] = field(default_factory=asyncio.Queue)

    @property
    def over(self) -> bool:
        return self.retries < 0


class EngineClient:
    """Pictures from a supervised worker process.

    Use it as `async with EngineClient(model) as engine`, or call `start` and `aclose`.

    Args:
        model: a diffusers model directory or hub id.
        device: "auto", "cpu", "cuda" or "cuda:1".
        dtype: "auto", "float32", "bfloat16" or "float16".
        adapters: LoRA files by route, as "path" or "path@scale".
        controlnets: ControlNet directories by name; their order is that of control images.
        max_queue: requests without an answer beyond which `generate` raises QueueFullError.
        threads: torch's threads in the worker; None for the number of physical cores.
        max_rows: the most rows that one forward may hold.
        max_active: the most requests that hold memory at once.
        deterministic: same seed, same bytes, whatever else runs; None: on a CPU only.
        patience: seconds of silence after which the worker counts as hung.
        load_patience: seconds that loading may take without a word.
        retries: how often a running request whose worker died is started again.
    """

    _vessel: Callable[[str], Vessel] = ProcessVessel

    def __init__(
        self,
        model: str | Path,
        *,
        device: str = "auto",
        dtype: str = "auto",
        adapters: Mapping[str, str | Path] | None = None,
        controlnets: Mapping[str, str | Path] | None = None,
        max_queue: int = 256,
        threads: int | None = None,
        max_rows: int = 16,
        max_active: int = 64,
        deterministic: bool | None = None,
        patience: float = 120.0,
        load_patience: float = 1800.0,
        retries: int = 1,
    ) -> None:
        self.state: State = "starting"
        self._configuration = Configuration(
            model=str(model),
            device=device,
            dtype=dtype,
            adapters={route: str(path) for route, path in (adapters or {}).items()},
            controlnets={name: str(path) for name, path in (controlnets or {}).items()},
            threads=threads,
            max_rows=max_rows,
            max_active=max_active,
            deterministic=deterministic,
        )
        self._max_queue, self._retries = max_queue, retries
        self._patience, self._load_patience = patience, load_patience
        self._info: ModelInfo | None = None
        self._life: Life | None = None
        self._attendant: asyncio.Task[None] | None = None
        self._pending: dict[str, _Pending] = {}
        self._answered = asyncio.Event()
        self._stats = Stats()
        self._restarts = 0
        self._draining = False
        self._fruitless = 0

    async def start(self) -> ModelInfo:
        """Start the worker and load the model.

        Raises:
            LoadError: the model cannot be loaded; the text says what is wrong with it.
        """
        try:
            await self._launch()
        except BaseException:
            await self.aclose()
            raise
        self.state = "ready"
        self._attendant = asyncio.create_task(self._attend(), name="engine-attendant")
        return self.info

    @property
    def info(self) -> ModelInfo:
        """What the loaded model can do. Raises NotReadyError before `start` has returned."""
        if self._info is None:
            raise NotReadyError("The engine has not started.")
        return self._info

    def stats(self) -> Stats:
        """The worker's latest counters; all but `restarts` start anew when it restarts."""
        return msgspec.structs.replace(self._stats, restarts=self._restarts)

    async def generate(self, request: ImageRequest) -> AsyncIterator[Event]:
        """Yield the request's events, the last of them `Finished` or `Failed`.

        Closing the iterator early cancels the request within one step.

        Raises:
            InvalidRequestError: the model cannot run it; `param` names the field at fault.
            QueueFullError: `max_queue` requests are unanswered already.
            NotReadyError: the engine has not started, is draining, or is closed.
        """
        pending = self._accept(request)
        try:
            while True:
                event = await pending.events.get()
                yield event
                if isinstance(event, Finished | Failed):
                    return
        finally:
            self._forget(request.id)

    async def drain(self) -> None:
        """Take no further requests and wait until every accepted one is answered."""
        self._draining = True
        if self.state == "ready":
            self.state = "draining"
        while self._pending:
            self._answered.clear()
            await self._answered.wait()

    async def aclose(self) -> None:
        """Stop the worker now; requests still unanswered end with `Failed`."""
        self.state = "closed"
        if self._attendant:
            self._attendant.cancel()
            await asyncio.gather(self._attendant, return_exceptions=True)
        if self._life:
            await self._life.end(grace=5.0)
            self._life = None
        for pending in self._pending.values():
            self._fail(pending, WorkerLostError("The engine was closed."))

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        await self.aclose()

    def _accept(self, request: ImageRequest) -> _Pending:
        if self._draining or self.state not in ("ready", "restarting"):
            raise NotReadyError(f"The engine is {self.state}.")
        check(request, self.info)
        if request.id in self._pending:
            raise InvalidRequestError("A request with this id is running.", param="id")
        if len(self._pending) >= self._max_queue:
            raise QueueFullError("Too many requests are waiting.")
        pending = self._pending[request.id] = _Pending(request, self._retries)
        if self._life and self.state == "ready":
            self._life.tell(Submit(request))
        return pending

    def _forget(self, request_id: str) -> None:
        pending = self._pending.pop(request_id, None)
        self._answered.set()
        if pending and not pending.over and self._life:
            self._life.tell(Cancel(request_id))

    async def _launch(self) -> Life:
        """A new life, loaded and ready."""
        life = self._life = Life(self._vessel)
        life.tell(self._configuration)
        while True:
            match await life.hear(self._load_patience):
                case Ready(info):
                    self._info = info
                    return life
                case Refused(kind, message):
                    raise errors.from_kind(kind, message)
                case Loading():
                    pass
                case other:
                    raise AssertionError(other)

    async def _attend(self) -> None:
        """Deliver reports until closed, and start the worker again whenever it is lost."""
        try:
            while self._life:
                try:
                    self._deliver(await self._life.hear(self._patience))
                except WorkerLostError as lost:
                    await self._restart(lost)
        except EngineError as error:
            self.state = "closed"
            for pending in self._pending.values():
                self._fail(pending, WorkerLostError(f"The engine could not restart: {error}"))

    def _deliver(self, report: Report) -> None:
        if isinstance(report, Beat):
            self._stats = report.stats
        elif isinstance(report, Event) and (pending := self._pending.get(report.id)):
            pending.begun |= not isinstance(report, Queued)
            self._fruitless = 0 if pending.begun else self._fruitless
            if isinstance(report, Finished | Failed):
                pending.retries = -1
            pending.events.put_nowait(report)

    async def _restart(self, lost: WorkerLostError) -> None:
        """Replace the dead worker and give it the unanswered requests, oldest first.

        Only requests that were running lose a retry: one of them may be what kills workers.
        """
        self.state = "restarting"
        for pending in self._pending.values():
            pending.retries -= pending.begun and not pending.over
            if pending.begun and pending.over:
                self._fail(pending, lost)
            pending.begun = False
        life = await self._relaunch()
        for pending in self._pending.values():
            if not pending.over:
                life.tell(Submit(pending.request))
        self.state = "draining" if self._draining else "ready"

    async def _relaunch(self) -> Life:
        """A new ready life. Workers that die in a row without any progress are given up."""
        while True:
            self._fruitless += 1
            if self._life:
                await self._life.end()
            if self._fruitless > MAX_RELAUNCHES:
                raise WorkerLostError("it dies again and again.")
            self._restarts += 1
            try:
                return await self._launch()
            except WorkerLostError:
                continue

    def _fail(self, pending: _Pending, error: EngineError) -> None:
        pending.retries = -1
        pending.events.put_nowait(Failed(pending.request.id, error.kind, error.message))


class InlineClient(EngineClient):
    """The same engine in a thread of this process: no isolation, no restart, quick to start."""

    _vessel = ThreadVessel
