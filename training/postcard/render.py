"""Scenes to pictures: a pure, batched function of the scene records.

`render` gives pictures and label maps, `edges` the outline map made from a picture. It draws no
random number: equal scenes give equal pixels.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import torch
import torch.nn.functional as F

from .atlas import Sprite, load
from .canvas import SKY, THING, Canvas
from .places import AMBIENT, PLACE, paint_sky
from .scene import Scene, Thing
from .subjects import COLOURS, SUBJECTS

_LIT = {"day": 1.0, "sunset": 0.9, "night": 0.62}


def _painted(sprite: Sprite, colour: str | None) -> torch.Tensor:
    """Premultiplied colours and coverage [4, 256, 256] with the paint laid on."""
    rgb, alpha = sprite.rgba[:3], sprite.rgba[3:]
    if colour is not None:
        base = torch.tensor(COLOURS[colour])[:, None, None]
        shine = (sprite.shade - 1.05).clamp(min=0) * 0.8
        rgb = rgb + ((base * sprite.shade + shine).clamp(0, 1) - rgb) * sprite.mask
    return torch.cat([rgb * alpha, alpha])


def _shadow(canvas: Canvas, index: int, thing: Thing) -> None:
    numbers = torch.tensor((thing.x, thing.base - 0.01, thing.size * 0.40, thing.size * 0.064))
    x, y, wide, high = numbers.to(canvas.rgb.device).view(4, 1, 1)
    canvas.rgb[index] *= 1 - 0.45 * canvas.blobs(x, y, wide, high)[0]


def _light(canvas: Canvas, index: int, time: str) -> torch.Tensor:
    ambient = canvas.ambient[index]
    return ambient + (1 - ambient) * (_LIT[time] if time != "day" else 0.0)


def _stamp(canvas: Canvas, index: int, thing: Thing, *, slot: int, time: str) -> None:
    """Lay one sprite over picture `index`, its foot at `thing.base`."""
    sprite = load()[thing.subject]
    side = max(8, round(thing.size * canvas.size))
    tile = F.interpolate(
        _painted(sprite, thing.colour)[None], size=(side, side), mode="bilinear", antialias=True
    )[0]
    tile = tile.flip(-1) if thing.flip else tile
    left = round(thing.x * canvas.size - side / 2)
    top = round(thing.base * canvas.size - side * sprite.foot)
    x0, y0, x1, y1 = (
        max(left, 0),
        max(top, 0),
        min(left + side, canvas.size),
        min(top + side, canvas.size),
    )
    tile = tile[:, y0 - top : y1 - top, x0 - left : x1 - left].to(canvas.rgb.device)
    window = canvas.rgb[index, :, y0:y1, x0:x1]
    window *= 1 - tile[3:]
    window += tile[:3] * _light(canvas, index, time)
    canvas.label[index, y0:y1, x0:x1].masked_fill_(tile[3] > 0.5, THING + slot)


def _render_group(scenes: Sequence[Scene], size: int, device: torch.device) -> Canvas:
    """Scenes of one place and one time."""
    place, time = scenes[0].place, scenes[0].time
    dice = torch.tensor([scene.dice for scene in scenes], device=device)
    ambient = torch.tensor([AMBIENT[time]] * len(scenes), device=device)
    canvas = Canvas(dice, ambient, size)
    horizon = paint_sky(canvas, time)
    PLACE[place](canvas, time, horizon)
    for index, scene in enumerate(scenes):
        for slot, thing in enumerate(scene.things):
            if SUBJECTS[thing.subject].habitat == "land":
                _shadow(canvas, index, thing)
            _stamp(canvas, index, thing, slot=slot, time=time)
    return canvas


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
