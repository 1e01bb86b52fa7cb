"""The engine behind one asyncio object: it starts, supervises, restarts and drains the worker.

Knows nothing about HTTP and loads no torch: that lives in the worker. `EngineClient` keeps the
worker in a process of its own, `InlineClient` in a thread of this one (tests, notebooks).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Literal, Self

from msgspec.structs import replace

from . import errors, protocol
from .capability import check
from .errors import EngineError, NotReadyError, WorkerLostError
from .link import Life, ProcessVessel, ThreadVessel, Vessel
from .request import Event, Failed, Finished, ImageRequest, ModelInfo
from .unanswered import Pending, Unanswered

MAX_RELAUNCHES = 5
"""Workers in a row that may die without any progress before the engine gives up."""

State = Literal["starting", "ready", "restarting", "draining", "closed"]


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
        threads: torch's threads in the worker, all in all; None for one for each physical core.
        max_rows, max_active, deterministic, memory, max_wait, profiles: see `Engine`.
        adapter_memory: the most bytes of LoRA weights in memory; None for 4 GiB.
        patience: seconds of silence after which the worker counts as hung.
        load_patience: seconds that loading may take without a word.
        retries: how often a running request whose worker died is started again.
        spare: keep a second process with the libraries imported, so that a worker that is lost is
            replaced sooner; it loads no weights before its turn.
    """

    _vessel: Callable[[str, str | None], Vessel] = ProcessVessel

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
        adapter_memory: int | None = None,
        memory: int | None = None,
        max_wait: float | None = None,
        profiles: str | Path | None = None,
        patience: float = 120.0,
        load_patience: float = 1800.0,
        retries: int = 1,
        spare: bool = False,
    ) -> None:
        self.state: State = "starting"
        self.loading: protocol.Loading | None = None
        self._configuration = protocol.Configuration(
            model=str(model), device=device, dtype=dtype, threads=threads, max_rows=max_rows,
            adapters={route: str(path) for route, path in (adapters or {}).items()},
            controlnets={name: str(path) for name, path in (controlnets or {}).items()},
            max_active=max_active, deterministic=deterministic, adapter_memory=adapter_memory,
            memory=memory, max_wait=max_wait, profiles=str(profiles) if profiles else None,
        )  # fmt: skip
        self._unanswered = Unanswered(limit=max_queue, retries=retries)
        self._patience, self._load_patience = patience, load_patience
        self._info: ModelInfo | None = None
        self._life: Life | None = None
        self._keeps_spare = spare
        self._spare: Life | None = None
        self._attendant: asyncio.Task[None] | None = None
        self._stats = protocol.Stats()
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

    def stats(self) -> protocol.Stats:
        """The worker's latest counters; all but `restarts` start anew when it restarts."""
        return replace(self._stats, restarts=self._restarts)

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

    async def load_adapter(
        self, route: str, path: str | Path, scale: float = 1.0, *, replace: bool = False
    ) -> ModelInfo:
        """Serve the LoRA file at `path` as `route`, also after a restart of the worker.

        Args:
            route: what requests name; it must not be taken.
            replace: it may be: requests that asked for it before end with the old file.
            path: a safetensors file.
            scale: its strength, within ±100.

        Raises:
            AdapterRefusedError: the route is taken, or the file malformed, hostile or unfitting.
            NotReadyError: the engine is not ready.
            WorkerLostError: the worker died; whether it was of this file is not known.
        """
        return await self._ask(lambda t: protocol.LoadAdapter(t, route, f"{path}@{scale}", replace))

    async def unload_adapter(self, route: str) -> ModelInfo:
        """Serve `route` no longer; requests that asked for it before end as they should.

        Raises:
            UnknownAdapterError: there is no such route; the text names the known ones.
            NotReadyError: the engine is not ready.
            WorkerLostError: the worker died.
        """
        return await self._ask(lambda ticket: protocol.UnloadAdapter(ticket, route))

    async def drain(self) -> None:
        """Take no further requests and wait until every accepted one is answered."""
        self._draining = True
        if self.state == "ready":
            self.state = "draining"
        await self._unanswered.none_left()

    async def aclose(self) -> None:
        """Stop the worker now; requests still unanswered end with `Failed`."""
        self.state = "closed"
        if self._attendant:
            self._attendant.cancel()
            await asyncio.gather(self._attendant, return_exceptions=True)
        if self._life:
            await self._life.end(grace=5.0)
        if self._spare:
            await self._spare.end()
        self._life = self._spare = None
        self._unanswered.end(NotReadyError("The engine was closed."))

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def _ask(self, errand: Callable[[int], protocol.Errand]) -> ModelInfo:
        if not self._life or self.state != "ready":
            raise NotReadyError(f"The engine is {self.state}.")
        ticket, answer = self._unanswered.errand()
        self._life.tell(errand(ticket))
        return await answer

    def _accept(self, request: ImageRequest) -> Pending:
        if self._draining or self.state not in ("ready", "restarting"):
            raise NotReadyError(f"The engine is {self.state}.")
        check(request, self.info)
        pending = self._unanswered.accept(request)
        if self._life and self.state == "ready":
            self._life.tell(protocol.Submit(request))
        return pending

    def _forget(self, request_id: str) -> None:
        if self._unanswered.forget(request_id) and self._life:
            self._life.tell(protocol.Cancel(request_id))

    async def _launch(self) -> Life:
        """A new life, or the spare one, loaded and ready."""
        life = self._life = self._spare or Life(self._vessel)
        self._spare = None
        life.tell(self._configuration)
        while True:
            match await life.hear(self._load_patience):
                case protocol.Loading() as loading:
                    self.loading = loading
                case protocol.Ready(info):
                    self._info, self.loading = info, None
                    # A file that is gone by now must not keep a worker from starting again.
                    self._configuration = replace(self._configuration, insist=False)
                    if self._keeps_spare:
                        self._spare = Life(self._vessel, prepare=self._configuration.model)
                    return life
                case protocol.Refused(kind, message):
                    raise errors.from_kind(kind, message)
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
            self._unanswered.end(WorkerLostError(f"The engine could not restart: {error}"))

    def _deliver(self, report: protocol.Report) -> None:
        match report:
            case protocol.Beat(stats):
                self._stats = stats
            case protocol.Changed(ticket, info, route, source):
                self._info = info
                self._note(route, source)
                self._unanswered.settle(ticket, info)
            case protocol.Declined(ticket, kind, message, param):
                self._unanswered.settle(ticket, errors.from_kind(kind, message, param=param))
            case protocol.Loading() | protocol.Ready() | protocol.Refused():
                raise AssertionError(report)
            case event:
                if self._unanswered.deliver(event):
                    self._fruitless = 0

    def _note(self, route: str, source: str | None) -> None:
        """What the next worker is to serve."""
        adapters = {r: s for r, s in self._configuration.adapters.items() if r != route}
        adapters |= {route: source} if source else {}
        self._configuration = replace(self._configuration, adapters=adapters)

    async def _restart(self, lost: WorkerLostError) -> None:
        """Replace the dead worker and give it the unanswered requests, oldest first."""
        self.state = "restarting"
        self._unanswered.lose(lost)
        life = await self._relaunch()
        for pending in self._unanswered:
            if not pending.over:
                life.tell(protocol.Submit(pending.request))
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


class InlineClient(EngineClient):
    """The same engine in a thread of this process: no isolation, no restart, quick to start."""

    _vessel = ThreadVessel
