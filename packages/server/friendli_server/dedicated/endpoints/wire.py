"""What the gateway asks of the public bodies of `/dedicated/beta/endpoint`, and adds to them.

The shapes are `friendli_wire.endpoints`; here are the limits. `adapters` is our addition: routes
and the names of adapters. What containers have no setting for (everything in `advanced`) is kept
and given back, and changes nothing.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import friendli_wire.endpoints as wire
from pydantic import Field, model_validator

Name = Annotated[str, Field(min_length=1, max_length=120)]
ModelName = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?$", max_length=200)
]
Route = Annotated[str, Field(pattern=r"^[A-Za-z0-9][\w.-]*$", max_length=100)]


class Status(StrEnum):
    """What an endpoint is: the public list without `UNKNOWN`, `STOPPING` and `READY`."""

    INITIALIZING = "INITIALIZING"
    RUNNING = "RUNNING"
    UPDATING = "UPDATING"
    SLEEPING = "SLEEPING"
    AWAKING = "AWAKING"
    FAILED = "FAILED"
    TERMINATING = "TERMINATING"
    TERMINATED = "TERMINATED"


class AutoscalingPolicy(wire.AutoscalingPolicy):
    """How many replicas, and how long to wait before there are fewer (seconds)."""

    min_replica: int = Field(default=0, ge=0, le=10)
    max_replica: int = Field(default=1, ge=1, le=10)
    cooldown_period: int = Field(default=300, ge=0)

    @model_validator(mode="after")
    def _ordered(self) -> AutoscalingPolicy:
        if self.min_replica > self.max_replica:
            raise ValueError("minReplica must not exceed maxReplica")
        return self


class SimplescaleConfig(wire.EndpointSimplescaleConfig):
    """A fixed number of replicas."""

    replicas: int = Field(ge=1, le=10)


class AdvancedConfig(wire.EndpointAdvancedConfig):
    """Settings of the engine, none of them required."""

    max_batch_size: int | None = Field(default=None, ge=1)
    tokenizer_skip_special_tokens: bool = True
    tokenizer_add_special_tokens: bool = True
    max_context_length: int | None = Field(default=None, ge=1)
    queue_timeout_ms: int | None = Field(default=None, ge=1)


class EndpointCreateBody(wire.DedicatedEndpointCreateBody):
    """What a new endpoint shall be."""

    name: Name
    advanced: AdvancedConfig
    simplescale: SimplescaleConfig | None = None
    autoscaling_policy: AutoscalingPolicy | None = None
    hf_model_repo: ModelName
    adapters: dict[Route, ModelName] = Field(default_factory=dict)


class EndpointUpdateBody(wire.DedicatedEndpointUpdateBody):
    """What shall change; absent and null fields stay as they are."""

    name: Name | None = None
    advanced: AdvancedConfig | None = None
    simplescale: SimplescaleConfig | None = None
    autoscaling_policy: AutoscalingPolicy | None = None
    hf_model_repo: ModelName | None = None
    adapters: dict[Route, ModelName] | None = None


class EndpointConfig(wire.CamelModel):
    """The spec as stored with each version: all that a create or an update can say."""

    name: Name
    instance_option_id: str
    advanced: AdvancedConfig
    autoscaling_policy: AutoscalingPolicy
    hf_model_repo: ModelName
    hf_model_repo_revision: str | None = None
    adapters: dict[Route, ModelName] = Field(default_factory=dict)


class EndpointSpec(wire.DedicatedEndpointSpec):
    """What an endpoint was asked to be, and how many replicas it has."""

    hf_model_repo: str
    hf_model_repo_revision: str | None
    adapters: dict[str, str]


class VersionHistory(wire.DedicatedEndpointVersionHistoryResponse):
    """A page of an endpoint's specs by version number, newest first."""

    data: dict[str, EndpointSpec]  # type: ignore[assignment]  # specs with our additions
