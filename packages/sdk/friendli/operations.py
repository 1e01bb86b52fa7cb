"""The operations of the API as data: where a call goes, what it carries and what comes back."""

from __future__ import annotations

from dataclasses import dataclass
from types import NoneType
from typing import Any, Generic, TypeVar, get_args

import friendli_wire.endpoints as endpoint_models
from friendli_wire import (
    ContainerImageEditBody,
    ContainerImageGenerationBody,
    DedicatedImageEditBody,
    DedicatedImageGenerationBody,
)
from pydantic import BaseModel, TypeAdapter
from pydantic_core import to_json

from friendli import inputs
from friendli.checks import ArgumentError, check
from friendli.results import (
    ContainerImageGenerateSuccess,
    DedicatedFinishedEvent,
    DedicatedImageGenerateSuccess,
    FinishedEvent,
)
from friendli.types import UNSET

CONTAINER = "http://localhost:8000"
DEDICATED = "https://api.friendli.ai"
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Operation(Generic[R]):
    """One operation. `path` may have `{names}`; `result` parses the answer.

    `documents_422` says that the API describes the body of a refusal for this operation,
    `finished` is the last event of its stream: the result, as an event.
    """

    id: str
    method: str
    path: str
    server: str
    result: TypeAdapter[R]
    body: type[BaseModel] = BaseModel
    documents_422: bool = False
    finished: type[BaseModel] = BaseModel

    def encode(self, fields: dict[str, Any], *, validate: bool) -> bytes:
        """The JSON of a body from arguments, in their order; what is UNSET does not travel.

        Raises:
            pydantic.ValidationError: an argument is wrong (unless `validate` is false).
        """
        try:
            given = _picture_arguments(_given(self.body, fields))
            body = self.body(**given) if validate else self.body.model_construct(**given)
            if validate:
                check(body)
        except ArgumentError as wrong:
            raise wrong.as_validation_error(self.body.__name__) from wrong.__cause__
        _set_nested_defaults(body)
        dumped = body.model_dump(mode="json", by_alias=True, exclude_unset=True, warnings=False)
        names = [self.body.model_fields[name].alias or name for name in given]
        ordered = {name: dumped[name] for name in names}
        return to_json(ordered, ensure_ascii=True, inf_nan_mode="null")


def _given(body: type[BaseModel], fields: dict[str, Any]) -> dict[str, Any]:
    """The arguments that travel: not UNSET, and null only where the wire has a null."""
    return {
        name: value
        for name, value in fields.items()
        if value is not UNSET and (value is not None or _nullable(body, name))
    }


def _set_nested_defaults(body: BaseModel) -> None:
    """Objects inside a body travel with their defaults, except where the default is null."""
    for inner in vars(body).values():
        if isinstance(inner, BaseModel):
            fields = type(inner).model_fields
            inner.model_fields_set.update(
                name for name, field in fields.items() if field.default is not None
            )


def _nullable(body: type[BaseModel], name: str) -> bool:
    return NoneType in get_args(body.model_fields[name].annotation)


def _picture_arguments(given: dict[str, Any]) -> dict[str, Any]:
    if "image" in given:
        given["image"] = inputs.one_or_many(given["image"])
    if given.get("mask") is not None:
        given["mask"] = inputs.one(given["mask"], at=("mask",))
    if "control_images" in given:
        given["control_images"] = inputs.many(given["control_images"], field="control_images")
    return given


_picture = TypeAdapter(ContainerImageGenerateSuccess)
_pictures = TypeAdapter(DedicatedImageGenerateSuccess)

CONTAINER_GENERATE = Operation(
    "containerImagesGenerate",
    "POST",
    "/v1/images/generations",
    CONTAINER,
    _picture,
    ContainerImageGenerationBody,
    finished=FinishedEvent,
)
CONTAINER_EDIT = Operation(
    "containerImagesEdit",
    "POST",
    "/v1/images/edits",
    CONTAINER,
    _picture,
    ContainerImageEditBody,
    finished=FinishedEvent,
)
DEDICATED_GENERATE = Operation(
    "dedicatedImagesGenerate",
    "POST",
    "/dedicated/v1/images/generations",
    DEDICATED,
    _pictures,
    DedicatedImageGenerationBody,
    finished=DedicatedFinishedEvent,
)
DEDICATED_EDIT = Operation(
    "dedicatedImagesEdit",
    "POST",
    "/dedicated/v1/images/edits",
    DEDICATED,
    _pictures,
    DedicatedImageEditBody,
    finished=DedicatedFinishedEvent,
)

_ENDPOINTS = "/dedicated/beta/endpoint"
_ENDPOINT = "/dedicated/beta/endpoint/{endpoint_id}"
_status = TypeAdapter(endpoint_models.DedicatedEndpointStatus)
_spec = TypeAdapter(endpoint_models.DedicatedEndpointSpec)

ENDPOINT_CREATE = Operation(
    "dedicatedCreateEndpoint",
    "POST",
    _ENDPOINTS,
    DEDICATED,
    _status,
    endpoint_models.DedicatedEndpointCreateBody,
)
ENDPOINT_LIST = Operation(
    "dedicatedListEndpoints",
    "GET",
    _ENDPOINTS,
    DEDICATED,
    TypeAdapter(endpoint_models.DedicatedEndpointListResponse),
)
ENDPOINT_SPEC = Operation("dedicatedGetEndpoint", "GET", _ENDPOINT, DEDICATED, _spec)
ENDPOINT_UPDATE = Operation(
    "dedicatedUpdateEndpoint",
    "PUT",
    _ENDPOINT,
    DEDICATED,
    _spec,
    endpoint_models.DedicatedEndpointUpdateBody,
)
ENDPOINT_DELETE = Operation(
    "dedicatedDeleteEndpoint",
    "DELETE",
    _ENDPOINT,
    DEDICATED,
    TypeAdapter(Any),
    documents_422=True,
)
ENDPOINT_STATUS = Operation(
    "dedicatedGetEndpointStatus", "GET", f"{_ENDPOINT}/status", DEDICATED, _status
)
ENDPOINT_VERSIONS = Operation(
    "dedicatedGetEndpointVersionHistory",
    "GET",
    f"{_ENDPOINT}/version",
    DEDICATED,
    TypeAdapter(endpoint_models.DedicatedEndpointVersionHistoryResponse),
)
ENDPOINT_SLEEP = Operation(
    "dedicatedSleepEndpoint", "PUT", f"{_ENDPOINT}/sleep", DEDICATED, _status
)
ENDPOINT_WAKE = Operation("dedicatedWakeEndpoint", "PUT", f"{_ENDPOINT}/wake", DEDICATED, _status)
ENDPOINT_TERMINATE = Operation(
    "dedicatedTerminateEndpoint", "PUT", f"{_ENDPOINT}/terminate", DEDICATED, _status
)
ENDPOINT_RESTART = Operation(
    "dedicatedRestartEndpoint", "PUT", f"{_ENDPOINT}/restart", DEDICATED, _status
)
