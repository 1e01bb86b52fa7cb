"""The life cycle of dedicated endpoints: `/dedicated/beta/endpoint`.

JSON is camelCase, except inside `advanced`; Python is snake_case, and the models take both. Knows
no rule about which status may follow which.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import ConfigDict, Field
from pydantic.alias_generators import to_camel
from pydantic.json_schema import SkipJsonSchema

from friendli_wire.images import WireModel

InferenceDeploymentStatus = Literal[
    "UNKNOWN",
    "INITIALIZING",
    "RUNNING",
    "UPDATING",
    "SLEEPING",
    "AWAKING",
    "FAILED",
    "STOPPING",
    "TERMINATING",
    "TERMINATED",
    "READY",
]
InferenceDeploymentErrorCode = Literal[
    "WORKLOAD_INIT_UNKNOWN_ERROR",
    "WORKLOAD_INIT_SETTINGS_ERROR",
    "WORKLOAD_INIT_GRPC_ERROR",
    "WORKLOAD_INIT_MANIFEST_NOT_FOUND_ERROR",
    "WORKLOAD_INIT_MANIFEST_TYPE_ERROR",
    "WORKLOAD_INIT_DOWNLOAD_ERROR",
    "WORKLOAD_INIT_INVALID_TOKEN_ERROR",
    "WORKLOAD_INIT_CANNOT_ACCESS_REPO_ERROR",
    "WORKLOAD_INIT_HF_WANDB_API_ERROR",
    "WORKLOAD_INIT_INSUFFICIENT_DISK_ERROR",
    "INFERENCE_ENGINE_UNKNOWN_ERROR",
    "INFERENCE_ENGINE_INVALID_ARGUMENT_ERROR",
    "INFERENCE_ENGINE_MEMORY_ERROR",
    "INFERENCE_ENGINE_METERING_CLIENT_CONFIG_ERROR",
]
Phase = Literal["REQUESTING_VIRTUAL_MACHINE", "DOWNLOADING_MODEL", "ENGINE_INITIALIZING"]
QueueBackpressureMetricKind = Literal[
    "TPOT_MS", "TTFT_MS", "REQUEST_COUNT", "WORKSPACE_UTILIZATION", "QUEUED_PREFILL_TOKENS"
]


class CamelModel(WireModel):
    """camelCase on the wire, either in Python."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class EndpointAdvancedConfig(WireModel):
    """How the engine of an endpoint is run. The token fields matter to language models only."""

    max_batch_size: int | None = None
    tokenizer_skip_special_tokens: bool
    tokenizer_add_special_tokens: bool
    max_token_count: int = 2560
    enable_content_logging: bool | None = None
    max_input_length: int | None = None
    max_context_length: int | None = None
    queue_timeout_ms: int | None = None
    queue_backpressure_metric_kind: QueueBackpressureMetricKind | None = None
    queue_backpressure_metric_threshold: float | None = None


class EndpointSimplescaleConfig(WireModel):
    """A fixed number of replicas, at least 1."""

    replicas: int


class AutoscalingPolicy(CamelModel):
    """Replicas between `min_replica` (0 sleeps when idle) and `max_replica` (at most 10)."""

    min_replica: int = 0
    max_replica: int = 1
    cooldown_period: int = 300
    """Seconds after the last request before replicas go."""


class DedicatedEndpointCreateBody(CamelModel):
    """What a new endpoint is to be."""

    project_id: str
    name: str
    instance_option_id: str
    advanced: EndpointAdvancedConfig
    simplescale: EndpointSimplescaleConfig | None = None
    autoscaling_policy: AutoscalingPolicy | None = None
    hf_model_repo: str | None = None
    hf_model_repo_revision: str | None = None
    uploaded_model_id: str | None = None
    initial_version_comment: str | None = None


class DedicatedEndpointUpdateBody(CamelModel):
    """What is to change; the rest stays. Every update makes a new version."""

    name: str | None = None
    advanced: EndpointAdvancedConfig | None = None
    simplescale: EndpointSimplescaleConfig | None = None
    autoscaling_policy: AutoscalingPolicy | None = None
    hf_model_repo: str | None = None
    hf_model_repo_revision: str | None = None
    uploaded_model_id: str | None = None
    new_version_comment: str | None = None
    instance_option_id: str | None = None


class DedicatedEndpointStatus(CamelModel):
    """Where an endpoint is in its life. The `id` is ours and stays out of the published schema."""

    id: SkipJsonSchema[str | None] = None
    status: InferenceDeploymentStatus
    error_code: InferenceDeploymentErrorCode | None = None
    created_at: datetime
    updated_at: datetime | None = None
    phase: Phase | None = None


class DedicatedEndpointSpec(CamelModel):
    """What an endpoint is."""

    name: str
    gpu_type: str
    num_gpu: int
    instance_id: str | None = None
    project_id: str
    creator_id: str
    team_id: str
    autoscaling_min: int
    autoscaling_max: int
    autoscaling_cooldown: int
    max_batch_size: int
    max_input_length: int | None = None
    max_context_length: int | None = None
    tokenizer_skip_special_tokens: bool
    tokenizer_add_special_tokens: bool
    curr_replica_cnt: int | None = None
    desired_replica_cnt: int | None = None
    updated_replica_cnt: int | None = None


class DedicatedEndpointListResponse(CamelModel):
    """One page of endpoints: id to status."""

    data: dict[str, DedicatedEndpointStatus] = Field(default_factory=dict)
    next_cursor: bytes | None = None


class DedicatedEndpointVersionHistoryResponse(CamelModel):
    """One page of versions: number to specification."""

    data: dict[str, DedicatedEndpointSpec] = Field(default_factory=dict)
    next_cursor: bytes | None = None
