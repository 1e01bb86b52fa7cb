"""Bodies and answers of `/dedicated/beta/endpoint`, by the public API's names and defaults.

`adapters` is our addition: routes and the names of adapters. What containers have no setting for
(`hfModelRepoRevision`, everything in `advanced`) is kept and given back, and changes nothing.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

Name = Annotated[str, Field(min_length=1, max_length=120)]
ModelName = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?$", max_length=200)
]
Route = Annotated[str, Field(pattern=r"^[A-Za-z0-9][\w.-]*$", max_length=100)]
Phase = Literal["REQUESTING_VIRTUAL_MACHINE", "DOWNLOADING_MODEL", "ENGINE_INITIALIZING"]


class Status(StrEnum):
    """What an endpoint is. `UNKNOWN` and `READY` belong to the public list; we set neither."""

    UNKNOWN = "UNKNOWN"
    INITIALIZING = "INITIALIZING"
    RUNNING = "RUNNING"
    UPDATING = "UPDATING"
    SLEEPING = "SLEEPING"
    AWAKING = "AWAKING"
    FAILED = "FAILED"
    STOPPING = "STOPPING"
    TERMINATING = "TERMINATING"
    TERMINATED = "TERMINATED"
    READY = "READY"


class ErrorCode(StrEnum):
    """Why an endpoint failed."""

    WORKLOAD_INIT_UNKNOWN_ERROR = "WORKLOAD_INIT_UNKNOWN_ERROR"
    WORKLOAD_INIT_SETTINGS_ERROR = "WORKLOAD_INIT_SETTINGS_ERROR"
    WORKLOAD_INIT_GRPC_ERROR = "WORKLOAD_INIT_GRPC_ERROR"
    WORKLOAD_INIT_MANIFEST_NOT_FOUND_ERROR = "WORKLOAD_INIT_MANIFEST_NOT_FOUND_ERROR"
    WORKLOAD_INIT_MANIFEST_TYPE_ERROR = "WORKLOAD_INIT_MANIFEST_TYPE_ERROR"
    WORKLOAD_INIT_DOWNLOAD_ERROR = "WORKLOAD_INIT_DOWNLOAD_ERROR"
    WORKLOAD_INIT_INVALID_TOKEN_ERROR = "WORKLOAD_INIT_INVALID_TOKEN_ERROR"  # noqa: S105
    WORKLOAD_INIT_CANNOT_ACCESS_REPO_ERROR = "WORKLOAD_INIT_CANNOT_ACCESS_REPO_ERROR"
    WORKLOAD_INIT_HF_WANDB_API_ERROR = "WORKLOAD_INIT_HF_WANDB_API_ERROR"
    WORKLOAD_INIT_INSUFFICIENT_DISK_ERROR = "WORKLOAD_INIT_INSUFFICIENT_DISK_ERROR"
    INFERENCE_ENGINE_UNKNOWN_ERROR = "INFERENCE_ENGINE_UNKNOWN_ERROR"
    INFERENCE_ENGINE_INVALID_ARGUMENT_ERROR = "INFERENCE_ENGINE_INVALID_ARGUMENT_ERROR"
    INFERENCE_ENGINE_MEMORY_ERROR = "INFERENCE_ENGINE_MEMORY_ERROR"
    INFERENCE_ENGINE_METERING_CLIENT_CONFIG_ERROR = "INFERENCE_ENGINE_METERING_CLIENT_CONFIG_ERROR"


class _Camel(BaseModel):
    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, serialize_by_alias=True
    )


class AutoscalingPolicy(_Camel):
    """How many replicas, and how long to wait before there are fewer (seconds)."""

    min_replica: int = Field(default=0, ge=0, le=10)
    max_replica: int = Field(default=1, ge=1, le=10)
    cooldown_period: int = Field(default=300, ge=0)

    @model_validator(mode="after")
    def _ordered(self) -> AutoscalingPolicy:
        if self.min_replica > self.max_replica:
            raise ValueError("minReplica must not exceed maxReplica")
        return self


class SimplescaleConfig(BaseModel):
    """A fixed number of replicas."""

    replicas: int = Field(ge=1, le=10)


class AdvancedConfig(BaseModel):
    """Settings of the engine; its keys are snake_case in the public API too."""

    max_batch_size: int | None = Field(default=None, ge=1)
    tokenizer_skip_special_tokens: bool = True
    tokenizer_add_special_tokens: bool = True
    max_token_count: int = 2560
    enable_content_logging: bool | None = None
    max_input_length: int | None = None
    max_context_length: int | None = Field(default=None, ge=1)
    queue_timeout_ms: int | None = Field(default=None, ge=1)
    queue_backpressure_metric_kind: (
        Literal[
            "TPOT_MS", "TTFT_MS", "REQUEST_COUNT", "WORKSPACE_UTILIZATION", "QUEUED_PREFILL_TOKENS"
        ]
        | None
    ) = None
    queue_backpressure_metric_threshold: float | None = None


class EndpointCreateBody(_Camel):
    """What a new endpoint shall be."""

    project_id: str
    name: Name
    instance_option_id: str
    advanced: AdvancedConfig
    simplescale: SimplescaleConfig | None = None
    autoscaling_policy: AutoscalingPolicy | None = None
    hf_model_repo: ModelName
    hf_model_repo_revision: str | None = None
    initial_version_comment: str | None = None
    adapters: dict[Route, ModelName] = {}


class EndpointUpdateBody(_Camel):
    """What shall change; absent and null fields stay as they are."""

    name: Name | None = None
    advanced: AdvancedConfig | None = None
    simplescale: SimplescaleConfig | None = None
    autoscaling_policy: AutoscalingPolicy | None = None
    hf_model_repo: ModelName | None = None
    hf_model_repo_revision: str | None = None
    new_version_comment: str | None = None
    instance_option_id: str | None = None
    adapters: dict[Route, ModelName] | None = None


class EndpointConfig(_Camel):
    """The spec as stored with each version: all that a create or an update can say."""

    name: Name
    instance_option_id: str
    advanced: AdvancedConfig
    autoscaling_policy: AutoscalingPolicy
    hf_model_repo: ModelName
    hf_model_repo_revision: str | None = None
    adapters: dict[Route, ModelName] = {}


class EndpointStatus(_Camel):
    """What an endpoint is now. `id` is our addition: the public answer to a create names none."""

    id: str
    status: Status
    error_code: ErrorCode | None = None
    created_at: datetime
    updated_at: datetime | None = None
    phase: Phase | None = None


class EndpointSpec(_Camel):
    """What an endpoint was asked to be, and how many replicas it has."""

    name: str
    gpu_type: str = "self-hosted"
    num_gpu: int = 0
    instance_id: str | None
    project_id: str
    creator_id: str
    team_id: str
    autoscaling_min: int
    autoscaling_max: int
    autoscaling_cooldown: int
    max_batch_size: int
    max_input_length: int | None
    max_context_length: int | None
    tokenizer_skip_special_tokens: bool
    tokenizer_add_special_tokens: bool
    curr_replica_cnt: int | None
    desired_replica_cnt: int | None
    updated_replica_cnt: int | None
    hf_model_repo: str
    hf_model_repo_revision: str | None
    adapters: dict[str, str]


class EndpointList(_Camel):
    """A page of endpoints by id."""

    data: dict[str, EndpointStatus]
    next_cursor: str | None = None


class VersionHistory(_Camel):
    """A page of an endpoint's specs by version number, newest first."""

    data: dict[str, EndpointSpec]
    next_cursor: str | None = None
