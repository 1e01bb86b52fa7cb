"""What the operator offers to endpoints, and the command line of a container that serves it.

Knows no process: every launcher hands these words to `friendli serve` in its own way.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from friendli_server.dedicated.replicas.interfaces import LaunchError, ReplicaSpec

AS_A_REPLICA: Final = ("--metrics-port", "0", "--max-per-client", "256")
"""Many on one machine, each with one client: the team whose endpoint it is."""
_REVISION: Final = re.compile(r"\w[\w./-]*", re.ASCII)


@dataclass(frozen=True)
class Offers:
    """Directories, files, places in stores or hub ids by the names that endpoints use for them.

    `adapter_dirs` are places by the model whose replicas all serve what is put there. With
    `hub_models`, an endpoint may name any other model of the hub too; adapters are always the
    operator's.
    """

    places: Mapping[str, str]
    hub_models: bool = False
    adapter_dirs: Mapping[str, str] = field(default_factory=dict)

    def arguments(self, spec: ReplicaSpec) -> list[str]:
        """What a container is told on its command line, but for where it listens.

        Raises:
            LaunchError: the operator does not offer the model or an adapter; or no such revision
                can be.
        """
        adapters = [
            word
            for route, name in spec.adapters.items()
            for word in ("--adapter", f"{route}={self._place(name)}")
        ]
        folder = self.adapter_dirs.get(spec.model)
        watched = ["--adapter-dir", folder] if folder else []
        return [self._model(spec), *AS_A_REPLICA, *adapters, *watched]

    def _model(self, spec: ReplicaSpec) -> str:
        """Its place. Only the hub knows revisions: what is offered is pinned with its place."""
        if not self._is_hub_model(spec):
            return self._place(spec.model)
        if not spec.revision:
            return spec.model
        if ".." in spec.revision or not _REVISION.fullmatch(spec.revision):
            raise LaunchError("WORKLOAD_INIT_SETTINGS_ERROR")
        return f"{spec.model}@{spec.revision}"

    def _is_hub_model(self, spec: ReplicaSpec) -> bool:
        return self.hub_models and spec.model not in self.places and "/" in spec.model

    def _place(self, name: str) -> str:
        if name not in self.places:
            raise LaunchError("WORKLOAD_INIT_CANNOT_ACCESS_REPO_ERROR")
        return self.places[name]
