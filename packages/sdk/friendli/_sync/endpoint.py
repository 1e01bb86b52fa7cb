"""`friendli.dedicated.endpoint`: the life cycle of dedicated endpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

from friendli import operations
from friendli._sync.calls import SyncCalls
from friendli.calls import CallOptions
from friendli.types import UNSET, OptionalNullable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from friendli_wire.endpoints import (
        AutoscalingPolicy,
        DedicatedEndpointListResponse,
        DedicatedEndpointSpec,
        DedicatedEndpointStatus,
        DedicatedEndpointVersionHistoryResponse,
        EndpointAdvancedConfig,
        EndpointSimplescaleConfig,
    )

    from friendli.operations import Operation, R

    Team = OptionalNullable[str]
    Advanced = EndpointAdvancedConfig | Mapping[str, Any]
    Simplescale = EndpointSimplescaleConfig | Mapping[str, Any]
    Autoscaling = AutoscalingPolicy | Mapping[str, Any]


class SyncEndpoint:
    """Create, look at, change and stop endpoints.

    Every method takes `x_friendli_team` and the keywords of `CallOptions`, and raises
    `models.SDKError` or `models.TransportError`.
    """

    def __init__(self, calls: SyncCalls) -> None:
        self._calls = calls

    def create(
        self,
        *,
        project_id: str,
        name: str,
        instance_option_id: str,
        advanced: Advanced,
        x_friendli_team: Team = UNSET,
        simplescale: OptionalNullable[Simplescale] = UNSET,
        autoscaling_policy: OptionalNullable[Autoscaling] = UNSET,
        hf_model_repo: OptionalNullable[str] = UNSET,
        hf_model_repo_revision: OptionalNullable[str] = UNSET,
        uploaded_model_id: OptionalNullable[str] = UNSET,
        initial_version_comment: OptionalNullable[str] = UNSET,
        **options: Unpack[CallOptions],
    ) -> DedicatedEndpointStatus:
        """Create an endpoint for a model; its status tells how far it is."""
        fields = {
            "project_id": project_id,
            "name": name,
            "instance_option_id": instance_option_id,
            "advanced": advanced,
            "simplescale": simplescale,
            "autoscaling_policy": autoscaling_policy,
            "hf_model_repo": hf_model_repo,
            "hf_model_repo_revision": hf_model_repo_revision,
            "uploaded_model_id": uploaded_model_id,
            "initial_version_comment": initial_version_comment,
        }
        return self._calls.send(
            operations.ENDPOINT_CREATE, fields=fields, team=x_friendli_team, options=options
        )

    def list(
        self,
        *,
        project_id: OptionalNullable[str] = UNSET,
        cursor: OptionalNullable[bytes] = UNSET,
        limit: OptionalNullable[int] = UNSET,
        x_friendli_team: Team = UNSET,
        **options: Unpack[CallOptions],
    ) -> DedicatedEndpointListResponse:
        """One page of at most `limit` (1..100) endpoints of the project, or of the whole team."""
        return self._calls.send(
            operations.ENDPOINT_LIST,
            query={"project_id": project_id, "cursor": cursor, "limit": limit},
            team=x_friendli_team,
            options=options,
        )

    def get_spec(
        self, *, endpoint_id: str, x_friendli_team: Team = UNSET, **options: Unpack[CallOptions]
    ) -> DedicatedEndpointSpec:
        """What the endpoint is."""
        return self._on(operations.ENDPOINT_SPEC, endpoint_id, x_friendli_team, options)

    def update(
        self,
        *,
        endpoint_id: str,
        x_friendli_team: Team = UNSET,
        name: OptionalNullable[str] = UNSET,
        advanced: OptionalNullable[Advanced] = UNSET,
        simplescale: OptionalNullable[Simplescale] = UNSET,
        autoscaling_policy: OptionalNullable[Autoscaling] = UNSET,
        hf_model_repo: OptionalNullable[str] = UNSET,
        hf_model_repo_revision: OptionalNullable[str] = UNSET,
        uploaded_model_id: OptionalNullable[str] = UNSET,
        new_version_comment: OptionalNullable[str] = UNSET,
        instance_option_id: OptionalNullable[str] = UNSET,
        **options: Unpack[CallOptions],
    ) -> DedicatedEndpointSpec:
        """Change the endpoint; what is not given stays. This makes a new version."""
        fields = {
            "name": name,
            "advanced": advanced,
            "simplescale": simplescale,
            "autoscaling_policy": autoscaling_policy,
            "hf_model_repo": hf_model_repo,
            "hf_model_repo_revision": hf_model_repo_revision,
            "uploaded_model_id": uploaded_model_id,
            "new_version_comment": new_version_comment,
            "instance_option_id": instance_option_id,
        }
        return self._calls.send(
            operations.ENDPOINT_UPDATE,
            fields=fields,
            path={"endpoint_id": endpoint_id},
            team=x_friendli_team,
            options=options,
        )

    def delete(
        self, *, endpoint_id: str, x_friendli_team: Team = UNSET, **options: Unpack[CallOptions]
    ) -> Any:
        """Delete the endpoint."""
        return self._on(operations.ENDPOINT_DELETE, endpoint_id, x_friendli_team, options)

    def get_status(
        self, *, endpoint_id: str, x_friendli_team: Team = UNSET, **options: Unpack[CallOptions]
    ) -> DedicatedEndpointStatus:
        """Where the endpoint is in its life."""
        return self._on(operations.ENDPOINT_STATUS, endpoint_id, x_friendli_team, options)

    def get_version_history(
        self,
        *,
        endpoint_id: str,
        cursor: OptionalNullable[bytes] = UNSET,
        limit: OptionalNullable[int] = UNSET,
        x_friendli_team: Team = UNSET,
        **options: Unpack[CallOptions],
    ) -> DedicatedEndpointVersionHistoryResponse:
        """One page of at most `limit` (1..100) versions of the endpoint."""
        return self._calls.send(
            operations.ENDPOINT_VERSIONS,
            path={"endpoint_id": endpoint_id},
            query={"cursor": cursor, "limit": limit},
            team=x_friendli_team,
            options=options,
        )

    def sleep(
        self, *, endpoint_id: str, x_friendli_team: Team = UNSET, **options: Unpack[CallOptions]
    ) -> DedicatedEndpointStatus:
        """Free the endpoint's machines; `wake`, or a request, brings it back."""
        return self._on(operations.ENDPOINT_SLEEP, endpoint_id, x_friendli_team, options)

    def wake(
        self, *, endpoint_id: str, x_friendli_team: Team = UNSET, **options: Unpack[CallOptions]
    ) -> DedicatedEndpointStatus:
        """Bring a sleeping endpoint back."""
        return self._on(operations.ENDPOINT_WAKE, endpoint_id, x_friendli_team, options)

    def terminate(
        self, *, endpoint_id: str, x_friendli_team: Team = UNSET, **options: Unpack[CallOptions]
    ) -> DedicatedEndpointStatus:
        """Stop the endpoint; its specification stays."""
        return self._on(operations.ENDPOINT_TERMINATE, endpoint_id, x_friendli_team, options)

    def restart(
        self, *, endpoint_id: str, x_friendli_team: Team = UNSET, **options: Unpack[CallOptions]
    ) -> DedicatedEndpointStatus:
        """Start a failed or terminated endpoint again."""
        return self._on(operations.ENDPOINT_RESTART, endpoint_id, x_friendli_team, options)

    def _on(self, operation: Operation[R], endpoint_id: str, team: Team, options: CallOptions) -> R:
        return self._calls.send(
            operation, path={"endpoint_id": endpoint_id}, team=team, options=options
        )
