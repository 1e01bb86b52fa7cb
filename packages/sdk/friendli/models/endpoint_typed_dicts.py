"""The models of endpoints as dictionaries, for type checkers; see `typed_dicts.py`."""

from __future__ import annotations

from typing import NotRequired, TypedDict

from friendli.models.typed_dicts import (
    AutoscalingPolicyTypedDict,
    DedicatedEndpointStatusTypedDict,
    EndpointAdvancedConfigTypedDict,
    EndpointSimplescaleConfigTypedDict,
)


class _Changeable(TypedDict):
    simplescale: NotRequired[EndpointSimplescaleConfigTypedDict | None]
    autoscaling_policy: NotRequired[AutoscalingPolicyTypedDict | None]
    hf_model_repo: NotRequired[str | None]
    hf_model_repo_revision: NotRequired[str | None]
    uploaded_model_id: NotRequired[str | None]


class DedicatedEndpointCreateBodyTypedDict(_Changeable):
    """`DedicatedEndpointCreateBody`."""

    project_id: str
    name: str
    instance_option_id: str
    advanced: EndpointAdvancedConfigTypedDict
    initial_version_comment: NotRequired[str | None]


class DedicatedEndpointUpdateBodyTypedDict(_Changeable):
    """`DedicatedEndpointUpdateBody`."""

    name: NotRequired[str | None]
    advanced: NotRequired[EndpointAdvancedConfigTypedDict | None]
    instance_option_id: NotRequired[str | None]
    new_version_comment: NotRequired[str | None]


class DedicatedEndpointSpecTypedDict(TypedDict):
    """`DedicatedEndpointSpec`."""

    name: str
    gpu_type: str
    num_gpu: int
    project_id: str
    creator_id: str
    team_id: str
    autoscaling_min: int
    autoscaling_max: int
    autoscaling_cooldown: int
    max_batch_size: int
    tokenizer_skip_special_tokens: bool
    tokenizer_add_special_tokens: bool
    instance_id: NotRequired[str | None]
    max_input_length: NotRequired[int | None]
    max_context_length: NotRequired[int | None]
    curr_replica_cnt: NotRequired[int | None]
    desired_replica_cnt: NotRequired[int | None]
    updated_replica_cnt: NotRequired[int | None]


class DedicatedEndpointListResponseTypedDict(TypedDict):
    """`DedicatedEndpointListResponse`."""

    data: NotRequired[dict[str, DedicatedEndpointStatusTypedDict]]
    next_cursor: NotRequired[bytes | None]


class DedicatedEndpointVersionHistoryResponseTypedDict(TypedDict):
    """`DedicatedEndpointVersionHistoryResponse`."""

    data: NotRequired[dict[str, DedicatedEndpointSpecTypedDict]]
    next_cursor: NotRequired[bytes | None]


class ValidationErrorTypedDict(TypedDict):
    """`ValidationError`."""

    loc: list[str | int]
    msg: str
    type: str


class DedicatedCreateEndpointRequestTypedDict(TypedDict):
    """`DedicatedCreateEndpointRequest`."""

    dedicated_endpoint_create_body: DedicatedEndpointCreateBodyTypedDict
    x_friendli_team: NotRequired[str | None]


class DedicatedListEndpointsRequestTypedDict(TypedDict):
    """`DedicatedListEndpointsRequest`."""

    project_id: NotRequired[str | None]
    cursor: NotRequired[bytes | None]
    limit: NotRequired[int | None]
    x_friendli_team: NotRequired[str | None]


class _EndpointRequest(TypedDict):
    endpoint_id: str
    x_friendli_team: NotRequired[str | None]


class DedicatedUpdateEndpointRequestTypedDict(_EndpointRequest):
    """`DedicatedUpdateEndpointRequest`."""

    dedicated_endpoint_update_body: DedicatedEndpointUpdateBodyTypedDict


class DedicatedGetEndpointVersionHistoryRequestTypedDict(_EndpointRequest):
    """`DedicatedGetEndpointVersionHistoryRequest`."""

    cursor: NotRequired[bytes | None]
    limit: NotRequired[int | None]


class DedicatedDeleteEndpointRequestTypedDict(_EndpointRequest):
    """`DedicatedDeleteEndpointRequest`."""


class DedicatedGetEndpointRequestTypedDict(_EndpointRequest):
    """`DedicatedGetEndpointRequest`."""


class DedicatedGetEndpointStatusRequestTypedDict(_EndpointRequest):
    """`DedicatedGetEndpointStatusRequest`."""


class DedicatedSleepEndpointRequestTypedDict(_EndpointRequest):
    """`DedicatedSleepEndpointRequest`."""


class DedicatedWakeEndpointRequestTypedDict(_EndpointRequest):
    """`DedicatedWakeEndpointRequest`."""


class DedicatedTerminateEndpointRequestTypedDict(_EndpointRequest):
    """`DedicatedTerminateEndpointRequest`."""


class DedicatedRestartEndpointRequestTypedDict(_EndpointRequest):
    """`DedicatedRestartEndpointRequest`."""
