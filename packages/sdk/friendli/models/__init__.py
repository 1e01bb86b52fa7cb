"""Bodies, results, events and errors by their public names."""

from friendli_wire import (
    ContainerImageEditBody,
    ContainerImageGenerationBody,
    DedicatedImageEditBody,
    DedicatedImageGenerationBody,
    ImageInput,
    ProgressEvent,
    QueuedEvent,
)
from friendli_wire.container import ContainerResponseFormat
from friendli_wire.dedicated import DedicatedResponseFormat
from friendli_wire.endpoints import (
    AutoscalingPolicy,
    DedicatedEndpointCreateBody,
    DedicatedEndpointListResponse,
    DedicatedEndpointSpec,
    DedicatedEndpointStatus,
    DedicatedEndpointUpdateBody,
    DedicatedEndpointVersionHistoryResponse,
    EndpointAdvancedConfig,
    EndpointSimplescaleConfig,
    InferenceDeploymentErrorCode,
    InferenceDeploymentStatus,
    Phase,
    QueueBackpressureMetricKind,
)

from friendli.errors import (
    FriendliCoreError,
    HTTPValidationError,
    NoResponseError,
    ResponseValidationError,
    SDKError,
    TransportError,
)
from friendli.models.errors import HTTPValidationErrorData, Loc, ValidationError
from friendli.models.requests import DedicatedImagesEditRequest, DedicatedImagesGenerateRequest
from friendli.models.typed_dicts import (
    AutoscalingPolicyTypedDict,
    B64ImageItemTypedDict,
    ContainerImageEditBodyImageTypedDict,
    ContainerImageEditBodyTypedDict,
    ContainerImageGenerateSuccessTypedDict,
    ContainerImageGenerationBodyTypedDict,
    DedicatedEndpointStatusTypedDict,
    DedicatedImageEditBodyImageTypedDict,
    DedicatedImageEditBodyTypedDict,
    DedicatedImageGenerateSuccessTypedDict,
    DedicatedImageGenerationBodyTypedDict,
    DedicatedImagesEditRequestTypedDict,
    DedicatedImagesGenerateRequestTypedDict,
    EndpointAdvancedConfigTypedDict,
    EndpointSimplescaleConfigTypedDict,
    ImageInputTypedDict,
    URLImageItemTypedDict,
)
from friendli.operations import CONTAINER
from friendli.results import (
    B64ImageItem,
    ContainerImageGenerateSuccess,
    DedicatedFinishedEvent,
    DedicatedImageGenerateSuccess,
    FinishedEvent,
    PreviewEvent,
    URLImageItem,
)

ContainerImageEditBodyImage = ImageInput | list[ImageInput]
DedicatedImageEditBodyImage = ImageInput | list[ImageInput]
ContainerImageGenerationBodyResponseFormat = ContainerResponseFormat
ContainerImageEditBodyResponseFormat = ContainerResponseFormat
DedicatedImageGenerationBodyResponseFormat = DedicatedResponseFormat
DedicatedImageEditBodyResponseFormat = DedicatedResponseFormat
URLImageItemResponseFormat = DedicatedResponseFormat
B64ImageItemResponseFormat = DedicatedResponseFormat
CONTAINER_IMAGES_GENERATE_OP_SERVERS = [CONTAINER]
CONTAINER_IMAGES_EDIT_OP_SERVERS = [CONTAINER]

__all__ = [
    "CONTAINER_IMAGES_EDIT_OP_SERVERS",
    "CONTAINER_IMAGES_GENERATE_OP_SERVERS",
    "AutoscalingPolicy",
    "AutoscalingPolicyTypedDict",
    "B64ImageItem",
    "B64ImageItemResponseFormat",
    "B64ImageItemTypedDict",
    "ContainerImageEditBody",
    "ContainerImageEditBodyImage",
    "ContainerImageEditBodyImageTypedDict",
    "ContainerImageEditBodyResponseFormat",
    "ContainerImageEditBodyTypedDict",
    "ContainerImageGenerateSuccess",
    "ContainerImageGenerateSuccessTypedDict",
    "ContainerImageGenerationBody",
    "ContainerImageGenerationBodyResponseFormat",
    "ContainerImageGenerationBodyTypedDict",
    "DedicatedEndpointCreateBody",
    "DedicatedEndpointListResponse",
    "DedicatedEndpointSpec",
    "DedicatedEndpointStatus",
    "DedicatedEndpointStatusTypedDict",
    "DedicatedEndpointUpdateBody",
    "DedicatedEndpointVersionHistoryResponse",
    "DedicatedFinishedEvent",
    "DedicatedImageEditBody",
    "DedicatedImageEditBodyImage",
    "DedicatedImageEditBodyImageTypedDict",
    "DedicatedImageEditBodyResponseFormat",
    "DedicatedImageEditBodyTypedDict",
    "DedicatedImageGenerateSuccess",
    "DedicatedImageGenerateSuccessTypedDict",
    "DedicatedImageGenerationBody",
    "DedicatedImageGenerationBodyResponseFormat",
    "DedicatedImageGenerationBodyTypedDict",
    "DedicatedImagesEditRequest",
    "DedicatedImagesEditRequestTypedDict",
    "DedicatedImagesGenerateRequest",
    "DedicatedImagesGenerateRequestTypedDict",
    "EndpointAdvancedConfig",
    "EndpointAdvancedConfigTypedDict",
    "EndpointSimplescaleConfig",
    "EndpointSimplescaleConfigTypedDict",
    "FinishedEvent",
    "FriendliCoreError",
    "HTTPValidationError",
    "HTTPValidationErrorData",
    "ImageInput",
    "ImageInputTypedDict",
    "InferenceDeploymentErrorCode",
    "InferenceDeploymentStatus",
    "Loc",
    "NoResponseError",
    "Phase",
    "PreviewEvent",
    "ProgressEvent",
    "QueueBackpressureMetricKind",
    "QueuedEvent",
    "ResponseValidationError",
    "SDKError",
    "TransportError",
    "URLImageItem",
    "URLImageItemResponseFormat",
    "URLImageItemTypedDict",
    "ValidationError",
]
