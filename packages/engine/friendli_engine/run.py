"""One request on its way: the stock pipeline's call in a greenlet, with everything it may change.

A run owns a private view of the pipeline (weights shared), a private copy of the noise solver and a
private ambient random state, so that no run can see another. It knows nothing of batching: it stops
at each shared network with a parked call and goes on when it is given the outcome.
"""

from __future__ import annotations

import copy
import inspect
import time
from collections.abc import Callable, Hashable
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import torch
from greenlet import GreenletExit, getcurrent, greenlet

from .adapters import Adapter
from .caches import StepCache
from .errors import EngineError, GenerationError, NotFiniteError
from .line import Ticket
from .memory import Footprint, held
from .model import Shape
from .network import ParkedCall, parking
from .pace import Promise, Spent
from .request import Event, ImageRequest, Pixels, Preview, Progress

Image = np.ndarray[Any, np.dtype[np.float32]]


@cache
def _view_class(cls: type) -> type:
    """`cls` without what only makes sense for a pipeline that owns its models.

    Stock, the execution device is found by a walk over every module, and the end of every call
    resets the hooks of models that other requests are using.
    """
    overrides = {
        "_execution_device": property(lambda view: view.__dict__["_device"]),
        "maybe_free_model_hooks": lambda _: None,
    }
    return type(f"Shared{cls.__name__}", (cls,), overrides)


def view_of(pipeline: Any, device: torch.device) -> Any:
    """A shallow copy of `pipeline`: the same weights, its own scheduler, quiet."""
    view = copy.copy(pipeline)
    view.__class__ = _view_class(type(pipeline))  # type: ignore[arg-type]  # classes are hashable
    private = {"_device": device, "scheduler": copy.deepcopy(pipeline.scheduler)}
    # Past the pipeline's own __setattr__, which would change the configuration all views share.
    view.__dict__ |= private | {"_progress_bar_config": {"disable": True}}
    return view


Prepare = Callable[[], tuple[Any, dict[str, Any]]]
"""Answers a private view of a pipeline and the arguments to call it with."""

Draw = Callable[[Any, torch.Tensor], Pixels | None]
"""Answers a small picture of a view's current latents."""


class Run:
    """The pipeline call of one request.

    `parked` is the network call it waits for; None before the first and when it is over. At the end
    `pixels` or `error` is set.
    """

    def __init__(
        self,
        request: ImageRequest,
        ticket: Ticket,
        prepare: Prepare,
        *,
        shape: Shape,
        footprint: Footprint,
        preview: Draw | None = None,
    ) -> None:
        self.request, self.ticket, self.shape = request, ticket, shape
        self.footprint, self.spent, self.promise = footprint, Spent(), Promise()
        self.step = 0
        self.adapter: Adapter | None = None
        self._steps = StepCache(request.step_cache) if request.step_cache else None
        self.parked: ParkedCall | None = None
        self.pixels: Pixels | None = None
        self.error: EngineError | None = None
        self._view: Any = None
        self._events: list[Event] = []
        self._prepare, self._preview = prepare, preview
        self._submitted, self._began = time.perf_counter(), 0.0
        self._ambient = torch.Generator().manual_seed(request.seed).get_state()
        self._greenlet = greenlet(self._body)
        self._hub = getcurrent()

    @property
    def over(self) -> bool:
        """Whether there is nothing left to do."""
        return bool(self._greenlet.dead)

    @property
    def seconds(self) -> float:
        """Time since admission."""
        return time.perf_counter() - self._began

    @property
    def waited(self) -> float:
        """Time since submission."""
        return time.perf_counter() - self._submitted

    @property
    def key(self) -> Hashable:
        """Of the parked call."""
        return self.parked and self.parked.key

    @property
    def rows(self) -> int:
        """Of the parked call."""
        return self.parked.rows if self.parked else 0

    @property
    def stepping(self) -> bool:
        """Whether the parked call is part of a denoiser step."""
        return bool(self.parked and self.parked.network.stepping)

    @property
    def remaining(self) -> int:
        """Denoiser steps still to do, as far as the request's number of steps tells."""
        return max(self.request.steps - self.step, 0)

    def resume(self, outcome: Any = None) -> None:
        """Go on with the outcome of the parked call until the next one, or until the end."""
        self._began = self._began or time.perf_counter()
        self.parked = None
        self._switch(self._greenlet.switch, outcome)

    def cancel(self) -> None:
        """Unwind the pipeline's call at the place where it is parked."""
        self.parked = None
        self._switch(self._greenlet.throw, GreenletExit)

    def weigh(self, device: torch.device) -> None:
        """Note what the parked pipeline keeps alive, until a whole request of its shape was."""
        if not self.footprint.settled and self._view is not None:
            state = [vars(self._view.scheduler), self.parked and dict(self.parked.arguments)]
            taken = held(self._greenlet.gr_frame, device, state)
            self.footprint.held = max(self.footprint.held, taken)

    def take_events(self) -> list[Event]:
        """What happened since the last call."""
        events, self._events = self._events, []
        return events

    def _switch(self, into: Callable[[Any], Any], value: Any) -> None:
        """Switch with the request's own ambient random state: some pipelines draw from it."""
        self._hub = self._greenlet.parent = getcurrent()
        outer = torch.get_rng_state()
        torch.set_rng_state(self._ambient)
        try:
            into(value)
        finally:
            self._ambient = torch.get_rng_state()
            torch.set_rng_state(outer)

    @property
    def skipped(self) -> int:
        """Denoiser steps that the step cache made unnecessary."""
        return self._steps.skipped if self._steps else 0

    def _park(self, call: ParkedCall) -> Any:
        cache = self._steps if call.network.denoiser else None
        known = cache and cache.recall(call, step=self.step, last=self.remaining < 2)
        if known is not None:
            return known
        self.parked = replace(call, adapter=self.adapter.name if self.adapter else None)
        outcome = self._hub.switch()
        if isinstance(outcome, Exception):
            raise outcome
        if cache:
            cache.keep(outcome)
        return outcome

    def _body(self, _: Any) -> None:
        parking.set(self._park)
        try:
            view, arguments = self._prepare()
            self._view = view
            images = view(**arguments, **self._callback(view)).images
            self.pixels = to_pixels(images[0])
        except EngineError as error:
            self.error = error
        except Exception as error:
            message = "The pipeline failed on this request."
            self.error = GenerationError(message)
            self.error.__cause__ = error

    def _callback(self, view: Any) -> dict[str, Any]:
        """The pipeline's own hook for progress, by whichever name it has."""
        accepted = inspect.signature(view.__call__).parameters
        if "callback_on_step_end" in accepted:
            return {"callback_on_step_end": self._on_step_end}
        return {"callback": lambda step, *_: self._advance(step)} if "callback" in accepted else {}

    def _on_step_end(self, view: Any, step: int, _: Any, tensors: dict[str, Any]) -> dict[str, Any]:
        self._advance(step)
        every = self.request.preview_every
        due = every and self.step % every == 0 and self.remaining
        if due and self._preview and (pixels := self._preview(view, tensors["latents"])):
            self._events.append(Preview(self.request.id, self.step, pixels))
        return tensors

    def _advance(self, step: int) -> None:
        self.step = step + 1
        self._events.append(Progress(self.request.id, self.step, self.request.steps))


def to_pixels(image: Image) -> Pixels:
    """`image` (height, width, 3) in 0..1 as bytes, rounded as diffusers rounds.

    Raises:
        NotFiniteError: the image holds NaN or infinity.
    """
    if not np.isfinite(image).all():
        raise NotFiniteError("The decoder produced values that are not numbers.")
    height, width, _ = image.shape
    return Pixels(width, height, (image * 255).round().astype(np.uint8).tobytes())
