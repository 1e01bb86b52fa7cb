"""The sprites: baked once from open icon sets into one WebP sheet, loaded as tensors.

`python -m postcard.atlas --npm DIR` bakes (needs the npm packages and resvg-py); training only
loads. Each sprite carries a paint mask and a shade map: painted = mask * colour * shade.
"""

from __future__ import annotations

import argparse
import io
import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from .subjects import SUBJECTS, Subject

TILE = 256
COLUMNS = 12
SHEET = Path(__file__).with_name("atlas.webp")
DRAWINGS = Path(__file__).with_name("drawings")


@dataclass(frozen=True)
class Sprite:
    """`rgba`: straight colours and coverage [4, 256, 256]; `mask`, `shade`: [1, 256, 256].

    `foot` is the lowest covered row as a fraction of the tile.
    """

    rgba: torch.Tensor
    mask: torch.Tensor
    shade: torch.Tensor
    foot: float


def _hue(rgb: torch.Tensor) -> torch.Tensor:
    return torch.atan2(math.sqrt(3) * (rgb[1] - rgb[2]), 2 * rgb[0] - rgb[1] - rgb[2])


def _main_hue(hue: torch.Tensor, weight: torch.Tensor) -> float:
    votes = torch.histc(hue[weight > 0.2], 36, -math.pi, math.pi)
    votes = votes + votes.roll(1) + votes.roll(-1)
    return (int(votes.argmax()) + 0.5) / 36 * 2 * math.pi - math.pi


def paint_mask(rgba: torch.Tensor, subject: Subject) -> torch.Tensor:
    """How much of each pixel is paint [256, 256]: near the wanted hue and saturated."""
    if subject.hue is None:
        return torch.zeros_like(rgba[3])
    rgb, alpha = rgba[:3], rgba[3]
    chroma = rgb.amax(0) - rgb.amin(0)
    saturation = chroma / (rgb.amax(0) + 1e-4)
    hue = _hue(rgb)
    if subject.hue == "auto":
        centre, reach = _main_hue(hue, chroma * alpha * (saturation > 0.35)), 0.62
    else:
        low, high = (math.radians(edge) for edge in subject.hue)
        centre, reach = (low + high) / 2, (high - low) / 2
    away = torch.atan2(torch.sin(hue - centre), torch.cos(hue - centre)).abs()
    return ((reach - away) / 0.1).clamp(0, 1) * ((saturation - 0.2) / 0.2).clamp(0, 1) * alpha


def _sprite(rgba: torch.Tensor, subject: Subject) -> Sprite:
    mask = paint_mask(rgba, subject)
    light = rgba[:3].amax(0)
    typical = (light * mask).sum() / (mask.sum() + 1e-4)
    shade = (light / typical.clamp(min=0.05)).clamp(0, 1.5)
    rows = (rgba[3] > 0.5).any(1).nonzero()
    return Sprite(rgba, mask[None], shade[None], (int(rows[-1]) + 1) / TILE)


@cache
def load(sheet: Path = SHEET) -> dict[str, Sprite]:
    """All sprites by subject name."""
    with Image.open(sheet) as picture:
        pixels = torch.from_numpy(np.array(picture.convert("RGBA"))).permute(2, 0, 1) / 255
    tiles = {}
    for index, (name, subject) in enumerate(SUBJECTS.items()):
        y, x = divmod(index, COLUMNS)
        tile = pixels[:, y * TILE : (y + 1) * TILE, x * TILE : (x + 1) * TILE]
        tiles[name] = _sprite(tile.contiguous(), subject)
    return tiles


def _draw(icon: str, npm: Path) -> Image.Image:
    if not icon.startswith("svg:"):
        path = npm / "@lobehub/fluent-emoji-3d/assets" / f"{icon}.webp"
        return Image.open(path).convert("RGBA").resize((TILE, TILE))
    import resvg_py  # noqa: PLC0415 - only baking needs it

    svg = (DRAWINGS / f"{icon.removeprefix('svg:')}.svg").read_text()
    return Image.open(io.BytesIO(bytes(resvg_py.svg_to_bytes(svg_string=svg, width=TILE))))


def bake(npm: Path, sheet: Path = SHEET) -> None:
    """Draw every subject's icon into one sheet."""
    rows = -(-len(SUBJECTS) // COLUMNS)
    picture = Image.new("RGBA", (COLUMNS * TILE, rows * TILE))
    for index, subject in enumerate(SUBJECTS.values()):
        y, x = divmod(index, COLUMNS)
        picture.paste(_draw(subject.icon, npm).convert("RGBA"), (x * TILE, y * TILE))
    picture.save(sheet, quality=88, method=6)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Bake the sprites into one sheet.")
    parser.add_argument("--npm", type=Path, required=True, help="a node_modules directory")
    bake(parser.parse_args().npm)
