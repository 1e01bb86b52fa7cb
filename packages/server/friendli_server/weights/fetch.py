"""From a place in a store to a path on this machine: fetched once, verified, shared by everybody.

A node's cache holds whole, verified copies only: what is being fetched lies beside them under a
lock, and is moved among them when every digest is right. Knows no models.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import os
import re
import shutil
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

from filelock import FileLock, Timeout

from friendli_server.weights import sums
from friendli_server.weights.place import Place, Progress, WeightsError
from friendli_server.weights.store import Found, Store

logger = logging.getLogger("friendli.server.weights")

_LOOK_SECONDS: Final = 0.1
_MOST_SUMS: Final = 4 << 20


@dataclass(frozen=True)
class Wanted:
    """Objects of a store that belong together."""

    store: Store
    digests: Mapping[str, str | None]
    """By path; None where the store's word must do."""
    contents: str
    """Another word for other contents."""

    def home(self, cache: Path) -> Path:
        """The folder that they lie in, in the end."""
        return home(cache, self.store.where, self.contents)


def home(cache: Path, where: str, contents: str) -> Path:
    """The folder for some contents of a place; its name is the place's, for people."""
    key = hashlib.sha256(f"{where}\n{contents}".encode()).hexdigest()[:32]
    name = re.sub(r"[^\w.-]", "_", where.rpartition("/")[2]).strip(".")
    return cache / key / (name or "weights")


async def fetch(place: Place, *, cache: Path, progress: Progress) -> Path:
    """The folder or file of a remote `place` on this machine, verified.

    With a pin what is in the cache is enough, and the store need not be there.

    Raises:
        WeightsError: there are no digests, something is missing or not what it should be, the disk
            is too small, or the store is out of reach.
    """
    folder = home(cache, place.folder, place.pin or "")
    if not (place.pin and folder.is_dir()):
        folder = await gather(await _wanted(place), cache=cache, progress=progress)
    return folder / place.name if place.is_file else folder


async def gather(wanted: Wanted, *, cache: Path, progress: Progress) -> Path:
    """The folder with everything `wanted`, fetched unless somebody on this machine did before.

    Raises:
        WeightsError: as `fetch`.
    """
    folder, where = wanted.home(cache), wanted.store.where
    if folder.is_dir():
        return folder
    found = await asyncio.gather(*map(wanted.store.look, wanted.digests))
    total = sum(one.size for one in found)
    partial = folder.parent.with_suffix(".partial")

    def wait() -> None:
        progress(where, _size(partial), total)

    try:
        async with _alone(folder.parent.with_suffix(".lock"), meanwhile=wait):
            if not folder.is_dir():  # nobody brought it while we waited
                await _Fetching(wanted, partial / folder.name, progress, total).run(found)
    except OSError as error:
        raise WeightsError(f"{where}: {cache}: {error.strerror or error}.") from error
    return folder


async def _wanted(place: Place) -> Wanted:
    store = Store(place.folder)
    if place.is_file and place.pin:
        return Wanted(store, {place.name: place.pin}, place.pin)
    content = await store.read(sums.NAME, most=_MOST_SUMS)
    contents = hashlib.sha256(content).hexdigest()
    digests = sums.parse(content, of=f"{store.where}/{sums.NAME}")
    if place.is_file:
        contents = digests.get(place.name, "")
        digests = {place.name: contents} if contents else {}
    if not digests:
        raise WeightsError(f"{place.where}: {store.where}/{sums.NAME} lists nothing of it.")
    if place.pin not in (None, contents):
        raise WeightsError(f"{store.where}/{sums.NAME}: not the one that is pinned.")
    return Wanted(store, digests, contents)


class _Fetching:
    """One folder on its way; complete files that an earlier try left are not fetched again."""

    def __init__(self, wanted: Wanted, folder: Path, progress: Progress, total: int) -> None:
        self._wanted, self._folder = wanted, folder
        self._progress, self._done, self._total = progress, 0, total or 1

    async def run(self, found: Sequence[Found]) -> None:
        partial = self._folder.parent
        try:
            await self._fetch(found)
            partial.rename(partial.with_suffix(""))
        finally:
            if None in self._wanted.digests.values():  # without digests nothing is taken up again
                shutil.rmtree(partial, ignore_errors=True)

    async def _fetch(self, found: Sequence[Found]) -> None:
        where = self._wanted.store.where
        self._check_room()
        logger.info("Fetching %s: %s in %d files", where, _bytes(self._total), len(found))
        for one in found:
            await self._file(one)
        logger.info("Fetched %s", where)

    def _check_room(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        missing, free = self._total - _size(self._folder), shutil.disk_usage(self._folder).free
        if missing > free:
            where = self._wanted.store.where
            text = f"{where}: {_bytes(missing)} are to come, and {_bytes(free)} are free"
            raise WeightsError(f"{text} at {self._folder.parent.parent}.")

    async def _file(self, one: Found) -> None:
        to, digest = self._folder / one.path, self._wanted.digests[one.path]
        to.parent.mkdir(parents=True, exist_ok=True)
        if digest and to.is_file() and await asyncio.to_thread(sums.digest_of, to) == digest:
            self._tell(one.path, one.size)
            return
        if (arrived := await self._download(one, to)) != (digest or arrived):
            to.unlink()
            name = f"{self._wanted.store.where}/{one.path}"
            raise WeightsError(f"{name}: not what its sha256 says; it was not used.")

    async def _download(self, one: Found, to: Path) -> str:
        digest = hashlib.sha256()
        with to.open("wb") as file:
            async for piece in self._wanted.store.pieces(one):
                await asyncio.to_thread(_append, file, digest, piece)
                self._tell(one.path, len(piece))
            await asyncio.to_thread(os.fsync, file.fileno())
        return digest.hexdigest()

    def _tell(self, what: str, more: int) -> None:
        before, self._done = self._done, self._done + more
        self._progress(what, self._done, self._total)
        if (tenths := self._done * 10 // self._total) > before * 10 // self._total:
            logger.info("Fetching %s: %d %%", self._wanted.store.where, tenths * 10)


def _append(file: BinaryIO, digest: Any, piece: bytes) -> None:
    file.write(piece)
    digest.update(piece)


@asynccontextmanager
async def _alone(lock: Path, *, meanwhile: Callable[[], None]) -> AsyncIterator[None]:
    """Hold `lock`, which ends with its process at the latest; `meanwhile` is called in waiting."""
    # A soft lock would outlive a process that is killed.
    held = FileLock(lock, fallback_to_soft=False)
    lock.parent.mkdir(parents=True, exist_ok=True)
    while not held.is_locked:
        try:
            held.acquire(blocking=False)
        except Timeout:
            meanwhile()
            await asyncio.sleep(_LOOK_SECONDS)
    try:
        yield
    finally:
        held.release()


def _size(folder: Path) -> int:
    """Bytes below `folder`, of which somebody may be moving parts."""
    sizes = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(FileNotFoundError):
            sizes += path.stat().st_size if path.is_file() else 0
    return sizes


def _bytes(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"
