"""Other ways to serve the same pictures, each as its documentation advises, in its own process.

All take the container's JSON and answer `{"image": base64 of RGB bytes}`. They cannot mix numbers
of steps, guidance or adapters in one call of a pipeline, so a batch is split into buckets
(`workload.plain`). With `FRIENDLI_BENCH_BLANK` set they make no pictures, which leaves the serving.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Sequence
from typing import Protocol

from friendli_engine.request import ImageRequest

MAX_BATCH = 8
WINDOW = 0.05
"""Seconds that a batch waits for more members: a little more than a denoiser step."""


class Painter(Protocol):
    """Makes pictures of requests."""

    def picture(self, request: ImageRequest) -> bytes:
        """The bytes of one."""

    def pictures(self, requests: Sequence[ImageRequest]) -> list[bytes]:
        """The bytes of each."""


class Blank:
    """Makes black pictures, in no time."""

    _bytes = bytes(256 * 256 * 3)

    def picture(self, request: ImageRequest) -> bytes:
        """Black."""
        del request
        return self._bytes

    def pictures(self, requests: Sequence[ImageRequest]) -> list[bytes]:
        """All black."""
        return [self._bytes] * len(requests)


def painter() -> Painter:
    """Plain diffusers, or what costs nothing."""
    if "FRIENDLI_BENCH_BLANK" in os.environ:
        return Blank()
    from benchmarks.workload.plain import Plain, quiet  # noqa: PLC0415  # torch, where needed

    quiet()
    return Plain()


def answer(picture: bytes) -> dict[str, str]:
    """The container's JSON."""
    return {"image": base64.b64encode(picture).decode()}
