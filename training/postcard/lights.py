"""What shines on things in the dark: lit windows, headlights and lamps of the sprites.

Pure data and one mask. Places are fractions of the sprite's tile. It knows nothing of scenes.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

Spot = tuple[float, float, float]
Rect = tuple[float, float, float, float]


@dataclass(frozen=True, kw_only=True)
class Lights:
    """What shines on one kind of thing.

    `windows`: areas whose glass or dark pixels shine (left, top, right, bottom); `lamps`: spots of
    light (x, y, radius); `beam`: the first lamp also throws light forward on the ground.
    """

    windows: tuple[Rect, ...] = ()
    lamps: tuple[Spot, ...] = ()
    beam: bool = False


def _car(x: float, y: float, *windows: Rect) -> Lights:
    return Lights(windows=windows, lamps=((x, y, 0.05),), beam=True)


LIGHTS: dict[str, Lights] = {
    "sports car": _car(0.09, 0.60),
    "car": _car(0.10, 0.71),
    "bus": _car(0.09, 0.71, (0.20, 0.30, 0.95, 0.60)),
    "pickup truck": _car(0.09, 0.71),
    "tractor": _car(0.09, 0.62),
    "train": _car(0.12, 0.61, (0.62, 0.26, 0.86, 0.48)),
    "jeep": _car(0.12, 0.64),
    "lorry": _car(0.09, 0.72),
    "fire engine": _car(0.10, 0.73),
    "taxi": _car(0.09, 0.72),
    "scooter": _car(0.26, 0.51),
    "house": Lights(windows=((0.53, 0.47, 0.76, 0.70),)),
    "castle": Lights(windows=((0.38, 0.36, 0.62, 0.46), (0.38, 0.72, 0.62, 0.95))),
    "lighthouse": Lights(windows=((0.42, 0.55, 0.58, 0.65),), lamps=((0.5, 0.19, 0.12),)),
    "church": Lights(windows=((0.40, 0.36, 0.60, 0.54), (0.18, 0.62, 0.82, 0.95))),
    "pagoda": Lights(
        windows=((0.15, 0.24, 0.85, 0.36), (0.15, 0.5, 0.85, 0.62), (0.15, 0.74, 0.85, 0.94))
    ),
    "tower": Lights(lamps=((0.5, 0.08, 0.05),)),
    "ship": Lights(windows=((0.34, 0.58, 0.85, 0.72), (0.36, 0.32, 0.80, 0.46))),
    "rocket": Lights(windows=((0.50, 0.24, 0.74, 0.48),)),
    "flying saucer": Lights(windows=((0.04, 0.30, 0.96, 0.74),)),
    "tent": Lights(windows=((0.08, 0.45, 0.42, 0.95),)),
    "pumpkin": Lights(windows=((0.15, 0.35, 0.85, 0.82),)),
    "lantern": Lights(lamps=((0.5, 0.5, 0.30),)),
}


def lit(rgba: torch.Tensor, lights: Lights) -> torch.Tensor:
    """How much of each pixel of a sprite [4, R, R] shines [1, R, R]: glass and holes in windows."""
    rgb, alpha = rgba[:3], rgba[3:]
    size = rgba.shape[-1]
    inside = torch.zeros_like(alpha)
    for left, top, right, bottom in lights.windows:
        x0, y0, x1, y1 = (round(edge * size) for edge in (left, top, right, bottom))
        inside[:, y0:y1, x0:x1] = 1
    blue = ((rgb[2:] - rgb[:1]) / 0.25 - 0.4).clamp(0, 1)
    dark = ((0.42 - rgb.amax(0, keepdim=True)) / 0.1).clamp(0, 1)
    return inside * torch.maximum(blue, dark) * alpha
