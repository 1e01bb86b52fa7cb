"""From what a request names to pixels. Knows nothing about routes or models."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence

from friendli_engine.request import Pixels

from friendli_server.errors import ApiError
from friendli_server.intake.decode import Decoder
from friendli_server.intake.fetch import Fetcher
from friendli_server.intake.source import MAX_BYTES, decode_base64, is_url


class Intake:
    """Takes pictures in.

    Args:
        urls: whether pictures may be named by URL.
        allow: `host:port` of private hosts that they may be fetched from.
        fetcher: replaces the fetcher.
    """

    def __init__(
        self, *, urls: bool = True, allow: Collection[str] = (), fetcher: Fetcher | None = None
    ) -> None:
        self._fetcher = fetcher or Fetcher(allow)
        self._urls = urls
        self.decoder = Decoder()

    async def load(
        self, sources: Sequence[str], *, param: str, mask: bool = False
    ) -> tuple[Pixels, ...]:
        """The pictures, or the masks, that the field `param` gives.

        Raises:
            ApiError: one of them is not allowed, cannot be had or cannot be read.
        """
        try:
            files = await asyncio.gather(*map(self.read, sources))
            if sum(map(len, files)) > MAX_BYTES:
                raise ApiError("image_too_large", "The images are larger than 50 MiB in all.")
            return tuple(
                await asyncio.gather(*(self.decoder.decode(file, mask=mask) for file in files))
            )
        except ApiError as error:
            raise ApiError(error.code, error.message, param=param) from None

    async def read(self, source: str) -> bytes:
        """The picture file that `source` names or is.

        Raises:
            ApiError: it is not allowed or cannot be had.
        """
        if not is_url(source):
            return await asyncio.to_thread(decode_base64, source)
        if not self._urls:
            raise ApiError("invalid_image_url", "This server fetches no images from URLs.")
        return await self._fetcher.fetch(source)

    async def aclose(self) -> None:
        """End processes and connections."""
        self.decoder.close()
        await self._fetcher.aclose()
