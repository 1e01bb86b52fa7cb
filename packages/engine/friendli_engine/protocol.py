"""What travels between `EngineClient` and the worker: msgpack over one socket. Knows no sockets."""

from __future__ import annotations

import msgspec

from .request import Event, ImageRequest, ModelInfo


class Configuration(msgspec.Struct, frozen=True, kw_only=True):
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
    restarts: int = 0


class Submit(msgspec.Struct, frozen=True, tag="submit"):
    """Run this request."""

    request: ImageRequest


class Cancel(msgspec.Struct, frozen=True, tag="cancel"):
    """Drop the request; nothing is answered."""

    id: str


class Stop(msgspec.Struct, frozen=True, tag="stop"):
    """Leave after the current forward."""


class Loading(msgspec.Struct, frozen=True, tag="loading"):
    """`what` is being loaded."""

    what: str


class Ready(msgspec.Struct, frozen=True, tag="ready"):
    """The model is loaded."""

    info: ModelInfo


class Refused(msgspec.Struct, frozen=True, tag="refused"):
    """The model could not be loaded; the worker leaves."""

    kind: str
    message: str


class Beat(msgspec.Struct, frozen=True, tag="beat"):
    """The worker's loop is alive."""

    stats: Stats


Command = Configuration | Submit | Cancel | Stop
Report = Loading | Ready | Refused | Beat | Event

encode = msgspec.msgpack.Encoder().encode
decode_command = msgspec.msgpack.Decoder(Submit | Cancel | Stop).decode
decode_configuration = msgspec.msgpack.Decoder(Configuration).decode
decode_report: msgspec.msgpack.Decoder[Report] = msgspec.msgpack.Decoder(Report)
