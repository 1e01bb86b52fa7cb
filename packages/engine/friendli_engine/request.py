"""What a request asks for, what the engine answers, and what a loaded model can do.

Frozen records that cross the process boundary between `EngineClient` and the worker. They know
nothing about HTTP, JSON or torch: pictures are plain bytes, errors are kinds and fixed texts.
"""

from __future__ import annotations

import msgspec


class Pixels(msgspec.Struct, frozen=True):
    """A picture: row-major 8-bit RGB, `len(data) == width * height * 3`."""

    width: int
    height: int
    data: bytes


class ImageRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for. Ranges are the caller's to check; capabilities are checked at submit."""

    id: str
    prompt: str
    seed: int
    """Any 64-bit integer, -2**63 .. 2**64-1. Same request and seed give the same bytes on a CPU."""
    steps: int = 20
    guidance: float | None = None
    """None: the model's own default. 0: no classifier-free guidance (embedded: the default)."""
    adapter: str | None = None
    """Route of a LoRA adapter; None is the base model."""
    images: tuple[Pixels, ...] = ()
    """Pictures to edit; empty for text to picture."""
    mask: Pixels | None = None
    """White where the one picture in `images` is painted anew, black where it stays."""
    control_images: tuple[Pixels, ...] = ()
    """The i-th conditions the i-th ControlNet."""
    control_weights: tuple[float, ...] = ()
    """One weight in [0, 1] for each control image; empty means 1.0 for all."""
    width: int | None = None
    height: int | None = None
    preview_every: int = 0
    """Send a preview every so many steps; 0 sends none."""
    tenant: str = ""
    """Whose request this is; tenants share the engine fairly."""
    step_cache: float = 0.0
    """Skip denoiser steps whose input moved by less than this since the last that ran: 0 skips
    none, 1 is the most. It changes the picture; `Finished.skipped` says how many it were."""
    exclusive: bool = False
    """Run it from beginning to end while nothing else runs, once its turn has come. For pipelines
    that change their shared networks between calls."""


class Queued(msgspec.Struct, frozen=True, tag="queued"):
    """The request waits; `position` others are ahead of it and `eta` seconds are predicted."""

    id: str
    position: int
    eta: float


class Progress(msgspec.Struct, frozen=True, tag="progress"):
    """`step` of `steps` denoiser steps are done; `eta` seconds are predicted to remain."""

    id: str
    step: int
    steps: int
    eta: float | None = None


class Preview(msgspec.Struct, frozen=True, tag="preview"):
    """A cheap picture of the current latents after `step`."""

    id: str
    step: int
    pixels: Pixels


class Finished(msgspec.Struct, frozen=True, tag="finished"):
    """The picture. `seconds` is engine time from admission to the last pixel."""

    id: str
    pixels: Pixels
    seconds: float
    skipped: int = 0
    """Denoiser steps that `step_cache` made unnecessary."""


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """The request ended without a picture.

    `kind` names a class of `friendli_engine.errors`; `param` the request field at fault, if one is.
    """

    id: str
    kind: str
    message: str
    param: str | None = None


Event = Queued | Progress | Preview | Finished | Failed


class ModelInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What a loaded model can do and how it likes to be asked."""

    id: str
    family: str
    width: int
    height: int
    steps: int
    guidance: float
    adapters: tuple[str, ...] = ()
    controlnets: tuple[str, ...] = ()
    edits: bool = False
    max_images: int = 8
    """The most pictures that one edit works from."""
    inpaints: bool = False
    """Whether it paints into masks."""
    generates: bool = True
    """Whether it makes pictures from text alone; some models only edit."""
    device: str = "cpu"
    dtype: str = "float32"
    multiple: int = 8
    """Sides of generated pictures are multiples of this many pixels."""
    max_pixels: int = 0
    """The most pixels a picture may have; 0 is no limit."""
