"""Pictures in an object store: put, link, read, delete. Knows no HTTP and no quota.

The path of a picture begins with its team's id, so that a team's pictures can go at once. Writes
are atomic in every store that obstore offers: a reader sees a whole picture or none.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

import obstore
from obstore.exceptions import BaseError
from obstore.store import AzureStore, GCSStore, LocalStore, ObjectStore, S3Store, from_url
from sqlalchemy import delete, select

from friendli_server.dedicated.database import Database, now

from .models import StoredResult
from .signing import LinkSigner

if TYPE_CHECKING:
    from obstore.store import RetryConfig

MEDIA_TYPES: Final = {"jpg": "image/jpeg", "png": "image/png"}
_SWEEP = 500
_PATIENCE: Final[RetryConfig] = {
    "max_retries": 3,
    "retry_timeout": timedelta(seconds=10),
    "backoff": {
        "init_backoff": timedelta(milliseconds=100),
        "max_backoff": timedelta(seconds=1),
        "base": 2,
    },
}
"""By itself the library would try for three minutes, and a client wait as long."""


class StorePlaceError(Exception):
    """There is no opening a store at this place: a wrong address, or settings it asks for."""


class StorageUnavailableError(Exception):
    """The store could not take or give a picture: full, read-only or out of reach."""


def open_store(where: str) -> ObjectStore:
    """A store from a folder or a URL: `s3://bucket/prefix`, `gs://…`, `az://…`, `memory:///`.

    Raises:
        StorePlaceError: with the store's own reason.
    """
    try:
        if "://" in where:
            remote = not where.startswith(("memory:", "file:"))
            return from_url(where, retry_config=_PATIENCE) if remote else from_url(where)
        return LocalStore(Path(where).absolute(), mkdir=True)
    except (BaseError, OSError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise StorePlaceError(f"{where}: {reason}") from error


class ResultStore:
    """The store together with the table that remembers whose each picture is."""

    def __init__(
        self,
        database: Database,
        store: ObjectStore,
        *,
        signer: LinkSigner,
        public_url: str,
        presign: bool = True,
    ) -> None:
        """`public_url` is where clients reach this service, without a path.

        With `presign`, a store that can sign links does, and clients fetch from it directly.
        """
        self._database = database
        self._store = store
        self.signer = signer
        self._presign = presign
        self._public_url = public_url.rstrip("/")

    async def put(
        self, picture: bytes, *, team_id: str, endpoint_id: str, name: str, extension: str
    ) -> StoredResult:
        """Keep a picture; the row to remember it by. The same name again replaces it.

        Raises:
            StorageUnavailableError: nothing was kept.
        """
        path = f"{team_id}/{name}.{extension}"
        attributes = {"Content-Type": MEDIA_TYPES[extension], "Content-Disposition": "inline"}
        remote = isinstance(self._store, S3Store | GCSStore | AzureStore)
        try:
            await obstore.put_async(
                self._store, path, picture, attributes=attributes if remote else None
            )
        except (BaseError, OSError) as error:
            raise StorageUnavailableError from error
        return StoredResult(path=path, team_id=team_id, endpoint_id=endpoint_id, size=len(picture))

    async def link(self, path: str) -> str:
        """A URL that shows the picture until it expires: the store's own if it can sign.

        Raises:
            StorageUnavailableError: the store can sign but does not, for want of credentials.
        """
        if self._presign and isinstance(self._store, S3Store | GCSStore | AzureStore):
            lifetime = timedelta(seconds=self.signer.lifetime)
            try:
                return await obstore.sign_async(self._store, "GET", path, lifetime)
            except (BaseError, OSError) as error:
                raise StorageUnavailableError from error
        return f"{self._public_url}/dedicated/results/{quote(path)}?{self.signer.query(path)}"

    async def read(self, path: str) -> bytes | None:
        """The picture, or `None` if it is gone.

        Raises:
            StorageUnavailableError: the store is out of reach.
        """
        try:
            answer = await obstore.get_async(self._store, path)
            return bytes(await answer.bytes_async())
        except (FileNotFoundError, ValueError):
            return None
        except (BaseError, OSError) as error:
            raise StorageUnavailableError from error

    async def delete_team(self, team_id: str) -> None:
        """Delete every picture of a team, also those the table no longer knows."""
        async for page in obstore.list(self._store, prefix=team_id):
            await self._delete([meta["path"] for meta in page])

    async def sweep(self, *, older_than: timedelta) -> int:
        """Delete up to a few hundred pictures past their retention; how many went."""
        async with self._database.transaction() as session:
            paths = (
                await session.scalars(
                    select(StoredResult.path)
                    .where(StoredResult.created_at < now() - older_than)
                    .limit(_SWEEP)
                )
            ).all()
        await self._delete(paths)
        return len(paths)

    async def _delete(self, paths: Sequence[str]) -> None:
        for path in paths:  # a store may refuse to delete what is gone already
            try:
                await obstore.delete_async(self._store, path)
            except FileNotFoundError:
                continue
        async with self._database.transaction() as session:
            await session.execute(delete(StoredResult).where(StoredResult.path.in_(paths)))
