"""Step-level continuous batching of stock diffusers pipelines.

Every request is a `Run`: the unmodified pipeline in a greenlet, stopping at each call of a shared
network. The engine gathers stopped calls that can share a forward, runs one, and lets each request
go on with its own rows. It knows no model family, no files, no processes and no HTTP. It is
synchronous and belongs to the thread that steps it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import Any, Self

import msgspec
import torch

from .adapters import BUDGET, Adapter, Adapters
from .aside import Aside
from .caches import PROMPT_MEMORY, PromptCache
from .capability import check
from .crowd import Crowd
from .errors import GenerationError, InvalidRequestError, QueueFullError, TooLargeError
from .forward import Forwards
from .knee import Limits
from .memory import Memory
from .model import Model
from .pace import Pace
from .park import park_networks
from .policy import Policy
from .preview import Preview
from .profiles import Profiles
from .protocol import Knee, Stats
from .request import Event, Failed, Finished, ImageRequest, ModelInfo, Progress, Queued
from .run import Draw, Run, view_of

log = logging.getLogger(__name__)


class Engine:
    """Pictures from one model for many requests at once.

    Args:
        model: what `friendli_engine.load` returned. Its networks park requests until `close`.
        max_active: the most requests that hold memory at once; others wait.
        max_rows: the most rows in one forward.
        gain: see `knee.Limits`.
        deterministic: share forwards only where a row's bits do not depend on the others.
            None: on a CPU.
        adapter_memory: the most bytes of LoRA weights in memory; others are read when asked for.
        prompt_memory: the most bytes of prompt embeddings kept for requests to come.
        memory: the most bytes that requests may take; others wait. None: most of what is free.
        max_wait: the most seconds that a request may have to wait for its picture behind others.
        profiles: a directory that keeps measured knees for the next start; None keeps none.
        aside: whether one picture is decoded in a second thread, beside the steps of others.
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
        adapter_memory: int = BUDGET,
        prompt_memory: int = PROMPT_MEMORY,
        memory: int | None = None,
        max_wait: float | None = None,
        profiles: Path | None = None,
        aside: bool = False,
        policy: Policy | None = None,
    ) -> None:
        exact = model.device.type == "cpu" if deterministic is None else deterministic
        self.model, self.max_active, self.policy = model, max_active, policy or Policy()
        limits = Limits(max_rows=max_rows, gain=gain, tolerance=0.0 if exact else 0.02)
        self.max_wait, self.memory = max_wait, Memory(model.device, memory)
        self._networks = park_networks(model)
        self._adapters = Adapters(model, self._networks, budget=adapter_memory)
        self._prompts = PromptCache(prompt_memory)
        self._preview: Preview | None = None
        self._crowd = Crowd()
        self._pace = Pace()
        self._profiles = Profiles(limits, model.device, profiles)
        self._forwards = Forwards(self._profiles, model.device, self._charge)
        self._aside = Aside(self._forwards, on=aside)
        self._counts = dict.fromkeys(("finished", "failed", "cancelled"), 0)

    @property
    def info(self) -> ModelInfo:
        """What the model can do, with the adapters of this moment."""
        return msgspec.structs.replace(self.model.info, adapters=self._adapters.routes)

    @property
    def busy(self) -> bool:
        """Whether a step would do anything."""
        return bool(self._crowd.all)

    def submit(self, request: ImageRequest) -> Queued:
        """Take a request; answer its place in the queue and when it should be done.

        Raises:
            InvalidRequestError: the model cannot run it; `param` names the field at fault.
            TooLargeError: it needs more memory than all requests together may take.
            QueueFullError: it would have to wait for longer than `max_wait`.
        """
        check(request, self.info)
        if request.id in self._crowd.all:
            raise InvalidRequestError("A request with this id is running.", param="id")
        run = self._run(request)
        run.promise = self._pace.promise(run, [*self._crowd.before([run]), run])
        if self.busy and self.max_wait is not None and run.promise.eta > self.max_wait:
            raise QueueFullError("It would take too long until this request is done.")
        self._crowd.enter(run)
        position = list(self.policy.in_turn(self._crowd.waiting.queues)).index(run)
        return Queued(request.id, position, run.promise.eta)

    def _run(self, request: ImageRequest) -> Run:
        shape = self.model.shape_of(request)
        if not self.memory.fits([shape]):
            message = "A picture of this size needs more memory than there is."
            raise TooLargeError(message, param="width")
        work = self._pace.work(shape, request.steps)
        adapter = self._adapters.find(request.adapter)
        run = Run(
            request,
            self.policy.ticket(request, now=time.monotonic(), work=work),
            partial(self._prepare, request, adapter),
            shape=shape,
            footprint=self.memory.footprint(shape),
            preview=self._preview_for(request),
        )
        run.adapter = adapter
        return run

    @torch.inference_mode()
    def cancel(self, request_id: str) -> None:
        """Drop a request wherever it is; unknown ids are ignored, since it may just have ended."""
        if run := self._crowd.all.get(request_id):
            run.cancel()
            self._counts["cancelled"] += 1
            self._drop(run)

    @torch.inference_mode()
    def step(self) -> list[Event]:
        """Advance by one forward and tell what happened: admit → pick → run → resume."""
        for run in self._admitted():
            self._crowd.start(run)
            run.resume()
        parked = [run for run in self._crowd.running if run.parked]
        here = self._aside.take(parked, self.policy.order)
        picked = self.policy.pick(here, self._forwards.sizes)
        beside = self._aside.ended(idle=not picked)
        for run, outcome in chain(self._forwards.run(picked), beside):
            if run.parked:  # it may have been cancelled meanwhile
                run.resume(outcome)
        return list(self._collect())

    def load_adapter(self, route: str, source: str | Path, *, replace: bool = False) -> None:
        """Make a LoRA file, "path" or "path@scale", known to requests as `route`: `Adapters.load`.

        Raises:
            AdapterRefusedError: the file is malformed, hostile or unfitting, or the route taken.
        """
        self._adapters.load(
            route, str(source), replace=replace, used=self._crowd.worn(started=True)
        )

    def unload_adapter(self, route: str) -> None:
        """Offer `route` no longer; its weights go when the last request that asked for it is over.

        Raises:
            UnknownAdapterError: there is no such route.
        """
        self._adapters.unload(route, used=self._crowd.worn())

    def _drop(self, run: Run) -> None:
        self._crowd.leave(run)
        if run.adapter:
            self._adapters.settle(self._crowd.worn())

    def generate(self, requests: Iterable[ImageRequest]) -> Iterator[Event]:
        """Run `requests` together; yield every event until the last of them has ended."""
        for request in requests:
            yield self.submit(request)
        while self.busy:
            yield from self.step()

    def stats(self) -> Stats:
        """Counters since the start, and gauges of this moment."""
        active, forwards = len(self._crowd.started), self._forwards
        denoisers = [profile for profile in self._profiles.all() if profile.denoiser]
        return Stats(
            queued=len(self._crowd.waiting),
            active=active,
            forwards=forwards.count,
            rows=forwards.rows,
            seconds=forwards.seconds,
            step_seconds=self._pace.latest.step,
            eta_error=self._pace.error,
            memory_taken=self.memory.taken(run.shape for run in self._crowd.started.values()),
            memory_budget=self.memory.budget,
            knees=tuple(Knee(p.network, p.shape, p.knee, p.seconds[p.knee]) for p in denoisers),
            **self._counts,
            **self._adapters.counts(),
            **self._prompts.counts(),
        )

    def close(self) -> None:
        """Drop all requests and give the model's networks their own methods back."""
        for request_id in list(self._crowd.all):
            self.cancel(request_id)
        self._aside.close()
        for network in self._networks:
            network.release()
        self._networks = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _prepare(self, request: ImageRequest, worn: Adapter | None) -> tuple[Any, dict[str, Any]]:
        if worn:
            self._adapters.attach(worn, used=self._crowd.worn(started=True))
        view = view_of(self.model.pipeline_for(request), self.model.device)
        self._prompts.attend(view, worn.name if worn and worn.changes_text else None)
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

    def _admitted(self) -> list[Run]:
        """Requests that start now: the most urgent ones, while there is room."""
        crowd, room = self._crowd, self.max_active - len(self._crowd.started)
        if room <= 0 or not crowd.waiting.queues:
            return []
        waiting: Iterable[Run] = self.policy.startable(crowd.waiting, crowd.started.values())
        waiting = self._adapters.startable(waiting, crowd.worn(started=True))
        return list(islice(self.memory.startable(waiting, crowd.started.values()), room))

    def _charge(self, run: Run, seconds: float) -> None:
        self.policy.charge(run, seconds, present=self._crowd.tenants)

    def _collect(self) -> Iterator[Event]:
        """Hand over the runs' events, and let go of runs that are over."""
        running = self._crowd.running
        for run in running:
            run.weigh(self.model.device)
        yield from self._told({run: run.take_events() for run in running})
        for run in [run for run in running if run.over]:
            self._drop(run)
            self._counts["failed" if run.error else "finished"] += 1
            yield self._ending(run)

    def _told(self, events: dict[Run, list[Event]]) -> Iterator[Event]:
        """The events, progress with the seconds that are predicted to remain."""
        moved = [run for run, told in events.items() if any(isinstance(e, Progress) for e in told)]
        for run in moved:
            self._pace.stepped(run)
        left = dict(zip(moved, self._pace.forecast(self._crowd.before(moved), moved), strict=True))
        for run, told in events.items():
            for event in told:
                is_progress = isinstance(event, Progress)
                yield msgspec.structs.replace(event, eta=left[run]) if is_progress else event

    def _ending(self, run: Run) -> Event:
        if run.pixels:
            run.footprint.settled = True
            self._pace.ended(run, run.waited)
            return Finished(run.request.id, run.pixels, run.seconds, run.skipped)
        error = run.error or GenerationError("The pipeline returned no picture.")
        log.warning("Request %s failed: %s", run.request.id, error, exc_info=error.__cause__)
        return Failed(run.request.id, error.kind, error.message, error.param)
