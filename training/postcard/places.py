"""Skies and grounds: what stands behind the things, one function per place.

Each place paints a `Canvas` whose sky is done. It knows nothing of the things in front.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch

from .canvas import FAR, GROUND, ROAD, SEA, Canvas, soft

RGB = tuple[float, float, float]
AMBIENT: dict[str, RGB] = {
    "day": (1.0, 1.0, 1.0),
    "sunset": (1.0, 0.78, 0.70),
    "night": (0.40, 0.46, 0.74),
}
_SKY: dict[str, tuple[RGB, RGB]] = {
    "day": ((0.24, 0.56, 0.95), (0.76, 0.91, 0.99)),
    "sunset": ((0.40, 0.24, 0.58), (1.0, 0.60, 0.30)),
    "night": ((0.03, 0.04, 0.17), (0.16, 0.20, 0.46)),
}
_SUN: dict[str, RGB] = {
    "day": (1.0, 0.95, 0.60),
    "sunset": (1.0, 0.86, 0.45),
    "night": (0.97, 0.96, 0.86),
}
_CLOUD: dict[str, RGB] = {
    "day": (1.0, 1.0, 1.0),
    "sunset": (1.0, 0.74, 0.66),
    "night": (0.26, 0.30, 0.52),
}


def _rgb(canvas: Canvas, colour: RGB) -> torch.Tensor:
    return torch.tensor(colour, device=canvas.dice.device)[None, :, None, None]


def _stars(canvas: Canvas) -> None:
    x = canvas.dice[:, 40:64]
    y = canvas.dice[:, 64:88] * 0.45
    small = 0.004 + 0.004 * canvas.dice[:, 30:54]
    canvas.glow(canvas.blobs(x, y, small, small).clamp(max=1), _rgb(canvas, (0.8, 0.8, 0.7)))


def _clouds(canvas: Canvas, time: str) -> None:
    centre = torch.cat([canvas.roll()[:, 0] for _ in range(3)], 1)
    height = torch.cat([canvas.roll(0.06, 0.32)[:, 0] for _ in range(3)], 1)
    wide = torch.cat([canvas.roll(0.05, 0.09)[:, 0] for _ in range(3)], 1)
    x = torch.cat([centre - wide, centre, centre + wide], 1)
    y = torch.cat([height, height - 0.3 * wide, height], 1)
    size = torch.cat([0.8 * wide, wide, 0.7 * wide], 1)
    shown = (canvas.roll() < 0.6).float() * (0.5 if time == "night" else 0.95)
    puff = soft(canvas.blobs(x, y, size, size * 0.5) - 0.5, 0.3) * shown
    canvas.put(puff, _rgb(canvas, _CLOUD[time]))


def paint_sky(canvas: Canvas, time: str) -> torch.Tensor:
    """Gradient, stars, sun or moon, clouds; returns the height of the horizon [B, 1, 1]."""
    horizon = canvas.roll(0.48, 0.58)
    fade = (canvas.Y / horizon).clamp(0, 1)[:, None]
    top, bottom = (_rgb(canvas, colour) for colour in _SKY[time])
    top = top * (1 + canvas.roll(-0.1, 0.1)[:, None])
    canvas.rgb = (top + (bottom - top) * fade).expand(-1, -1, -1, canvas.size).contiguous()
    if time == "night":
        _stars(canvas)
    _sun(canvas, time, horizon)
    _clouds(canvas, time)
    canvas.cursor = 32
    return horizon


def _sun(canvas: Canvas, time: str, horizon: torch.Tensor) -> None:
    x = canvas.roll(0.12, 0.88)
    low = time == "sunset"
    y = horizon - canvas.roll(0.02, 0.12) if low else canvas.roll(0.10, 0.22)
    radius = canvas.roll(0.085, 0.11) if low else canvas.roll(0.055, 0.075)
    square = (canvas.X - x) ** 2 + (canvas.Y - y) ** 2
    light = _rgb(canvas, _SUN[time])
    canvas.glow(
        torch.exp(-square / (2.2 * radius) ** 2) * (0.18 if time == "night" else 0.35), light
    )
    canvas.put(soft(radius - square.sqrt(), canvas.pixel), light)
    canvas.sun = x  # type: ignore[attr-defined]


def _ground(canvas: Canvas, line: torch.Tensor, colour: torch.Tensor) -> None:
    near = (1.06 - 0.28 * ((canvas.Y - line) / (1 - line)).clamp(0, 1))[:, None]
    canvas.put(soft(canvas.Y - line, canvas.pixel), colour * near, GROUND)


def _ridge(canvas: Canvas, line: torch.Tensor, colour: torch.Tensor) -> None:
    canvas.put(soft(canvas.Y - line, canvas.pixel), colour, FAR)


def _speckle(canvas: Canvas, count: int, horizon: torch.Tensor, colour: torch.Tensor) -> None:
    x, y = canvas.dice[:, :count], canvas.dice[:, count : 2 * count]
    y = horizon[:, 0] + 0.06 + (0.94 - horizon[:, 0]) * y
    size = 0.006 + 0.022 * (y - 0.5).clamp(min=0)
    canvas.put((canvas.blobs(x, y, size, size * 0.7) * 1.5).clamp(0, 1), colour)


def _sea(canvas: Canvas, horizon: torch.Tensor, time: str) -> None:
    depth = ((canvas.Y - horizon) / (1 - horizon)).clamp(0, 1)[:, None]
    near, far = canvas.colour(0.05, 0.30, 0.62), canvas.colour(0.16, 0.55, 0.82)
    water = soft(canvas.Y - horizon, canvas.pixel)
    canvas.put(water, far + (near - far) * depth, SEA)
    ripple = torch.sin(canvas.Y * 150 + 3 * torch.sin(canvas.X * 8 + canvas.roll(0, 6)))
    canvas.glow((ripple > 0.8).float() * water * 0.10, canvas.ambient)
    path = torch.exp(-(((canvas.X - canvas.sun) / (0.06 + 0.15 * depth[:, 0])) ** 2))  # type: ignore[attr-defined]
    canvas.glow(path * water * (0.6 + 0.4 * ripple) * 0.35, _rgb(canvas, _SUN[time]))


def _road(canvas: Canvas, horizon: torch.Tensor, *, bend: float, wide: float) -> None:
    deep = ((canvas.Y - horizon - 0.03) / (0.97 - horizon)).clamp(0, 1)
    vanish = canvas.roll(0.3, 0.7)
    curve = canvas.roll(-bend, bend) * torch.sin(math.pi * deep)
    away = (canvas.X - (vanish + (0.5 - vanish) * deep + curve)).abs()
    width = 0.02 + wide * deep
    shown = (deep > 0).float()
    canvas.put(soft(width - away, canvas.pixel) * shown, canvas.colour(0.36, 0.37, 0.42), ROAD)
    edge = soft(width * 0.04 - (away - width * 0.9).abs(), canvas.pixel) * shown
    dash = soft(width * 0.045 - away, canvas.pixel) * ((torch.log(deep + 0.06) * 7) % 1 > 0.45)
    canvas.put(torch.maximum(edge, dash * shown) * 0.9, canvas.ambient)


def hills(canvas: Canvas, time: str, horizon: torch.Tensor) -> None:  # noqa: ARG001 - one shape for all
    """Blue mountains, green hills, meadow."""
    _ridge(canvas, horizon - 0.12 - canvas.wave(0.09, 1.3).abs(), canvas.colour(0.46, 0.54, 0.72))
    _ridge(canvas, horizon - 0.03 - canvas.wave(0.05, 1.7).abs(), canvas.colour(0.28, 0.50, 0.38))
    _ground(canvas, horizon + 0.03 + canvas.wave(0.015, 0.8), canvas.colour(0.36, 0.62, 0.26))


def hill_road(canvas: Canvas, time: str, horizon: torch.Tensor) -> None:
    """The sea to the horizon, a green headland on one side, a winding road in front."""
    _sea(canvas, horizon, time)
    side = torch.where(canvas.roll() < 0.5, 1.0, -1.0)
    slope = ((canvas.X - 0.5) * side + 0.12).clamp(min=0)
    far = horizon + 0.02 - slope * canvas.roll(0.5, 0.75) - canvas.wave(0.01, 2.0)
    _ridge(canvas, torch.where(slope > 0, far, 2.0), canvas.colour(0.26, 0.50, 0.34))
    _ground(canvas, horizon + 0.12 + canvas.wave(0.02, 0.7, 2), canvas.colour(0.42, 0.62, 0.28))
    _road(canvas, horizon + 0.10, bend=0.25, wide=0.40)


def ocean(canvas: Canvas, time: str, horizon: torch.Tensor) -> None:
    """Open water and a beach."""
    _sea(canvas, horizon, time)
    shore = canvas.roll(0.76, 0.82) + canvas.wave(0.02, 0.7, 2)
    canvas.put(soft(canvas.Y - shore + 0.012, canvas.pixel) * 0.8, canvas.ambient)
    _ground(canvas, shore, canvas.colour(0.97, 0.86, 0.62))


def _towers(canvas: Canvas, time: str, horizon: torch.Tensor, *, count: int, first: int) -> None:
    column = (canvas.X * count).long().clamp(0, count - 1)
    tall = canvas.dice[:, first : first + count][:, column[0, 0]][:, None]
    top = horizon - 0.09 - 0.26 * tall
    inside = canvas.X * count % 1
    body = (top < canvas.Y).float() * ((inside > 0.05) & (inside < 0.95))
    canvas.put(body, canvas.colour(0.50, 0.54, 0.66) * (0.8 + 0.35 * (tall * 7 % 1))[:, None], FAR)
    lit = (inside * 3 % 1 > 0.3) & (inside * 3 % 1 < 0.75)
    row = canvas.Y * 26
    chance = torch.sin((column * 3 + (inside * 3).long()) * 12.9 + row.long() * 78.2 + tall * 50)
    glass = lit & (row % 1 > 0.35) & (row % 1 < 0.8) & (chance > -0.2) & (top + 0.02 < canvas.Y)
    warm = {"day": (0.74, 0.86, 0.96), "sunset": (1.0, 0.82, 0.5), "night": (1.0, 0.86, 0.45)}
    canvas.put(glass.float() * body, _rgb(canvas, warm[time]))


def city(canvas: Canvas, time: str, horizon: torch.Tensor) -> None:
    """A skyline with lit windows, a street."""
    _towers(canvas, time, horizon, count=9, first=70)
    _ground(canvas, horizon + 0.0 * canvas.X, canvas.colour(0.58, 0.60, 0.64))
    _road(canvas, horizon, bend=0.02, wide=0.42)


def snow(canvas: Canvas, time: str, horizon: torch.Tensor) -> None:  # noqa: ARG001
    """White mountains, white ground."""
    _ridge(canvas, horizon - 0.12 - canvas.wave(0.10, 1.3).abs(), canvas.colour(0.74, 0.82, 0.94))
    _ridge(canvas, horizon - 0.03 - canvas.wave(0.05, 1.7).abs(), canvas.colour(0.86, 0.91, 0.98))
    _ground(canvas, horizon + 0.03 + canvas.wave(0.015, 0.8), canvas.colour(0.96, 0.98, 1.0, 0.03))


def desert(canvas: Canvas, time: str, horizon: torch.Tensor) -> None:  # noqa: ARG001
    """Two rows of dunes."""
    _ridge(
        canvas, horizon - 0.03 - canvas.wave(0.06, 0.9, 2).abs(), canvas.colour(0.90, 0.66, 0.38)
    )
    _ground(canvas, horizon + 0.05 + canvas.wave(0.03, 0.6, 2), canvas.colour(0.98, 0.80, 0.48))


def meadow(canvas: Canvas, time: str, horizon: torch.Tensor) -> None:  # noqa: ARG001
    """Soft green rises with flowers."""
    _ridge(
        canvas, horizon - 0.02 - canvas.wave(0.035, 1.2, 2).abs(), canvas.colour(0.38, 0.68, 0.34)
    )
    _ground(canvas, horizon + 0.04 + canvas.wave(0.015, 0.8), canvas.colour(0.48, 0.80, 0.30))
    _speckle(canvas, 24, horizon, canvas.colour(1.0, 0.72, 0.86))
    _speckle(canvas, 16, horizon, canvas.colour(1.0, 0.95, 0.50))


def forest(canvas: Canvas, time: str, horizon: torch.Tensor) -> None:  # noqa: ARG001
    """Two rows of fir tops, moss."""
    for row, (count, tone) in enumerate(((11, 0.72), (8, 0.52))):
        phase = canvas.X * count + canvas.roll()
        tooth = (phase % 1 - 0.5).abs() * 2
        tall = 0.75 + 0.25 * torch.sin(phase.floor() * 2.4 + canvas.roll(0, 6))
        line = horizon + 0.03 - (0.27 - 0.07 * row) * tall * (1 - 0.8 * tooth)
        _ridge(canvas, line, canvas.colour(0.20, 0.55, 0.36) * tone)
    _ground(canvas, horizon + 0.03 + canvas.wave(0.01, 0.8), canvas.colour(0.30, 0.50, 0.24))


PLACE: dict[str, Callable[[Canvas, str, torch.Tensor], None]] = {
    "hill road": hill_road,
    "hills": hills,
    "ocean": ocean,
    "city": city,
    "snow": snow,
    "desert": desert,
    "meadow": meadow,
    "forest": forest,
}
