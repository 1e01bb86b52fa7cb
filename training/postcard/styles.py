"""Pictures redrawn in another manner: what the style adapters learn.

`stylise` is pure batched tensor code with fixed paper and fixed dither, so that equal pictures give
equal drawings. It knows nothing of scenes: any picture can be redrawn.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F

BLOCK = 4
"""Side of a pixel-art block in pixels."""
PALETTE = (
    "0b0d22 1b2150 2c3f86 2f6bd0 4d9cf0 8cc8fa c4e6fb ffffff "
    "e8edf5 c3cbd8 959dad 656c7c 3f4350 20222c 4a1f5c 7d3aa8 "
    "b67be0 ff8fc4 f0508c e0202c a0141c 6a1420 7a4524 b06a35 "
    "e08a3a ff8410 ffb637 ffdc3a fff3b0 f6d79c c8e06a 7ccc3c "
    "3c9c38 1f6b3a 14432f 0e8f8c 22c8c0 8a4a6d d87860 5c4a86 "
    "5c7c34 6c6a30 4a5424 2c3a1e 253b33 22324e 3a4a74 5468a8 "
    "98b0e0 f06a3c ffb08a "
)
"""51 colours: blues of night and day, greys, purples, pinks, reds, earths, yellows, greens."""
_BAYER = ((0, 8, 2, 10), (12, 4, 14, 6), (3, 11, 1, 9), (15, 7, 13, 5))


def _blur(pictures: torch.Tensor, sigma: float) -> torch.Tensor:
    reach = max(1, math.ceil(2.5 * sigma))
    away = torch.arange(-reach, reach + 1, device=pictures.device, dtype=pictures.dtype)
    bell = torch.exp(-0.5 * (away / sigma) ** 2)
    bell = (bell / bell.sum()).expand(pictures.shape[1], 1, 1, -1)
    wide = F.pad(pictures, (reach,) * 4, mode="replicate")
    return F.conv2d(F.conv2d(wide, bell, groups=len(bell)), bell.transpose(2, 3), groups=len(bell))


def _grey(pictures: torch.Tensor) -> torch.Tensor:
    weights = torch.tensor((0.30, 0.59, 0.11), device=pictures.device)
    return torch.einsum("bcyx,c->byx", pictures, weights)[:, None]


def _vivid(pictures: torch.Tensor, more: float) -> torch.Tensor:
    grey = _grey(pictures)
    return (grey + (pictures - grey) * more).clamp(0, 1)


def _slope(grey: torch.Tensor) -> torch.Tensor:
    wide = F.pad(grey, (1, 1, 1, 1), mode="replicate")
    across = wide[..., 1:-1, 2:] - wide[..., 1:-1, :-2]
    down = wide[..., 2:, 1:-1] - wide[..., :-2, 1:-1]
    return (across.square() + down.square()).sqrt() / 2


def _perceived(rgb: torch.Tensor) -> torch.Tensor:
    """Colours [..., 3] in a space where distances look even: lightness counts, hues stay apart."""
    red, green, blue = rgb.unbind(-1)
    light = 0.30 * red + 0.59 * green + 0.11 * blue
    return torch.stack([light * 1.3, (red - green) * 0.9, (blue - (red + green) / 2) * 0.7], -1)


def _nearest(pixels: torch.Tensor, palette: torch.Tensor) -> torch.Tensor:
    away = torch.cdist(_perceived(pixels.flatten(0, -2)), _perceived(palette))
    return palette[away.argmin(1)].view_as(pixels)


def palette(device: torch.device | str = "cpu") -> torch.Tensor:
    """The colours of `pixel-art` [51, 3] in 0..1."""
    rows = [[int(code[i : i + 2], 16) / 255 for i in (0, 2, 4)] for code in PALETTE.split()]
    return torch.tensor(rows, device=device)


def _pixel_art(pictures: torch.Tensor) -> torch.Tensor:
    side = pictures.shape[-1]
    cells = side // BLOCK
    small = F.interpolate(_vivid(pictures, 1.15), size=(cells, cells), mode="area")
    crisp = (small + 0.6 * (small - _blur(small, 1.0))).clamp(0, 1)
    step = (torch.tensor(_BAYER, device=pictures.device) / 15 - 0.5) * 0.035
    dither = step.repeat(-(-cells // 4), -(-cells // 4))[:cells, :cells]
    blocks = _nearest((crisp + dither).permute(0, 2, 3, 1), palette(pictures.device))
    return F.interpolate(blocks.permute(0, 3, 1, 2), size=(side, side), mode="nearest")


def _paper(side: int, device: torch.device) -> torch.Tensor:
    dice = torch.Generator().manual_seed(7)
    grain = _blur(torch.randn(1, 1, 256, 256, generator=dice), 0.8)
    return F.interpolate(grain, size=(side, side), mode="bilinear").to(device)


def _hatch(side: int, device: torch.device, *, pitch: float, tilt: float) -> torch.Tensor:
    """Pencil strokes [1, 1, R, R]: 1 on the middle of a stroke, 0 between two."""
    y, x = torch.meshgrid(*(torch.arange(side, device=device) * 256 / side,) * 2, indexing="ij")
    wobble = 1.2 * torch.sin(x / 23 + y / 31)
    along = x * math.cos(tilt) + y * math.sin(tilt) + wobble
    return ((torch.cos(2 * math.pi * along / pitch) + 1) / 2)[None, None] ** 2


def _sketch(pictures: torch.Tensor) -> torch.Tensor:
    side, device = pictures.shape[-1], pictures.device
    unit, grain = side / 256, _paper(side, device)
    pictures = pictures**0.75
    grey = _grey(pictures)
    line = _blur(grey, 0.9 * unit) - _blur(grey, 1.8 * unit)
    fine = (-line * 16 - 0.12).clamp(0, 1)
    firm = ((_slope(_blur(pictures, 0.8 * unit)).amax(1, keepdim=True) - 0.035) * 8).clamp(0, 1)
    dark = 1 - _blur(grey, 2.5 * unit)
    first = _hatch(side, device, pitch=7, tilt=0.9) * ((dark - 0.35) * 2.2).clamp(0, 1)
    second = _hatch(side, device, pitch=7, tilt=-0.7) * ((dark - 0.68) * 2.5).clamp(0, 1)
    shade = 0.42 * torch.maximum(first, second)
    graphite = (torch.maximum(torch.maximum(fine, firm), shade) * (1 + 0.5 * grain)).clamp(0, 1)
    sheet = torch.tensor((0.985, 0.965, 0.92), device=device).view(1, 3, 1, 1) + 0.02 * grain
    wash = sheet * (1 - 0.38 * (1 - _vivid(_blur(pictures, 1.5 * unit), 1.6)))
    pencil = torch.tensor((0.20, 0.20, 0.24), device=device).view(1, 3, 1, 1)
    return (wash + (pencil - wash) * 0.9 * graphite).clamp(0, 1)


def _even(pictures: torch.Tensor, rounds: int = 2) -> torch.Tensor:
    """Smooth within areas, not across outlines: a small bilateral filter, some rounds of it."""
    for _ in range(rounds):
        total, weight = pictures.clone(), torch.ones_like(pictures[:, :1])
        wide = F.pad(pictures, (6, 6, 6, 6), mode="replicate")
        side = pictures.shape[-1]
        for dy in range(0, 13, 3):
            for dx in range(0, 13, 3):
                near = wide[..., dy : dy + side, dx : dx + side]
                like = torch.exp(-(near - pictures).square().sum(1, keepdim=True) / 0.02)
                total, weight = total + like * near, weight + like
        pictures = total / weight
    return pictures


def _steps(values: torch.Tensor, levels: int) -> torch.Tensor:
    """Round to a few levels with a narrow ramp between them, so that outlines stay smooth."""
    scaled = values * levels
    floor = scaled.floor()
    return (floor + ((scaled - floor - 0.5) * 6 + 0.5).clamp(0, 1)) / levels


def _flat(pictures: torch.Tensor) -> torch.Tensor:
    even = _even(_vivid(pictures, 1.25))
    light = even.amax(1, keepdim=True)
    hue = even / light.clamp(min=0.05)
    return (_steps(light, 4) * _steps(hue, 6)).clamp(0, 1)


_STYLES: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "flat": _flat,
    "pixel-art": _pixel_art,
    "sketch": _sketch,
}
STYLES = tuple(_STYLES)


def stylise(pictures: torch.Tensor, style: str) -> torch.Tensor:
    """Pictures [B, 3, R, R] in 0..1, redrawn; raises `KeyError` for a style not in `STYLES`."""
    return _STYLES[style](pictures)
