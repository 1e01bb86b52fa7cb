"""Light and weather: the colours of a time of day, what is in the sky, and what falls from it.

It knows nothing of places or things.
"""

from __future__ import annotations

import torch

from .canvas import FAR, GROUND, ROAD, Canvas, soft

RGB = tuple[float, float, float]
AMBIENT: dict[str, RGB] = {
    "day": (1.0, 1.0, 1.0),
    "sunset": (1.0, 0.78, 0.70),
    "night": (0.40, 0.46, 0.74),
    "rain": (0.66, 0.71, 0.78),
    "snowfall": (0.86, 0.90, 0.96),
}
SKIES: dict[str, tuple[RGB, RGB]] = {
    "day": ((0.24, 0.56, 0.95), (0.76, 0.91, 0.99)),
    "sunset": ((0.40, 0.24, 0.58), (1.0, 0.60, 0.30)),
    "night": ((0.03, 0.04, 0.17), (0.16, 0.20, 0.46)),
    "rain": ((0.36, 0.42, 0.52), (0.66, 0.72, 0.78)),
    "snowfall": ((0.58, 0.66, 0.78), (0.88, 0.92, 0.97)),
}
SUN: dict[str, RGB] = {
    "day": (1.0, 0.95, 0.60),
    "sunset": (1.0, 0.86, 0.45),
    "night": (0.97, 0.96, 0.86),
    "rain": (0.70, 0.74, 0.80),
    "snowfall": (0.92, 0.94, 0.98),
}
_CLOUD: dict[str, RGB] = {
    "day": (1.0, 1.0, 1.0),
    "sunset": (1.0, 0.74, 0.66),
    "night": (0.26, 0.30, 0.52),
    "rain": (0.30, 0.34, 0.42),
    "snowfall": (0.80, 0.84, 0.91),
}
WEATHERS = ("rain", "snowfall")


def _stars(canvas: Canvas) -> None:
    x = canvas.dice[:, 40:64]
    y = canvas.dice[:, 64:88] * 0.45
    small = 0.004 + 0.004 * canvas.dice[:, 30:54]
    canvas.glow(canvas.blobs(x, y, small, small).clamp(max=1), canvas.plain((0.8, 0.8, 0.7)))


def _clouds(canvas: Canvas, time: str) -> None:
    centre = torch.cat([canvas.roll()[:, 0] for _ in range(3)], 1)
    height = torch.cat([canvas.roll(0.06, 0.32)[:, 0] for _ in range(3)], 1)
    wide = torch.cat([canvas.roll(0.05, 0.09)[:, 0] for _ in range(3)], 1)
    x = torch.cat([centre - wide, centre, centre + wide], 1)
    y = torch.cat([height, height - 0.3 * wide, height], 1)
    size = torch.cat([0.8 * wide, wide, 0.7 * wide], 1)
    shown = (canvas.roll() < 0.6).float() * (0.5 if time == "night" else 0.95)
    if time in WEATHERS:
        shown, size = torch.full_like(shown, 0.8), size * 1.5
    puff = soft(canvas.blobs(x, y, size, size * 0.5) - 0.5, 0.3) * shown
    canvas.put(puff, canvas.plain(_CLOUD[time]))


def paint_sky(canvas: Canvas, time: str) -> torch.Tensor:
    """Gradient, stars, sun or moon, clouds; returns the height of the horizon [B, 1, 1]."""
    horizon = canvas.roll(0.48, 0.58)
    fade = (canvas.Y / horizon).clamp(0, 1)[:, None]
    top, bottom = (canvas.plain(colour) for colour in SKIES[time])
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
    light = canvas.plain(SUN[time])
    canvas.glow(
        torch.exp(-square / (2.2 * radius) ** 2) * (0.18 if time == "night" else 0.35), light
    )
    canvas.sun = x
    if time not in WEATHERS:
        canvas.put(soft(radius - square.sqrt(), canvas.pixel), light)


def settle(canvas: Canvas) -> None:
    """Fresh snow over everything that is no sky, no water and no thing."""
    depth = torch.zeros_like(canvas.rgb[:, 0])
    for label, share in ((GROUND, 0.84), (FAR, 0.55), (ROAD, 0.4)):
        depth = torch.where(canvas.label == label, share, depth)
    canvas.put(depth, canvas.plain((0.97, 0.98, 1.0)) * canvas.ambient)


def _scatter(count: int, device: torch.device) -> torch.Tensor:
    """The same `count` places over the picture each time [3, 1, count]."""
    return torch.rand(3, 1, count, generator=torch.Generator().manual_seed(count)).to(device)


def _flakes(canvas: Canvas) -> None:
    x, y, size = _scatter(110, canvas.dice.device)
    drift = canvas.dice[:, 90:91], canvas.dice[:, 91:92]
    radius = 0.003 + 0.008 * size**2
    spots = canvas.blobs((x + drift[0]) % 1, (y + drift[1]) % 1, radius, radius)
    canvas.put((spots * 1.6).clamp(0, 0.95), canvas.plain((1.0, 1.0, 1.0)))


def _drops(canvas: Canvas, *, columns: int, shown: float) -> None:
    """One layer of slanted streaks: thin columns, each falling by its own amount."""
    along = (canvas.X + 0.22 * canvas.Y + canvas.dice[:, 90, None, None]) * columns
    column = along.floor()
    chance = torch.sin(column * 12.9898) * 43.758
    height = canvas.Y * columns / 9 + chance + canvas.dice[:, 91, None, None]
    thin = 1 - ((along - column - 0.5).abs() * 2 - 0.12).clamp(0, 0.15) / 0.15
    long = soft(0.22 - (height % 1 - 0.5).abs(), 0.1)
    canvas.put(thin * long * shown, canvas.plain((0.86, 0.92, 1.0)))


def paint_weather(canvas: Canvas, time: str) -> None:
    """Rain or snow in the air, in front of all; nothing at other times."""
    if time == "rain":
        _drops(canvas, columns=44, shown=0.30)
        _drops(canvas, columns=23, shown=0.45)
    elif time == "snowfall":
        _flakes(canvas)
