"""A body and its team as one object, for code that names them. Nothing here sends."""

from __future__ import annotations

from friendli_wire import DedicatedImageEditBody, DedicatedImageGenerationBody
from pydantic import BaseModel, ConfigDict, Field


class _TeamRequest(BaseModel):
    model_config = ConfigDict(populate_by_name=True)

    x_friendli_team: str | None = Field(None, alias="X-Friendli-Team")


class DedicatedImagesGenerateRequest(_TeamRequest):
    """Body and team of `dedicated.image.generate`."""

    dedicated_image_generation_body: DedicatedImageGenerationBody


class DedicatedImagesEditRequest(_TeamRequest):
    """Body and team of `dedicated.image.edit`."""

    dedicated_image_edit_body: DedicatedImageEditBody
