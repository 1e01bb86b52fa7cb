"""Pictures on their way in, and the texts that several bodies share. Knows no endpoint."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field, GetJsonSchemaHandler, WithJsonSchema
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

Base64 = Annotated[bytes, WithJsonSchema({"type": "string", "format": "binary"})]
"""Base64 text held as bytes, so that a large picture is not copied into a `str`."""

GUIDANCE = (
    "Adjusts the alignment of the generated image with the input prompt. Higher values "
    "(e.g., 8-10) make the output more faithful to the prompt, while lower values (e.g., 1-5) "
    "encourage more creative freedom.{default} This parameter may be irrelevant for "
    "certain models, such as `FLUX.Schnell`."
)
STEPS = (
    "The number of inference steps to use during image generation. Defaults to 20. "
    "Supported range: [1, 50]."
)
SEED = "The seed to use for image generation."
CONTROL_IMAGES = (
    "Optional input images used to condition or guide the generation process (e.g., for "
    "ControlNet or image editing models). This field is only applicable when using ControlNet or "
    "image editing models."
)
CONTROLNET_WEIGHTS = (
    "A list of weights that determine the influence of each ControlNet model in the generation "
    "process. Each value must be within [0, 1], where 0 disables the corresponding ControlNet and "
    "1 applies it fully. When multiple ControlNet models are used, the list length must match the "
    "number of control images. If omitted, all ControlNet models default to full influence (1.0). "
    "This field is only applicable when using ControlNet models."
)
MASK = (
    "Where to paint: as large as the image, and transparent there, or white if it is opaque "
    "everywhere."
)
IMAGE = "The image(s) to edit. Must be in a supported image format."


class WireModel(BaseModel):
    """A model whose docstring speaks to readers of the code and stays out of the public schema."""

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler, /
    ) -> JsonSchemaValue:
        """Drop the description that pydantic takes from the docstring."""
        schema = handler(core_schema)
        for described in (schema, handler.resolve_ref_schema(schema)):
            described.pop("description", None)
        return schema


class ImageInput(WireModel):
    """A picture as a URL, a data URI or bare base64; at most 50 MiB."""

    image: str = Field(
        description=(
            "An input image, provided either as a URL or a base64-encoded string. "
            "Maximum supported image size is 50 MiB."
        ),
        examples=[
            "https://huggingface.co/datasets/huggingface/documentation-images/resolve/main/diffusers/cat.png",
            "data:image/png;base64,...",
        ],
    )
