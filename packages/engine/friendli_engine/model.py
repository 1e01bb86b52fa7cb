"""A loaded model: pipelines that share weights, and how a request becomes a call of one of them.

Knows the family's record and the model's own wishes; nothing of batching, files or processes.
"""

from __future__ import annotations

import inspect
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch
from PIL import Image

from .families import Family
from .outline import outline
from .request import ImageRequest, ModelInfo, Pixels


class Shape(NamedTuple):
    """What decides how much time a step of a request takes, and how much memory."""

    task: str
    width: int
    height: int
    pictures: int
    guided: bool
    """Whether classifier-free guidance may double its rows."""

    @property
    def pixels(self) -> int:
        """Of the result."""
        return self.width * self.height


@dataclass(frozen=True, eq=False)
class Model:
    """What `loading.load` returns. `pipelines` holds one stock pipeline per task.

    The tasks are "generate", "edit", "inpaint" and "control-1", "control-2", ...: for so many
    control images, which go to the first ControlNets. The pipelines share their networks.
    """

    info: ModelInfo
    family: Family
    pipelines: Mapping[str, Any]
    device: torch.device
    dtype: torch.dtype
    fixed: Mapping[str, Any] = field(default_factory=dict)
    """Arguments that every call gets where its pipeline accepts them."""
    free_aspect: bool = True
    """Whether a given picture's aspect ratio decides the size, or the native size always holds."""
    control_modes: tuple[int | None, ...] = ()
    """What each ControlNet follows, if it can follow several things."""

    outlined: Collection[str] = ()
    """ControlNets that read outlines, which are made of any picture that they are given."""

    def pipeline_for(self, request: ImageRequest) -> Any:
        """The pipeline of the request's task."""
        return self.pipelines[_task(request)]

    def shape_of(self, request: ImageRequest) -> Shape:
        """Requests of one shape cost alike."""
        pictures = len(request.images) + len(request.control_images)
        guided = not self.family.embedded and self._guidance(request) > 1
        return Shape(_task(request), *self.size_of(request), pictures, guided)

    def arguments_for(self, request: ImageRequest) -> dict[str, Any]:
        """Keyword arguments for the stock pipeline, limited to those it accepts."""
        width, height = self.size_of(request)
        arguments: dict[str, Any] = {
            "prompt": request.prompt,
            "num_inference_steps": request.steps,
            self.family.guidance: self._guidance(request),
            "negative_prompt": self.family.negative_prompt if self._guidance(request) > 1 else None,
            "width": width,
            "height": height,
            "max_area": width * height,  # Kontext's word for it; without it: always a megapixel
            "generator": torch.Generator().manual_seed(request.seed),
            "output_type": "np",
        }
        arguments |= self.family.fixed | dict(self.fixed) | self._pictures(request, (width, height))
        accepted = inspect.signature(self.pipeline_for(request).__call__).parameters
        return {k: v for k, v in arguments.items() if k in accepted and v is not None}

    def _guidance(self, request: ImageRequest) -> float:
        """0 switches classifier-free guidance off; embedded guidance has no off, so the default."""
        if request.guidance is None or (self.family.embedded and request.guidance == 0):
            return self.info.guidance
        return request.guidance

    def size_of(self, request: ImageRequest) -> tuple[int, int]:
        """Asked for, or native, or the native area in the given picture's aspect: width, height."""
        info, pictures = self.info, request.images or request.control_images
        if request.width or request.height or not pictures or not self.free_aspect:
            return request.width or info.width, request.height or info.height
        aspect = clamped(pictures[0].width / pictures[0].height)
        area = info.width * info.height
        width, height = (area * aspect) ** 0.5, (area / aspect) ** 0.5
        return self._rounded(width), self._rounded(height)

    def _rounded(self, side: float) -> int:
        """The nearest multiple, downwards, so that the clamp on pixels holds."""
        return max(int(side) // self.info.multiple, 1) * self.info.multiple

    def _pictures(self, request: ImageRequest, size: tuple[int, int]) -> dict[str, Any]:
        """Pictures brought to the output's size: stock pipelines take any size and run out."""
        if request.control_images:
            images = self._controlling(request.control_images, size)
            weights = request.control_weights or (1.0,) * len(images)
            return self._controls(images, list(weights))
        if request.mask:
            mask = to_image(request.mask, size).convert("L")
            # 1.0: nothing of what the mask covers remains, and every step that was asked for is run
            return {"image": to_image(request.images[0], size), "mask_image": mask, "strength": 1.0}
        if request.images:
            return {"image": self._edited(request.images, size)}
        return {}

    def _edited(self, pictures: Sequence[Pixels], size: tuple[int, int]) -> Any:
        """One picture, or several in the way that the family takes them."""
        if len(pictures) == 1:
            return to_image(pictures[0], size)
        if self.family.several == "list":
            return [to_image(pixels, size) for pixels in pictures]
        strip = side_by_side(pictures, area=size[0] * size[1])
        sides = self._rounded(strip.width), self._rounded(strip.height)
        return strip.resize(sides, Image.Resampling.LANCZOS)

    def _controlling(self, pictures: Sequence[Pixels], size: tuple[int, int]) -> list[Image.Image]:
        """The i-th picture as the i-th ControlNet reads it."""
        images = [to_image(pixels, size) for pixels in pictures]
        pairs = zip(self.info.controlnets, images, strict=False)
        return [outline(image) if name in self.outlined else image for name, image in pairs]

    def _controls(self, images: list[Image.Image], weights: list[float]) -> dict[str, Any]:
        """Lists for several images, bare values for one, as the stock pipelines want them."""
        modes = list(self.control_modes[: len(images)])
        given: dict[str, list[Any] | None] = {
            self.family.control_image: images,
            "controlnet_conditioning_scale": weights,
            "control_mode": modes if any(mode is not None for mode in modes) else None,
        }
        if len(images) > 1:
            return given
        return {name: values[0] if values else None for name, values in given.items()}


def _task(request: ImageRequest) -> str:
    if request.control_images:
        return f"control-{len(request.control_images)}"
    if request.mask:
        return "inpaint"
    return "edit" if request.images else "generate"


def to_image(pixels: Pixels, size: tuple[int, int]) -> Image.Image:
    """`pixels` as a Pillow image of `size` (width, height)."""
    image = Image.frombytes("RGB", (pixels.width, pixels.height), pixels.data)
    return image if image.size == size else image.resize(size, Image.Resampling.LANCZOS)


def side_by_side(pictures: Sequence[Pixels], *, area: int) -> Image.Image:
    """`pictures` from left to right, equally high, about `area` pixels in all."""
    aspects = [clamped(pixels.width / pixels.height) for pixels in pictures]
    height = (area / sum(aspects)) ** 0.5
    sizes = [(max(round(height * aspect), 1), max(round(height), 1)) for aspect in aspects]
    strip = Image.new("RGB", (sum(width for width, _ in sizes), sizes[0][1]))
    left = 0
    for pixels, size in zip(pictures, sizes, strict=True):
        strip.paste(to_image(pixels, size), (left, 0))
        left += size[0]
    return strip


def clamped(aspect: float) -> float:
    """Nothing is wider than 3:1 or higher than 1:3."""
    return min(max(aspect, 1 / 3), 3)
