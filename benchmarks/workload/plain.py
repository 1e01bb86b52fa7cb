"""Plain diffusers with Postcard's weights: what everything else is compared with.

The stock pipelines are called as their documentation says, one request after the other or several
equal ones as one batch. Nothing parks and nothing is shared; only the mapping from a request to a
pipeline's arguments is the engine's own, so that all contenders are asked for the same.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any

import diffusers
import friendli_postcard
import numpy as np
import torch
import transformers
from friendli_engine.loading import load
from friendli_engine.model import Model
from friendli_engine.request import ImageRequest

ADAPTERS = {path.stem: path for path in friendli_postcard.path().glob("adapters/*.safetensors")}
CONTROLNETS = {
    path.parent.name: path.parent
    for path in sorted(friendli_postcard.path().glob("controlnets/*/config.json"))
}


def postcard() -> Model:
    """The embedded model with its ControlNets."""
    return load(friendli_postcard.path(), controlnets=CONTROLNETS)


def quiet() -> None:
    """No progress bars, no advice."""
    for library in (diffusers, transformers):
        library.utils.logging.set_verbosity_error()
        library.utils.logging.disable_progress_bar()


class Plain:
    """Pictures from the stock pipelines.

    Args:
        adapters: loaded the stock way, and switched on for the requests that ask for them.
    """

    def __init__(self, adapters: Mapping[str, Path] = ADAPTERS) -> None:
        self.model = postcard()
        self._worn: str | None = None
        for quietened in self.model.pipelines.values():
            quietened.set_progress_bar_config(disable=True)
        pipeline = self.model.pipelines["generate"]
        for name, path in adapters.items():
            pipeline.load_lora_weights(str(path), adapter_name=name)
        if adapters:
            pipeline.disable_lora()

    def picture(self, request: ImageRequest) -> bytes:
        """The bytes of one picture."""
        return self._call(request, self.model.arguments_for(request))[0]

    def pictures(self, requests: Sequence[ImageRequest]) -> list[bytes]:
        """The bytes of each; those that one call of a pipeline can make are made by one call."""
        made: dict[int, bytes] = {}
        for members in self._buckets(requests).values():
            batch = [requests[index] for index in members]
            made |= zip(members, self._batch(batch), strict=True)
        return [made[index] for index in range(len(requests))]

    def _buckets(self, requests: Sequence[ImageRequest]) -> dict[Hashable, list[int]]:
        """A stock call has one number of steps, one guidance and one adapter for all its rows."""
        buckets: dict[Hashable, list[int]] = {}
        for index, request in enumerate(requests):
            alone = request.images or request.control_images
            key = index if alone else (request.steps, request.guidance, request.adapter)
            buckets.setdefault(key, []).append(index)
        return buckets

    def _batch(self, requests: Sequence[ImageRequest]) -> list[bytes]:
        arguments = [self.model.arguments_for(request) for request in requests]
        if len(requests) == 1:
            return self._call(requests[0], arguments[0])
        lists = {k: [one[k] for one in arguments] for k in ("prompt", "generator")}
        return self._call(requests[0], arguments[0] | lists)

    @torch.inference_mode()
    def _call(self, request: ImageRequest, arguments: dict[str, Any]) -> list[bytes]:
        self._wear(request.adapter)
        images = self.model.pipeline_for(request)(**arguments).images
        return [(image * 255).round().astype(np.uint8).tobytes() for image in images]

    def _wear(self, adapter: str | None) -> None:
        """Switch only where it changes: walking all layers takes time."""
        pipeline = self.model.pipelines["generate"]
        if adapter == self._worn:
            return
        if adapter is None:
            pipeline.disable_lora()
        else:
            pipeline.enable_lora()
            pipeline.set_adapters(adapter)
        self._worn = adapter
