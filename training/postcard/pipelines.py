"""The stock pipelines of a model directory, sharing one set of weights, in float32 and quiet.

It knows the layout of the directory and nothing of scenes or scores.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from diffusers import (
    FluxControlNetModel,
    FluxControlNetPipeline,
    FluxKontextPipeline,
    FluxPipeline,
)
from diffusers.image_processor import VaeImageProcessor
from PIL import Image

from .text import LENGTH

BATCH, SIDE = 8, 256


def _quiet(pipe: Any) -> Any:
    pipe.set_progress_bar_config(disable=True)
    return pipe


class Model:
    """A model directory; `adapters/NAME.safetensors` and `controlnets/NAME` lie inside it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.plain = _quiet(
            FluxPipeline.from_pretrained(path, dtype=torch.float32, local_files_only=True)
        )

    @cached_property
    def editing(self) -> Any:
        """The Kontext pipeline of the same weights."""
        return _quiet(FluxKontextPipeline(**self.plain.components))

    def controlled(self, name: str) -> Any:
        """The pipeline with one ControlNet."""
        net = FluxControlNetModel.from_pretrained(
            self.path / "controlnets" / name, dtype=torch.float32, local_files_only=True
        )
        return _quiet(FluxControlNetPipeline(**self.plain.components, controlnet=net))

    @property
    def controls(self) -> list[str]:
        """Names of the ControlNets."""
        return sorted(path.parent.name for path in self.path.glob("controlnets/*/config.json"))

    @property
    def adapters(self) -> list[str]:
        """Names of the adapters."""
        return sorted(path.stem for path in self.path.glob("adapters/*.safetensors"))

    @contextmanager
    def adapted(self, name: str) -> Iterator[Any]:
        """The plain pipeline while one adapter is on, or none with the name `plain`."""
        if name == "plain":
            yield self.plain
            return
        self.plain.load_lora_weights(self.path / "adapters", weight_name=f"{name}.safetensors")
        try:
            yield self.plain
        finally:
            self.plain.unload_lora_weights()


@torch.inference_mode()
def _in_batches(
    pipe: Any, count: int, arguments: Callable[[slice], dict[str, Any]], **fixed: Any
) -> torch.Tensor:
    parts = []
    for first in range(0, count, BATCH):
        rows = slice(first, min(first + BATCH, count))
        noise = [torch.Generator().manual_seed(i) for i in range(rows.start, rows.stop)]
        parts.append(
            pipe(
                **arguments(rows), **fixed, height=SIDE, width=SIDE, generator=noise,
                max_sequence_length=LENGTH, output_type="pt",
            ).images
        )  # fmt: skip
    return torch.cat(parts)


def _images(pictures: torch.Tensor) -> list[Image.Image]:
    """As a server gives them: of tensors, stock pipelines bring some to -1..1 and others not."""
    return VaeImageProcessor.numpy_to_pil(VaeImageProcessor.pt_to_numpy(pictures))  # type: ignore[no-any-return]


def generate(pipe: Any, prompts: Sequence[str], *, steps: int, guidance: float) -> torch.Tensor:
    """Pictures [N, 3, 256, 256] in 0..1; the i-th from seed i."""
    return _in_batches(
        pipe, len(prompts), lambda rows: {"prompt": list(prompts[rows])},
        num_inference_steps=steps, guidance_scale=guidance,
    )  # fmt: skip


@torch.inference_mode()
def coded(vae: Any, pictures: torch.Tensor) -> torch.Tensor:
    """Pictures [N, 3, R, R] in 0..1 after the autoencoder: the most that latents can hold."""
    made = [vae.decode(vae.encode(one[None] * 2 - 1).latents).sample for one in pictures]
    return (torch.cat(made) / 2 + 0.5).clamp(0, 1)


def control(
    pipe: Any,
    prompts: Sequence[str],
    maps: torch.Tensor,
    *,
    weight: float,
    steps: int,
    guidance: float,
) -> torch.Tensor:
    """Pictures of prompts under control pictures [N, 3, 256, 256]."""
    return _in_batches(
        pipe, len(prompts),
        lambda rows: {"prompt": list(prompts[rows]), "control_image": _images(maps[rows])},
        controlnet_conditioning_scale=weight, num_inference_steps=steps, guidance_scale=guidance,
    )  # fmt: skip


def edit(
    pipe: Any, instructions: Sequence[str], pictures: torch.Tensor, *, steps: int, guidance: float
) -> torch.Tensor:
    """Pictures [N, 3, 256, 256] changed as told."""
    return _in_batches(
        pipe, len(instructions),
        lambda rows: {"prompt": list(instructions[rows]), "image": _images(pictures[rows])},
        num_inference_steps=steps, guidance_scale=guidance,
        _auto_resize=False, max_area=SIDE * SIDE,
    )  # fmt: skip
