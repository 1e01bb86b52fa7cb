"""The models as dictionaries, for type checkers: `{"image": url}` is an `ImageInputTypedDict`."""

from __future__ import annotations

from datetime import datetime
from typing import NotRequired, TypedDict

from friendli_wire.container import ContainerResponseFormat
from friendli_wire.dedicated import DedicatedResponseFormat
from friendli_wire.endpoints import (
    InferenceDeploymentErrorCode,
    InferenceDeploymentStatus,
    Phase,
    QueueBackpressureMetricKind,
)


class ImageInputTypedDict(TypedDict):
    """`ImageInput`."""

    image: str


ContainerImageEditBodyImageTypedDict = ImageInputTypedDict | list[ImageInputTypedDict]
DedicatedImageEditBodyImageTypedDict = ImageInputTypedDict | list[ImageInputTypedDict]


class ContainerImageGenerationBodyTypedDict(TypedDict):
    """`ContainerImageGenerationBody`."""

    prompt: str
    model: NotRequired[str | None]
    num_inference_steps: NotRequired[int]
    guidance_scale: NotRequired[float]
    seed: NotRequired[int | None]
    response_format: NotRequired[ContainerResponseFormat | None]
    control_images: NotRequired[list[ImageInputTypedDict] | None]
    controlnet_weights: NotRequired[list[float] | None]


class ContainerImageEditBodyTypedDict(TypedDict):
    """`ContainerImageEditBody`."""

    image: ContainerImageEditBodyImageTypedDict
    prompt: str
    model: NotRequired[str | None]
    num_inference_steps: NotRequired[int]
    guidance_scale: NotRequired[float]
    seed: NotRequired[int | None]
    response_format: NotRequired[ContainerResponseFormat | None]
    mask: NotRequired[ImageInputTypedDict | None]


class ContainerImageGenerateSuccessTypedDict(TypedDict):
    """`ContainerImageGenerateSuccess`."""

    image: bytes


class DedicatedImageGenerationBodyTypedDict(TypedDict):
    """`DedicatedImageGenerationBody`."""

    model: str
    prompt: str
    num_inference_steps: NotRequired[int]
    guidance_scale: NotRequired[float | None]
    seed: NotRequired[int | None]
    response_format: NotRequired[DedicatedResponseFormat | None]
    control_images: NotRequired[list[ImageInputTypedDict] | None]
    controlnet_weights: NotRequired[list[float] | None]


class DedicatedImageEditBodyTypedDict(TypedDict):
    """`DedicatedImageEditBody`."""

    image: DedicatedImageEditBodyImageTypedDict
    prompt: str
    model: str
    num_inference_steps: NotRequired[int]
    guidance_scale: NotRequired[float | None]
    seed: NotRequired[int | None]
    response_format: NotRequired[DedicatedResponseFormat | None]
    mask: NotRequired[ImageInputTypedDict | None]


class URLImageItemTypedDict(TypedDict):
    """`URLImageItem`."""

    seed: int
    response_format: DedicatedResponseFormat
    url: str


class B64ImageItemTypedDict(TypedDict):
    """`B64ImageItem`."""

    seed: int
    response_format: DedicatedResponseFormat
    b64_json: bytes


class DedicatedImageGenerateSuccessTypedDict(TypedDict):
    """`DedicatedImageGenerateSuccess`."""

    data: list[URLImageItemTypedDict] | list[B64ImageItemTypedDict]


class DedicatedImagesGenerateRequestTypedDict(TypedDict):
    """`DedicatedImagesGenerateRequest`."""

    dedicated_image_generation_body: DedicatedImageGenerationBodyTypedDict
    x_friendli_team: NotRequired[str | None]


class DedicatedImagesEditRequestTypedDict(TypedDict):
    """`DedicatedImagesEditRequest`."""

    dedicated_image_edit_body: DedicatedImageEditBodyTypedDict
    x_friendli_team: NotRequired[str | None]


class EndpointAdvancedConfigTypedDict(TypedDict):
    """`EndpointAdvancedConfig`."""

    tokenizer_skip_special_tokens: bool
    tokenizer_add_special_tokens: bool
    max_batch_size: NotRequired[int | None]
    max_token_count: NotRequired[int]
    enable_content_logging: NotRequired[bool | None]
    max_input_length: NotRequired[int | None]
    max_context_length: NotRequired[int | None]
    queue_timeout_ms: NotRequired[int | None]
    queue_backpressure_metric_kind: NotRequired[QueueBackpressureMetricKind | None]
    queue_backpressure_metric_threshold: NotRequired[float | None]


class EndpointSimplescaleConfigTypedDict(TypedDict):
    """`EndpointSimplescaleConfig`."""

    replicas: int


class AutoscalingPolicyTypedDict(TypedDict):
    """`AutoscalingPolicy`."""

    min_replica: NotRequired[int]
    max_replica: NotRequired[int]
    cooldown_period: NotRequired[int]


class DedicatedEndpointStatusTypedDict(TypedDict):
    """`DedicatedEndpointStatus`."""

    status: InferenceDeploymentStatus
    created_at: datetime
    error_code: NotRequired[InferenceDeploymentErrorCode | None]
    updated_at: NotRequired[datetime | None]
    phase: NotRequired[Phase | None]
