"""Bodies and answer of a container: `/v1/images/generations` and `/v1/images/edits`.

Their JSON schemas are those of the public API, field by field. Knows no range and no default model.
"""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict, Field, RootModel
from pydantic.json_schema import SkipJsonSchema

from friendli_wire import images

ContainerResponseFormat = Literal["raw", "jpeg"]

_ROUTE = "Routes the request to a specific adapter."
_FORMAT = "The format in which the generated image will be returned. One of `raw` and `jpeg`."
_GUIDANCE = images.GUIDANCE.format(default=" Defaults to 0.")


class ContainerImageGenerationBody(images.WireModel):
    """Text, and optionally control images, to a picture."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "guidance_scale": 3.5,
                "num_inference_steps": 10,
                "prompt": (
                    "An orange Lamborghini driving down a hill road at night with a beautiful "
                    "ocean view in the background."
                ),
            }
        }
    )

    model: str | None = Field(default=None, description=_ROUTE, examples=["(adapter-route)"])
    prompt: str = Field(description="A text description of the desired image.")
    num_inference_steps: int = Field(default=20, description=images.STEPS)
    guidance_scale: float = Field(default=0, description=_GUIDANCE)
    seed: int | None = Field(default=None, description=images.SEED)
    response_format: ContainerResponseFormat | None = Field(default="jpeg", description=_FORMAT)
    control_images: list[images.ImageInput] | None = Field(
        default=None, description=images.CONTROL_IMAGES
    )
    controlnet_weights: list[float] | None = Field(
        default=None, description=images.CONTROLNET_WEIGHTS
    )


class ContainerImageEditBody(images.WireModel):
    """One or more pictures and a text to a picture.

    The mask is ours and stays out of the published schema.
    """

    image: images.ImageInput | list[images.ImageInput] = Field(description=images.IMAGE)
    prompt: str = Field(description="A text description of the desired image.")
    model: str | None = Field(default=None, description=_ROUTE, examples=["(adapter-route)"])
    num_inference_steps: int = Field(default=20, description=images.STEPS)
    guidance_scale: float = Field(default=0, description=_GUIDANCE)
    seed: int | None = Field(default=None, description=images.SEED)
    response_format: ContainerResponseFormat | None = Field(default="jpeg", description=_FORMAT)
    mask: SkipJsonSchema[images.ImageInput | None] = Field(default=None, description=images.MASK)


class ImageGenerationContainerResult(images.WireModel):
    """The picture. The keys beyond `image` are ours and stay out of the published schema."""

    image: images.Base64 = Field(description="The base64-encoded image.")
    seed: SkipJsonSchema[int | None] = None
    width: SkipJsonSchema[int | None] = None
    height: SkipJsonSchema[int | None] = None
    format: SkipJsonSchema[str | None] = None


class ContainerImageGenerateSuccess(images.WireModel, RootModel[ImageGenerationContainerResult]):
    """Answer of generate and of edit: by its public name, a reference to the result."""
