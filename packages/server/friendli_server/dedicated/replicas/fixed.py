"""The launcher for containers that somebody else runs: a list of URLs per model.

Knows no process. Starting a replica means handing out the least used URL of its model, so several
replicas may share one container.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from .interfaces import LaunchError, ReplicaSpec


class FixedReplicas:
    """A `ReplicaLauncher` over URLs that never change."""

    shared = False

    def __init__(self, urls: Mapping[str, Sequence[str]]) -> None:
        """`urls` are base URLs by model name."""
        self._urls = urls
        self._handed_out: dict[str, str] = {}

    async def launch(self, replica_id: str, spec: ReplicaSpec) -> str:
        """Hand out the URL of this model that fewest replicas use."""
        urls = self._urls.get(spec.model)
        if not urls:
            raise LaunchError("WORKLOAD_INIT_MANIFEST_NOT_FOUND_ERROR")
        used = Counter(self._handed_out.values())
        self._handed_out[replica_id] = url = min(urls, key=lambda url: used[url])
        return url

    async def stop(self, replica_id: str) -> None:
        """Forget who used the URL; the container runs on."""
        self._handed_out.pop(replica_id, None)

    def running(self) -> set[str]:
        """The replicas that were given a URL."""
        return set(self._handed_out)

    async def close(self) -> None:
        """Forget all of them."""
        self._handed_out.clear()
