"""Picture files to pixels, in processes of their own: a bad file may kill one, never the server.

Only formats that are needed, decided by their magic bytes; sizes are judged before pixels are
made; orientation is applied, everything else in the file is dropped. Knows nothing about HTTP.
"""

from __future__ import annotations

import asyncio
import os
import resource
import warnings
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from io import BytesIO
from multiprocessing import get_context, parent_process
from multiprocessing.connection import wait
from threading import Thread

from friendli_engine.request import Pixels
from PIL import Image, ImageChops, ImageOps, UnidentifiedImageError

from friendli_server.errors import ApiError

FORMATS = ("PNG", "JPEG", "WEBP", "GIF")
MAX_PIXELS = 25_000_000
MIN_SIDE, MAX_SIDE = 8, 8192
SHRINK_TO = 2048
"""No model looks closer; larger pictures only take time on their way."""
SECONDS = 10.0
_MEMORY = 2 * 2**30
_WHITE = (255, 255, 255, 255)


class Decoder:
    """A pool of processes that decode; it starts when first needed."""

    def __init__(self, workers: int | None = None) -> None:
        self._workers = workers or min(4, os.cpu_count() or 1)
        self._pool: ProcessPoolExecutor | None = None
        self._started: Future[int] | None = None

    async def decode(self, data: bytes, *, mask: bool = False) -> Pixels:
        """The first frame of the picture file `data`, upright, on white where it is transparent.

        A `mask` is white where it is transparent and black elsewhere, or grey if it is opaque.

        Raises:
            ApiError: it is not a picture that can be taken, or takes too long.
        """
        for _ in range(2):  # a broken pool may be a neighbour's doing
            pool = self._pool = self._pool or self._start()
            try:
                await self._until_started()
                async with asyncio.timeout(SECONDS):
                    loop = asyncio.get_running_loop()
                    decoded = await loop.run_in_executor(pool, decode, data, mask)
            except TimeoutError:
                self._kill(pool)
                raise ApiError("invalid_image", "The image takes too long to read.") from None
            except BrokenProcessPool:
                self._kill(pool)
            else:
                if isinstance(decoded, str):
                    raise ApiError(decoded)
                return decoded
        raise ApiError("invalid_image")

    def close(self) -> None:
        """End the processes."""
        if self._pool:
            self._kill(self._pool)

    def _start(self) -> ProcessPoolExecutor:
        context = get_context("forkserver")
        context.set_forkserver_preload([__name__])
        pool = ProcessPoolExecutor(self._workers, mp_context=context, initializer=_begin)
        self._started = pool.submit(os.getpid)
        return pool

    async def _until_started(self) -> None:
        """Starting takes long on a busy machine, which is no picture's fault."""
        if self._started:
            await asyncio.shield(asyncio.wrap_future(self._started))

    def _kill(self, pool: ProcessPoolExecutor) -> None:
        """End it now; `shutdown` alone would wait for a stuck decoder for ever."""
        if self._pool is pool:
            self._pool = None
        for process in list((pool._processes or {}).values()):  # noqa: SLF001  # public from 3.14
            process.kill()
        pool.shutdown(wait=False, cancel_futures=True)


def _begin() -> None:
    Thread(target=_leave_with_parent, daemon=True).start()
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))


def _leave_with_parent() -> None:
    """A pool's processes wait for work for ever, also of a server that was killed."""
    parent = parent_process()
    if parent:
        wait([parent.sentinel])
        os._exit(1)


def decode(data: bytes, mask: bool = False) -> Pixels | str:  # noqa: FBT001, FBT002  # executors
    """The pixels, or the error's code: our exceptions do not cross processes, texts should not."""
    Image.MAX_IMAGE_PIXELS = MAX_PIXELS
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    try:
        with Image.open(BytesIO(data), formats=FORMATS) as image:
            width, height = image.size
            if min(width, height) < MIN_SIDE:
                return "image_too_small"
            if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
                return "image_too_large"
            return _pixels(image, _masking if mask else _on_white)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        return "image_too_large"
    except UnidentifiedImageError:
        return "unsupported_image_media_type"
    except Exception:  # decoders raise almost anything at bad bytes
        return "invalid_image"


def _pixels(image: Image.Image, flatten: Callable[[Image.Image], Image.Image]) -> Pixels:
    image.draft("RGB", (SHRINK_TO, SHRINK_TO))  # lets JPEGs decode at a fraction of their size
    upright = ImageOps.exif_transpose(image)
    if upright.mode.startswith(("I", "F")):  # 16 bits a sample
        upright = upright.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    if upright.has_transparency_data:
        upright = flatten(upright.convert("RGBA"))
    rgb = upright.convert("RGB")
    rgb.thumbnail((SHRINK_TO, SHRINK_TO))
    return Pixels(*rgb.size, rgb.tobytes())


def _on_white(image: Image.Image) -> Image.Image:
    return Image.alpha_composite(Image.new("RGBA", image.size, _WHITE), image)


def _masking(image: Image.Image) -> Image.Image:
    """OpenAI's masks are transparent where to paint; other programs save grey ones as opaque."""
    clear = ImageChops.invert(image.getchannel("A"))
    return clear if clear.getbbox() else image
