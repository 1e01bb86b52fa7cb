"""Objects of a store as bytes: opened, measured, listed, read in pieces, and asked for again.

The only file here that knows obstore. What it raises is one line that names the object.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

import obstore
from obstore.exceptions import BaseError, PermissionDeniedError, PreconditionError
from obstore.exceptions import UnauthenticatedError as NotAuthenticatedError
from obstore.store import LocalStore, ObjectStore, from_url

from friendli_server.weights.place import WeightsError

if TYPE_CHECKING:
    from obstore import GetOptions, ObjectMeta
    from obstore.store import RetryConfig

logger = logging.getLogger("friendli.server.weights")

PIECE: Final = 8 << 20
"""Bytes that one request asks for: what a fault costs is asked for again alone."""
_AHEAD: Final = 8
"""Pieces that are asked for while one is written."""
_PAUSES: Final = (1.0, 4.0)
"""Seconds between tries of our own: for answers that broke off, which the library hands on."""
_PATIENCE: Final[RetryConfig] = {
    "max_retries": 5,
    "retry_timeout": timedelta(seconds=30),
    "backoff": {
        "init_backoff": timedelta(milliseconds=200),
        "max_backoff": timedelta(seconds=5),
        "base": 2,
    },
}
T = TypeVar("T")


@dataclass(frozen=True)
class Found:
    """An object as it was when it was looked at."""

    path: str
    size: int
    version: str
    """Another one for other bytes: the store's tag, or the time of the last change."""
    tag: str | None


class Store:
    """What lies below a URL or in a folder."""

    def __init__(self, where: str) -> None:
        """Raises WeightsError: there is no such folder, or no store that this can mean."""
        self.where = where.rstrip("/")
        try:
            self._store = _open(where)
        except (BaseError, OSError, ValueError) as error:
            raise WeightsError(f"{where}: {_reason(error)}") from error

    async def look(self, path: str) -> Found:
        """The object at `path`.

        Raises:
            WeightsError: there is none, or the store does not tell.
        """
        return _found(await self._patiently(path, lambda: obstore.head_async(self._store, path)))

    async def here(self) -> Sequence[Found]:
        """The objects of the folder itself, not those of folders in it.

        Raises:
            WeightsError: the store does not tell.
        """
        listed = await self._patiently("", lambda: obstore.list_with_delimiter_async(self._store))
        return [_found(meta) for meta in listed["objects"]]

    async def read(self, path: str, *, most: int) -> bytes:
        """All of a small object.

        Raises:
            WeightsError: there is none, it is larger than `most` bytes, or the store fails.
        """
        found = await self.look(path)
        if found.size > most:
            raise WeightsError(f"{self.where}/{path}: larger than {most} bytes.")
        return b"".join([piece async for piece in self.pieces(found)])

    async def pieces(self, found: Found) -> AsyncIterator[bytes]:
        """The bytes of an object in order; several pieces are under way at any time.

        Raises:
            WeightsError: it changed meanwhile, or the store goes on failing.
        """
        under_way: deque[asyncio.Task[bytes]] = deque()
        try:
            for start in range(0, found.size, PIECE):
                under_way.append(asyncio.create_task(self._piece(found, start)))
                if len(under_way) > _AHEAD:
                    yield await under_way.popleft()
            while under_way:
                yield await under_way.popleft()
        finally:
            for task in under_way:
                task.cancel()
            await asyncio.gather(*under_way, return_exceptions=True)

    async def _piece(self, found: Found, start: int) -> bytes:
        end = min(start + PIECE, found.size)
        options: GetOptions = {"range": (start, end)}
        if found.tag:
            options["if_match"] = found.tag

        async def get() -> bytes:
            answer = await obstore.get_async(self._store, found.path, options=options)
            return bytes(await answer.bytes_async())

        piece = await self._patiently(found.path, get)
        if len(piece) != end - start:
            raise WeightsError(f"{self.where}/{found.path}: shorter than it was said to be.")
        return piece

    async def _patiently(self, path: str, ask: Callable[[], Awaitable[T]]) -> T:
        """What `ask` gives, asked again after failures that may pass."""
        name = f"{self.where}/{path}".rstrip("/")
        for pause in (*_PAUSES, None):
            try:
                return await ask()
            except FileNotFoundError as error:
                raise WeightsError(f"{name}: there is no such object.") from error
            except PreconditionError as error:
                raise WeightsError(f"{name}: it changed while it was read.") from error
            except (PermissionDeniedError, NotAuthenticatedError) as error:
                raise WeightsError(f"{name}: the store denies access.") from error
            except (BaseError, OSError, ValueError) as error:
                if pause is None:
                    raise WeightsError(f"{name}: {_reason(error)}") from error
                logger.info("%s: asked again in %g s: %s", name, pause, _reason(error))
                await asyncio.sleep(pause)
        raise AssertionError(name)


def _open(where: str) -> ObjectStore:
    if "://" not in where:
        return LocalStore(Path(where).absolute())
    return from_url(where) if where.startswith("file:") else from_url(where, retry_config=_PATIENCE)


def _found(meta: ObjectMeta) -> Found:
    tag = meta["e_tag"]
    version = tag or meta["last_modified"].isoformat()
    return Found(meta["path"], meta["size"], f"{version} {meta['size']}", tag)


def _reason(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
