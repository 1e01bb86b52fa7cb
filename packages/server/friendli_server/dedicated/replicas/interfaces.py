"""What a replica is made from and who makes it. Knows no database, no route and no model.

A launcher is told what to run and says where it listens; whether the replica is ready is asked over
HTTP by the keeper, the same way for every launcher. Replicas end with the process that launched
them, unless the launcher is `shared`: then they are everybody's, and the keeper that leads minds
them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from friendli_wire.endpoints import InferenceDeploymentErrorCode


@dataclass(frozen=True, kw_only=True)
class ReplicaSpec:
    """One container to run: a model as the operator knows it, and its adapters by route.

    `instance` is the endpoint's `instanceOptionId`, `revision` a commit, tag or branch of the hub.
    """

    model: str
    revision: str = ""
    instance: str = ""
    adapters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Health:
    """Whether a container can generate, and if not yet, whether it fetches its weights."""

    ready: bool
    downloads: bool = False


class LaunchError(Exception):
    """A replica could not be started; `code` is one of the API's error codes."""

    def __init__(self, code: InferenceDeploymentErrorCode) -> None:
        super().__init__(code)
        self.code = code


class ReplicaLauncher(Protocol):
    """Starts and stops containers."""

    @property
    def shared(self) -> bool:
        """Whether what it launches outlives this process, and any other can mind it.

        Then `launch` of a replica that exists only says where it listens.
        """

    async def launch(self, replica_id: str, spec: ReplicaSpec) -> str:
        """Start a replica and return its base URL, perhaps before it is ready.

        Raises:
            LaunchError: it did not start.
        """

    async def stop(self, replica_id: str) -> None:
        """End a replica, letting it finish what it works on; unknown ones are ignored."""

    def running(self) -> set[str] | None:
        """The replicas that have not ended, as far as is known; None while nothing is."""

    async def close(self) -> None:
        """End every replica launched here, but for shared ones."""
