"""What the operator offers to endpoints, and the command line of a container that serves it.

Knows no process: every launcher hands these words to `friendli serve` in its own way.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from friendli_server.dedicated.replicas.interfaces import LaunchError, ReplicaSpec

AS_A_REPLICA: Final = ("--metrics-port", "0", "--max-per-client", "256")
"""Many on one machine, each with one client: the team whose endpoint it is."""


@dataclass(frozen=True)
class Offers:
    """Directories, files or hub ids by the names that endpoints use for them.

    With `hub_models`, an endpoint may name any other model of the hub too; adapters are always
    the operator's.
    """

    places: Mapping[str, str]
    hub_models: bool = False

    def arguments(self, spec: ReplicaSpec) -> list[str]:
        """What a container is told on its command line, but for where it listens.

        Raises:
            LaunchError: the operator does not offer the model or an adapter.
        """
        adapters = [
            word
            for route, name in spec.adapters.items()
            for word in ("--adapter", f"{route}={self._place(name)}")
        ]
        model = spec.model if self._is_hub_model(spec) else self._place(spec.model)
        return [model, *AS_A_REPLICA, *adapters]

    def _is_hub_model(self, spec: ReplicaSpec) -> bool:
        return self.hub_models and spec.model not in self.places and "/" in spec.model

    def _place(self, name: str) -> str:
        if name not in self.places:
            raise LaunchError("WORKLOAD_INIT_CANNOT_ACCESS_REPO_ERROR")
        return self.places[name]
