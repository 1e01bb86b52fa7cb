"""Step-level continuous batching of stock diffusers pipelines.

Every request is a `Run`: the unmodified pipeline in a greenlet, stopping at each call of a shared
network. The engine gathers stopped calls that can share a forward, runs one, and lets each request
go on with its own rows. It knows no model family, no files, no processes and no HTTP. It is
synchronous and belongs to the thread that steps it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Hashable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec
import torch

from .adapters import Adapters, Source
from .capability import check
from .errors import (
    GenerationError,
    InvalidRequestError,
    NotFiniteError,
    OutOfMemoryError,
    UnknownAdapterError,
)
from .knee import Limits, Profile, measure
from .model import Model
from .network import ParkedCall, rows_are_finite
from .park import park_networks
from .policy import Pace, Policy
from .preview import Preview
from .protocol import Stats
from .request import Event, Failed, Finished, ImageRequest, ModelInfo, Queued
from .run import Draw, Run, view_of

log = logging.getLogger(__name__)

NOT_FINITE = "The network answered with values that are not numbers."
NO_MEMORY = "The request does not fit into memory."


class Engine:
    """Pictures from one model for many requests at once.

    Args:
        model: what `friendli_engine.load` returned. Its networks park requests until `close`.
        max_active: the most requests that hold memory at once; others wait.
        max_rows: the most rows in one forward.
        gain: see `knee.Limits`.
        deterministic: share forwards only where a row's bits do not depend on the others.
            None: on a CPU.
        policy: the order of things; None for the default.
    """

    def __init__(
        self,
        model: Model,
        *,
        max_active: int = 64,
        max_rows: int = 16,
        gain: float = 0.02,
        deterministic: bool | None = None,
        policy: Policy | None = None,
    ) -> None:
        exact = model.device.type == "cpu" if deterministic is None else deterministic
        self.model, self.max_active, self.policy = model, max_active, policy or Policy()
        self.limits = Limits(max_rows=max_rows, gain=gain, tolerance=0.0 if exact else 0.02)
        self._networks = park_networks(model)
        self._adapters = Adapters(model, self._networks)
        self._leaving: set[str] = set()
        self._preview: Preview | None = None
        self._profiles: dict[Hashable, Profile] = {}
        self._runs: dict[str, Run] = {}
        self._pace = Pace()
        self._counts = dict.fromkeys(("finished", "failed", "cancelled", "forwards", "rows"), 0)
        self._seconds = 0.0

    @property
    def info(self) -> ModelInfo:
        """What the model can do, with the adapters of this moment."""
        routes = tuple(r for r in self._adapters.routes if r not in self._leaving)
        return msgspec.structs.replace(self.model.info, adapters=routes)

    @property
    def busy(self) -> bool:
        """Whether a step would do anything."""
        return bool(self._runs)

    def submit(self, request: ImageRequest) -> Queued:
        """Take a request; answer its place in the queue and when it should be done.

        Raises:
            InvalidRequestError: the model cannot run it; `param` names the field at fault.
        """
        check(request, self.info)
        if request.id in self._runs:
            raise InvalidRequestError("A request with this id is running.", param="id")
        work = request.steps * self._pace.forward
        ticket = self.policy.ticket(request.tenant, now=time.monotonic(), work=work)
        prepare, preview = partial(self._prepare, request), self._preview_for(request)
        run = self._runs[request.id] = Run(request, ticket, prepare, preview)
        position = self.policy.order(self._waiting()).index(run)
        return Queued(request.id, position, self._eta(run))

    @torch.inference_mode()
    def cancel(self, request_id: str) -> None:
        """Drop a request wherever it is; unknown ids are ignored, since it may just have ended."""
        if run := self._runs.pop(request_id, None):
            run.cancel()
            self._counts["cancelled"] += 1
            self._let_adapters_go()

    @torch.inference_mode()
    def step(self) -> list[Event]:
        """Advance by one forward and tell what happened: admit → pick → run → resume."""
        for run in self._admitted():
            run.resume()
        parked = [run for run in self._runs.values() if run.parked]
        for run, outcome in self._forward(self.policy.pick(parked, self._sizes)):
            run.resume(outcome)
        return list(self._collect())

    def load_adapter(self, route: str, source: str | Path) -> None:
        """Make a LoRA file, "path" or "path@scale", known to requests as `route`.

        Raises:
            AdapterRefusedError: the file is malformed, hostile or unfitting, or the route taken.
        """
        self._adapters.load(route, Source.parse(str(source)))

    def unload_adapter(self, route: str) -> None:
        """Offer `route` no longer; its weights go when the last request that uses it has ended.

        Raises:
            UnknownAdapterError: there is no such route.
        """
        if route not in self.info.adapters:
            raise UnknownAdapterError("There is no adapter with this route.", param="adapter")
        self._leaving.add(route)
        self._let_adapters_go()

    def _let_adapters_go(self) -> None:
        used = {run.request.adapter for run in self._runs.values()}
        for route in self._leaving - used:
            self._adapters.unload(route)
            self._leaving.remove(route)

    def generate(self, requests: Iterable[ImageRequest]) -> Iterator[Event]:
        """Run `requests` together; yield every event until the last of them has ended."""
        for request in requests:
            yield self.submit(request)
        while self.busy:
            yield from self.step()

    def stats(self) -> Stats:
        """Counters since the start, and gauges of this moment."""
        queued = len(self._waiting())
        active = len(self._runs) - queued
        return Stats(queued=queued, active=active, seconds=self._seconds, **self._counts)

    def close(self) -> None:
        """Drop all requests and give the model's networks their own methods back."""
        for request_id in list(self._runs):
            self.cancel(request_id)
        for network in self._networks:
            network.release()
        self._networks = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    def _prepare(self, request: ImageRequest) -> tuple[Any, dict[str, Any]]:
        view = view_of(self.model.pipeline_for(request), self.model.device)
        if request.steps == 1 and view.scheduler.config.get("shift_terminal"):
            # Stock divides by 1 - sigma of the last step, which is 0 if it is the first as well.
            view.scheduler.register_to_config(shift_terminal=None)
        return view, self.model.arguments_for(request)

    @torch.inference_mode()
    def _preview_for(self, request: ImageRequest) -> Draw | None:
        """How the request's previews are drawn; the map is fitted when one is first asked for."""
        vae = getattr(self.model.pipeline_for(request), "vae", None)
        if not request.preview_every or not Preview.fits(vae):
            return None
        self._preview = self._preview or Preview(vae)
        return partial(self._preview, size=self.model.size_of(request))

    def _waiting(self) -> list[Run]:
        return [run for run in self._runs.values() if not run.started]

    def _admitted(self) -> list[Run]:
        """Requests that start now: the most urgent ones, while there is room."""
        waiting = self._waiting()
        room = self.max_active - (len(self._runs) - len(waiting))
        return self.policy.order(waiting)[: max(room, 0)] if waiting else []

    def _sizes(self, run: Run) -> Collection[int]:
        """At how many rows calls like this one may share; measured when first met."""
        call = run.parked
        if call is None or call.network.solo:
            return ()
        if call.key not in self._profiles:
            try:
                self._profiles[call.key] = measure(call.network.replicas(call), self.limits)
            except Exception:  # it fails again below, where it is handled
                return ()
        return self._profiles[call.key].sizes

    def _forward(self, runs: Sequence[Run]) -> Iterator[tuple[Run, Any]]:
        """Run one forward; a failing one is split until the culprit is alone."""
        calls = [run.parked for run in runs if run.parked]
        if not calls:
            return
        began, failure = time.perf_counter(), None
        try:
            outcomes = calls[0].network.run(calls)
            healthy = rows_are_finite(calls, outcomes)
        except Exception as error:  # any failure belongs to the request that caused it
            failure = error
        if failure:
            yield from self._split(runs, calls, failure)
            return
        self._account(runs, calls, time.perf_counter() - began)
        for run, outcome, finite in zip(runs, outcomes, healthy, strict=True):
            yield run, outcome if finite else NotFiniteError(NOT_FINITE)

    def _split(
        self, runs: Sequence[Run], calls: Sequence[ParkedCall], error: Exception
    ) -> Iterator[tuple[Run, Any]]:
        short = lacks_memory(error)
        if len(runs) == 1:
            yield runs[0], OutOfMemoryError(NO_MEMORY) if short else error
            return
        if short and calls[0].key in self._profiles:
            self._profiles[calls[0].key].shrink(sum(call.rows for call in calls))
        half = len(runs) // 2
        yield from self._forward(runs[:half])
        yield from self._forward(runs[half:])

    def _account(self, runs: Sequence[Run], calls: Sequence[ParkedCall], seconds: float) -> None:
        rows = sum(call.rows for call in calls)
        self._counts["forwards"] += 1
        self._counts["rows"] += rows
        self._seconds += seconds
        if profile := self._profiles.get(calls[0].key):
            profile.grow()
        if calls[0].network.denoiser:
            self._pace.observe(seconds, len(calls))
        present = {run.ticket.tenant for run in self._runs.values()}
        for run in runs:
            self.policy.charge(run, seconds * run.rows / rows, present=present)

    def _collect(self) -> Iterator[Event]:
        """Hand over the runs' events, and let go of runs that are over."""
        for run in [run for run in self._runs.values() if run.started]:
            yield from run.take_events()
            if not run.over:
                continue
            del self._runs[run.request.id]
            self._counts["failed" if run.error else "finished"] += 1
            yield self._ending(run)
        self._let_adapters_go()

    def _ending(self, run: Run) -> Event:
        if run.pixels:
            return Finished(run.request.id, run.pixels, run.seconds)
        error = run.error or GenerationError("The pipeline returned no picture.")
        log.warning("Request %s failed: %s", run.request.id, error, exc_info=error.__cause__)
        return Failed(run.request.id, error.kind, error.message, error.param)

    def _eta(self, run: Run) -> float:
        ahead = [r for r in self._runs.values() if r.ticket.deadline <= run.ticket.deadline]
        return self._pace.predict(run.remaining, sum(r.remaining for r in ahead))


def lacks_memory(error: Exception) -> bool:
    """Whether a forward failed for want of memory; on a CPU that is a plain RuntimeError."""
    words = ("can't allocate memory", "not enough memory", "out of memory")
    return isinstance(error, RuntimeError) and any(word in str(error) for word in words)
