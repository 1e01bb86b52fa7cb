"""What a replica is made from and who makes it. Knows no database, no route and no model.

A launcher owns the replicas it launched while its process lives. It is told what to run and says
where it listens; whether the replica is ready is asked over HTTP by the keeper, the same way for
every launcher.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from friendli_wire.endpoints import InferenceDeploymentErrorCode


@dataclass(frozen=True, kw_only=True)
class ReplicaSpec:
    """One container to run: a model as the operator knows it, and its adapters by route."""

    model: str
    adapters: Mapping[str, str] = field(default_factory=dict)


class LaunchError(Exception):
    """A replica could not be started; `code` is one of the API's error codes."""

    def __init__(self, code: InferenceDeploymentErrorCode) -> None:
        super().__init__(code)
        self.code = code


class ReplicaLauncher(Protocol):
    """Starts and stops containers."""

    async def launch(self, replica_id: str, spec: ReplicaSpec) -> str:
        """Start a replica and return its base URL, perhaps before it is ready.

        Raises:
            LaunchError: it did not start.
        """

    async def stop(self, replica_id: str) -> None:
        """End a replica, letting it finish what it works on; unknown ones are ignored."""

    def running(self) -> set[str]:
        """The replicas launched here that have not ended."""

    async def close(self) -> None:
        """End every replica launched here."""
