"""`GET /v1/models`: OpenAI's list, each model with what it can do and how it likes to be asked.

User interfaces build their forms from it. Knows nothing about requests.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from friendli_engine.request import ModelInfo
from pydantic import BaseModel

from friendli_server.settings import ContainerSettings


class Defaults(BaseModel):
    """The model's own: what it was made for, and what OpenAI's clients get unless they say."""

    num_inference_steps: int
    guidance_scale: float
    size: str


class ModelCard(BaseModel):
    """One name that requests may give as `model`."""

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str = "friendli"
    parent: str | None
    """The model that an adapter belongs to."""
    defaults: Defaults
    generates: bool
    """Makes pictures from text alone."""
    edits: bool
    """Takes pictures at `/v1/images/edits`."""
    max_images: int
    """The most pictures of one edit."""
    inpaints: bool
    """Takes a `mask` beside one picture."""
    controls: Sequence[str]
    """ControlNets by name, in the order of `control_images`."""
    size_multiple: int
    """Sides of pictures are multiples of this many pixels."""
    max_pixels: int
    """The most pixels of a picture; 0 is no limit."""


class ModelList(BaseModel):
    """The base model first, then its adapters."""

    object: Literal["list"] = "list"
    data: list[ModelCard]


def listed(info: ModelInfo, settings: ContainerSettings, *, created: int) -> ModelList:
    """Every model that `info` stands for, as of the second `created`."""
    width, height = settings.sides or (info.width, info.height)
    defaults = Defaults(
        num_inference_steps=info.steps, guidance_scale=info.guidance, size=f"{width}x{height}"
    )
    cards = [
        ModelCard(
            id=name,
            created=created,
            parent=None if name == info.id else info.id,
            defaults=defaults,
            generates=info.generates,
            edits=info.edits,
            max_images=info.max_images if info.edits else int(info.inpaints),
            inpaints=info.inpaints,
            controls=info.controlnets,
            size_multiple=info.multiple,
            max_pixels=info.max_pixels,
        )
        for name in (info.id, *info.adapters)
    ]
    return ModelList(data=cards)
