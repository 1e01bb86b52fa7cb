"""Hugging Face's `text-to-image` task in terms of ours: the body it sends, the file it wants.

Knows nothing about how pictures are made.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from friendli_server import images
from friendli_server.container.params import refuse


class HuggingFaceParameters(BaseModel):
    """The part of `text-to-image` parameters that we know; each may be null."""

    num_inference_steps: int | None = None
    guidance_scale: float | None = None
    seed: int | None = None
    width: int | None = None
    height: int | None = None


class HuggingFaceBody(BaseModel):
    """Body of the Inference API's `text-to-image` task."""

    inputs: str
    parameters: HuggingFaceParameters = Field(default_factory=HuggingFaceParameters)


def translated(body: HuggingFaceBody) -> dict[str, Any]:
    """The body of an image generation that asks for the same.

    Raises:
        ApiError: only one side of the picture is given.
    """
    given = body.parameters.model_dump(exclude_none=True)
    width, height = given.pop("width", None), given.pop("height", None)
    if (width is None) != (height is None):
        raise refuse("parameters", "width and height come together.")
    size = f"{width}x{height}" if width is not None else None
    return {"prompt": body.inputs, "size": size, **given}


def format_of(accept: str) -> images.Format:
    """The kind of file that an Accept header names first; PNG if it names none of ours."""
    named = [name for name, media in images.MEDIA_TYPES.items() if media in accept]
    return next((name for name in named if name != "raw"), "png")
