"""Adapters that come and go: the `ROUTE.safetensors` of a folder, or below a prefix of a store.

Says what is there now and brings it to this machine; what is served is decided elsewhere.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from friendli_server.weights import sums
from friendli_server.weights.fetch import Wanted, gather
from friendli_server.weights.store import Found, Store

_FILE = re.compile(r"(?P<route>[A-Za-z0-9][\w.-]{0,99})\.safetensors", re.ASCII)
_MOST_SUMS = 4 << 20


class AdapterFolder:
    """One place that adapters are put into. Where `SHA256SUMS` lies, only what it lists counts."""

    def __init__(self, where: str, cache: Path) -> None:
        """Raises WeightsError: `where` is no folder and no store."""
        self.where = where
        self._store, self._cache = Store(where), cache
        self._digests: Mapping[str, str] = {}
        self._sums_version = ""

    async def look(self) -> Mapping[str, Found]:
        """The adapters that are there, by route.

        Raises:
            WeightsError: the store does not tell, or `SHA256SUMS` is none.
        """
        objects = {one.path: one for one in await self._store.here()}
        listing = objects.get(sums.NAME)
        await self._read(listing)
        return {
            found["route"]: replace(one, version=f"{one.version} {self._digests.get(path)}")
            for path, one in sorted(objects.items())
            if (found := _FILE.fullmatch(path)) and (listing is None or path in self._digests)
        }

    async def fetch(self, found: Found) -> Path:
        """The file on this machine, a copy that stays as it is whatever becomes of the original.

        Raises:
            WeightsError: it is gone, changed, or not what `SHA256SUMS` says.
        """
        wanted = self._wanted(found)
        folder = await gather(wanted, cache=self._cache, progress=lambda *_: None)
        return folder / found.path

    def discard(self, found: Found) -> None:
        """Drop the copy of a file that is good for nothing."""
        shutil.rmtree(self._wanted(found).home(self._cache).parent, ignore_errors=True)

    def _wanted(self, found: Found) -> Wanted:
        digest = self._digests.get(found.path)
        return Wanted(self._store, {found.path: digest}, f"{found.path} {found.version}")

    async def _read(self, listing: Found | None) -> None:
        version = listing.version if listing else ""
        if version == self._sums_version:
            return
        content = await self._store.read(sums.NAME, most=_MOST_SUMS) if listing else b""
        self._digests = sums.parse(content, of=f"{self.where}/{sums.NAME}")
        self._sums_version = version
