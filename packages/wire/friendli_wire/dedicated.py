"""Bodies and answers of dedicated endpoints: `/dedicated/v1/images/generations` and `…/edits`.

Knows no range, no team and no token: those travel in headers or are the gateway's to judge.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from friendli_wire import images

DedicatedResponseFormat = Literal["url", "raw", "png", "jpeg", "jpg"]

_ENDPOINT = (
    "ID of target endpoint. If you want to send request to specific adapter, use the format "
    '"YOUR_ENDPOINT_ID:YOUR_ADAPTER_ROUTE". Otherwise, you can just use "YOUR_ENDPOINT_ID" alone.'
)
_FORMAT = (
    "The format in which the generated image(s) will be returned. One of `url(default)`, `raw`, "
    "`png`, `jpeg`, and `jpg`."
)
_GUIDANCE = images.GUIDANCE.format(default="")
_PROMPT = "A text description of the desired image(s)."


class DedicatedImageGenerationBody(images.WireModel):
    """Text, and optionally control images, to pictures of an endpoint."""

    model: str = Field(description=_ENDPOINT, examples=["(endpoint-id)"])
    prompt: str = Field(description=_PROMPT)
    num_inference_steps: int = Field(default=20, description=images.STEPS)
    guidance_scale: float | None = Field(default=None, description=_GUIDANCE)
    seed: int | None = Field(default=None, description=images.SEED)
    response_format: DedicatedResponseFormat | None = Field(default="url", description=_FORMAT)
    control_images: list[images.ImageInput] | None = Field(
        default=None, description=images.CONTROL_IMAGES
    )
    controlnet_weights: list[float] | None = Field(
        default=None, description=images.CONTROLNET_WEIGHTS
    )


class DedicatedImageEditBody(images.WireModel):
    """One or more pictures and a text to pictures of an endpoint.

    The mask is ours and stays out of the published schema.
    """

    image: images.ImageInput | list[images.ImageInput] = Field(description=images.IMAGE)
    prompt: str = Field(description=_PROMPT)
    model: str = Field(description=_ENDPOINT, examples=["(endpoint-id)"])
    num_inference_steps: int = Field(default=20, description=images.STEPS)
    guidance_scale: float | None = Field(default=None, description=_GUIDANCE)
    seed: int | None = Field(default=None, description=images.SEED)
    response_format: DedicatedResponseFormat | None = Field(default="url", description=_FORMAT)
    mask: SkipJsonSchema[images.ImageInput | None] = Field(default=None, description=images.MASK)


class _Item(images.WireModel):
    seed: int = Field(description="The seed that made this image.")
    response_format: DedicatedResponseFormat = Field(description="The format of this image.")


class URLImageItem(_Item):
    """A picture to be fetched."""

    url: str = Field(description="Where to fetch the image.")
    width: int | None = None
    height: int | None = None


class B64ImageItem(_Item):
    """A picture in the answer itself."""

    b64_json: images.Base64 = Field(description="The base64-encoded image.")
    width: int | None = None
    height: int | None = None


class DedicatedImageGenerateSuccess(images.WireModel):
    """Answer of generate and of edit; items are all of one kind."""

    data: list[URLImageItem] | list[B64ImageItem]
