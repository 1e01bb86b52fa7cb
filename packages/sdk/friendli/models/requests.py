"""A body and its team as one object, for code that names them. Nothing here sends."""

from __future__ import annotations

from friendli_wire import DedicatedImageEditBody, DedicatedImageGenerationBody
from friendli_wire.endpoints import DedicatedEndpointCreateBody, DedicatedEndpointUpdateBody
from pydantic import BaseModel, ConfigDict, Field


class _TeamRequest(BaseModel):
    model_config = ConfigDict(populate_by_name=True)

    x_friendli_team: str | None = Field(
        default=None, validation_alias="X-Friendli-Team", serialization_alias="X-Friendli-Team"
    )


class DedicatedImagesGenerateRequest(_TeamRequest):
    """Body and team of `dedicated.image.generate`."""

    dedicated_image_generation_body: DedicatedImageGenerationBody


class DedicatedImagesEditRequest(_TeamRequest):
    """Body and team of `dedicated.image.edit`."""

    dedicated_image_edit_body: DedicatedImageEditBody


class DedicatedCreateEndpointRequest(_TeamRequest):
    """Body and team of `dedicated.endpoint.create`."""

    dedicated_endpoint_create_body: DedicatedEndpointCreateBody


class DedicatedListEndpointsRequest(_TeamRequest):
    """Query and team of `dedicated.endpoint.list`."""

    project_id: str | None = None
    cursor: bytes | None = None
    limit: int | None = None


class _EndpointRequest(_TeamRequest):
    endpoint_id: str


class DedicatedUpdateEndpointRequest(_EndpointRequest):
    """Endpoint, body and team of `dedicated.endpoint.update`."""

    dedicated_endpoint_update_body: DedicatedEndpointUpdateBody


class DedicatedGetEndpointVersionHistoryRequest(_EndpointRequest):
    """Endpoint, query and team of `dedicated.endpoint.get_version_history`."""

    cursor: bytes | None = None
    limit: int | None = None


class DedicatedDeleteEndpointRequest(_EndpointRequest):
    """Endpoint and team of `dedicated.endpoint.delete`."""


class DedicatedGetEndpointRequest(_EndpointRequest):
    """Endpoint and team of `dedicated.endpoint.get_spec`."""


class DedicatedGetEndpointStatusRequest(_EndpointRequest):
    """Endpoint and team of `dedicated.endpoint.get_status`."""


class DedicatedSleepEndpointRequest(_EndpointRequest):
    """Endpoint and team of `dedicated.endpoint.sleep`."""


class DedicatedWakeEndpointRequest(_EndpointRequest):
    """Endpoint and team of `dedicated.endpoint.wake`."""


class DedicatedTerminateEndpointRequest(_EndpointRequest):
    """Endpoint and team of `dedicated.endpoint.terminate`."""


class DedicatedRestartEndpointRequest(_EndpointRequest):
    """Endpoint and team of `dedicated.endpoint.restart`."""
