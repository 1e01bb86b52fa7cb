"""Scenes to pictures: a pure, batched function of the scene records.

`render` gives pictures and label maps, `edges` the outline map made from a picture. It draws no
random number: equal scenes give equal pixels.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import torch
import torch.nn.functional as F

from .canvas import SKY, Canvas
from .elsewhere import LIGHT
from .places import PLACE
from .scene import Scene
from .skies import AMBIENT, paint_sky, paint_weather, settle
from .things import draw_things


def _render_group(scenes: Sequence[Scene], size: int, device: torch.device) -> Canvas:
    """Scenes of one place and one time."""
    place, time = scenes[0].place, scenes[0].time
    dice = torch.tensor([scene.dice for scene in scenes], device=device)
    own = LIGHT.get(place)
    light = AMBIENT[time] if own is None else own.get(time, next(iter(own.values())))
    ambient = torch.tensor([light] * len(scenes), device=device)
    canvas = Canvas(dice, ambient, size)
    horizon = paint_sky(canvas, time)
    PLACE[place](canvas, time, horizon)
    if time == "snowfall" and own is None:
        settle(canvas)
    for index, scene in enumerate(scenes):
        draw_things(canvas, index, scene)
    if own is None:
        paint_weather(canvas, time)
    elif place == "room":
        _through_the_window(canvas, time)
    return canvas


def _through_the_window(canvas: Canvas, time: str) -> None:
    indoors = canvas.rgb.clone()
    paint_weather(canvas, time)
    canvas.rgb = torch.where((canvas.label == SKY)[:, None], canvas.rgb, indoors)


@torch.inference_mode()
def render(
    scenes: Sequence[Scene], *, size: int = 256, device: torch.device | str = "cpu"
) -> tuple[torch.Tensor, torch.Tensor]:
    """Pictures [B, 3, size, size] in 0..1 and label maps [B, size, size] uint8."""
    device = torch.device(device)
    rgb = torch.empty(len(scenes), 3, size, size, device=device)
    label = torch.full((len(scenes), size, size), SKY, dtype=torch.uint8, device=device)
    groups: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for index, scene in enumerate(scenes):
        groups[scene.place, scene.time].append(index)
    for rows in groups.values():
        canvas = _render_group([scenes[row] for row in rows], size, device)
        rgb[rows], label[rows] = canvas.rgb.clamp(0, 1), canvas.label
    return rgb, label


def edges(pictures: torch.Tensor) -> torch.Tensor:
    """Sobel outlines [B, 1, R, R] in 0..1 of pictures [B, 3, R, R]."""
    grey = F.pad(pictures.mean(1, keepdim=True), (1, 1, 1, 1), mode="replicate")
    kernel = torch.tensor([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]], device=pictures.device)
    both = torch.stack([kernel, kernel.T])[:, None]
    return F.conv2d(grey, both).square().sum(1, keepdim=True).sqrt().clamp(0, 1)
