"""What travels between `EngineClient` and the worker: msgpack over one socket. Knows no sockets."""

from __future__ import annotations

from typing import Literal

import msgspec

from .request import Event, ImageRequest, ModelInfo

Phase = Literal["fetching", "loading", "adapters"]


class Configuration(msgspec.Struct, frozen=True, kw_only=True, tag="configuration"):
    """How to load the model and how to run it; None leaves the choice to the engine."""

    model: str
    device: str = "auto"
    dtype: str = "auto"
    adapters: dict[str, str] = {}
    controlnets: dict[str, str] = {}
    threads: int | None = None
    max_rows: int = 16
    max_active: int = 64
    deterministic: bool | None = None
    adapter_memory: int | None = None
    memory: int | None = None
    max_wait: float | None = None
    profiles: str | None = None
    insist: bool = True
    """Whether an adapter that is refused ends the worker, or is left out with a word in the log."""


class Knee(msgspec.Struct, frozen=True):
    """How many rows a forward of one network and shape holds."""

    network: str
    """Its class."""
    shape: str
    """Of a row of its first argument, like "64x16"."""
    rows: int
    seconds: float
    """Duration of a forward with so many rows, as measured."""


class Stats(msgspec.Struct, frozen=True, kw_only=True):
    """Counters since the worker started, and gauges of this moment."""

    queued: int = 0
    active: int = 0
    finished: int = 0
    failed: int = 0
    cancelled: int = 0
    forwards: int = 0
    rows: int = 0
    seconds: float = 0.0
    """Time in forwards. `rows / forwards` is how well they are shared."""
    step_seconds: float = 0.0
    """Moving average of the time that forwards take for one denoiser step."""
    eta_error: float | None = None
    """Median of |predicted - actual| / actual over the last pictures; predicted at submission."""
    memory_taken: int = 0
    """Bytes that the active requests hold, with their largest forward, as measured."""
    memory_budget: int = 0
    """Bytes that they may take."""
    knees: tuple[Knee, ...] = ()
    """Of the denoisers, for the shapes met so far."""
    adapter_bytes: int = 0
    """Of the LoRA weights in memory."""
    adapter_loads: int = 0
    """How often weights were brought into memory."""
    adapter_evictions: int = 0
    """How often weights had to leave it for others."""
    prompt_hits: int = 0
    """Prompts that had been read before."""
    prompt_misses: int = 0
    prompt_bytes: int = 0
    """Of the prompt embeddings that are kept."""
    restarts: int = 0


class Submit(msgspec.Struct, frozen=True, tag="submit"):
    """Run this request."""

    request: ImageRequest


class Cancel(msgspec.Struct, frozen=True, tag="cancel"):
    """Drop the request; nothing is answered."""

    id: str


class LoadAdapter(msgspec.Struct, frozen=True, tag="load_adapter"):
    """Make the file at `source`, "path@scale", known as `route`. Answered with the `ticket`."""

    ticket: int
    route: str
    source: str
    replace: bool = False
    """Whether the route may be taken."""


class UnloadAdapter(msgspec.Struct, frozen=True, tag="unload_adapter"):
    """Offer `route` no longer. Answered with the `ticket`."""

    ticket: int
    route: str


class Stop(msgspec.Struct, frozen=True, tag="stop"):
    """Leave after the current forward."""


class Loading(msgspec.Struct, frozen=True, tag="loading"):
    """The worker is about to be ready: `what` is being fetched or loaded."""

    phase: Phase
    what: str
    """A file, a part of the model, or an adapter's route."""
    fraction: float
    """How much of the phase is done, 0 to 1; by bytes where they are known."""


class Ready(msgspec.Struct, frozen=True, tag="ready"):
    """The model is loaded."""

    info: ModelInfo


class Refused(msgspec.Struct, frozen=True, tag="refused"):
    """The model could not be loaded; the worker leaves."""

    kind: str
    message: str


class Changed(msgspec.Struct, frozen=True, tag="changed"):
    """`route` is served from `source` now, or no longer (None)."""

    ticket: int
    info: ModelInfo
    route: str
    source: str | None


class Declined(msgspec.Struct, frozen=True, tag="declined"):
    """What was asked with this ticket could not be done."""

    ticket: int
    kind: str
    message: str
    param: str | None


class Beat(msgspec.Struct, frozen=True, tag="beat"):
    """The worker's loop is alive."""

    stats: Stats


Errand = LoadAdapter | UnloadAdapter
Command = Configuration | Submit | Cancel | Errand | Stop
Report = Loading | Ready | Refused | Changed | Declined | Beat | Event

encode = msgspec.msgpack.Encoder().encode
decode_command = msgspec.msgpack.Decoder(Submit | Cancel | Errand | Stop).decode
decode_configuration = msgspec.msgpack.Decoder(Configuration | Stop).decode
decode_report: msgspec.msgpack.Decoder[Report] = msgspec.msgpack.Decoder(Report)
