"""Places without the common sky: space, the sea floor, a room.

They paint over the whole `Canvas`. They know nothing of the things in front.
"""

from __future__ import annotations

import math

import torch

from .canvas import FAR, SEA, SKY, Canvas, soft
from .skies import RGB, SKIES, SUN
from .terrain import ground, ridge

LIGHT: dict[str, dict[str, RGB]] = {
    "space": {"night": (0.82, 0.84, 1.0)},
    "underwater": {"day": (0.72, 0.92, 1.0), "night": (0.36, 0.52, 0.82)},
    "room": {
        "day": (1.0, 0.98, 0.95), "sunset": (1.0, 0.84, 0.72), "night": (0.88, 0.68, 0.52),
        "rain": (0.84, 0.84, 0.88), "snowfall": (0.90, 0.92, 0.98),
    },
}  # fmt: skip
"""The light of these places at the times they have; the first is the usual one."""


def _clear(canvas: Canvas, top: torch.Tensor, bottom: torch.Tensor, label: int) -> None:
    fade = canvas.Y[:, None]
    canvas.rgb = (top + (bottom - top) * fade).expand(len(canvas.dice), -1, -1, canvas.size).clone()
    canvas.label.fill_(label)


def _spots(canvas: Canvas, first: int, count: int, *, low: float, high: float) -> torch.Tensor:
    """Across, down and a third number of `count` spots [3, B, count], from dice `first` on."""
    x = canvas.dice[:, first : first + count]
    y = low + (high - low) * canvas.dice[:, first + count : first + 2 * count]
    return torch.stack([x, y, x.flip(1)])


def _planet(canvas: Canvas) -> None:
    x, y, radius = canvas.roll(0.14, 0.86), canvas.roll(0.13, 0.30), canvas.roll(0.085, 0.13)
    warm, cool = canvas.plain((0.98, 0.62, 0.34)), canvas.plain((0.42, 0.74, 0.96))
    body = warm + (cool - warm) * canvas.roll()[:, None]
    across, down = (canvas.X - x) / radius, (canvas.Y - y) / radius
    bands = 1 + 0.12 * torch.sin(9 * (down + 0.25 * across) + canvas.roll(0, 6))
    shade = (0.75 - 0.35 * across + -0.25 * down).clamp(0.25, 1.15)
    ring = ((across * 0.94 + down * 0.34) ** 2 + ((down * 0.94 - across * 0.34) / 0.26) ** 2).sqrt()
    band = soft(0.26 - (ring - 1.62).abs(), 0.06) * 0.85
    front = (down * 0.94 - across * 0.34 > 0).float()
    tint = body * 0.6 + 0.4
    canvas.put(band * (1 - front), tint, FAR)
    canvas.put(soft(1 - (across**2 + down**2).sqrt(), 0.05), body * (bands * shade)[:, None], FAR)
    canvas.put(band * front, tint, FAR)


def space(canvas: Canvas, time: str, horizon: torch.Tensor) -> None:  # noqa: ARG001
    """Stars, two clouds of gas, a ringed planet, and a cratered moon to stand on."""
    _clear(canvas, canvas.plain((0.02, 0.02, 0.09)), canvas.plain((0.12, 0.06, 0.26)), SKY)
    for colour in ((0.36, 0.10, 0.42), (0.06, 0.26, 0.42)):
        x, y = canvas.roll(0, 1)[..., 0], canvas.roll(0.05, 0.6)[..., 0]
        wide = canvas.roll(0.25, 0.4)[..., 0]
        canvas.glow(canvas.blobs(x, y, wide, wide * 0.55), canvas.plain(colour))
    x, y, size = _spots(canvas, 44, 24, low=0.0, high=0.72)
    canvas.glow(
        canvas.blobs(x, y, 0.003 + 0.006 * size**2, 0.003 + 0.006 * size**2).clamp(max=1),
        canvas.plain((0.9, 0.9, 0.85)),
    )
    _planet(canvas)
    edge = canvas.roll(0.72, 0.77) + 0.10 * (canvas.X - 0.5) ** 2 + canvas.wave(0.008, 1.1, 2)
    ground(canvas, edge, canvas.colour(0.66, 0.64, 0.72))
    for _ in range(5):
        _crater(canvas, edge)


def _crater(canvas: Canvas, edge: torch.Tensor) -> None:
    x, deep = canvas.roll(0.02, 0.98), canvas.roll(0.2, 1)
    y = edge.amax(2, keepdim=True) + 0.18 * deep
    wide = 0.03 + 0.05 * deep
    canvas.put(canvas.disc(x, y, wide, wide * 0.36), canvas.colour(0.82, 0.80, 0.88))
    canvas.put(
        canvas.disc(x + 0.1 * wide, y + 0.07 * wide, wide * 0.88, wide * 0.28),
        canvas.colour(0.46, 0.44, 0.54),
    )


def _weed(canvas: Canvas, floor: torch.Tensor) -> None:
    foot, tall = canvas.roll(0.02, 0.98), canvas.roll(0.16, 0.36)
    up = ((floor + 0.06 - canvas.Y) / tall).clamp(min=-1)
    sway = 0.022 * torch.sin(canvas.Y * 22 + canvas.roll(0, 6)) * up.clamp(0, 1)
    thick = 0.014 * (1 - up.clamp(0, 1) ** 2)
    shown = soft(thick - (canvas.X - foot - sway).abs(), canvas.pixel) * (up > 0) * (up < 1)
    canvas.put(shown, canvas.colour(0.10, 0.50, 0.34, 0.3), FAR)


def underwater(canvas: Canvas, time: str, horizon: torch.Tensor) -> None:  # noqa: ARG001
    """Shafts of light through blue water, rocks, weed, bubbles, a sandy floor."""
    _clear(canvas, canvas.colour(0.30, 0.86, 0.94), canvas.colour(0.02, 0.26, 0.58), SEA)
    slant = (canvas.X - canvas.roll()) / (0.6 + canvas.Y)
    shafts = (torch.sin(slant * 13 + canvas.roll(0, 6)) + torch.sin(slant * 29)).clamp(min=0)
    canvas.glow(0.10 * shafts * (1 - canvas.Y / 0.8).clamp(min=0), canvas.ambient)
    floor = canvas.roll(0.76, 0.80) + canvas.wave(0.012, 1.0, 2)
    ridge(canvas, floor - 0.02 - canvas.wave(0.10, 1.6).abs(), canvas.colour(0.10, 0.42, 0.66))
    ground(canvas, floor, canvas.colour(0.90, 0.84, 0.64))
    light = torch.sin(canvas.X * 40 + 5 * torch.sin(canvas.Y * 31)) * torch.sin(canvas.Y * 90)
    canvas.glow((light - 0.5).clamp(min=0) * 0.2 * soft(canvas.Y - floor, 0.05), canvas.ambient)
    for _ in range(6):
        _weed(canvas, floor)
    for _ in range(9):
        x, y, wide = canvas.roll(0.03, 0.97), canvas.roll(0.05, 0.7), canvas.roll(0.007, 0.016)
        rim = canvas.disc(x, y, wide, wide) - 0.75 * canvas.disc(x, y, wide * 0.7, wide * 0.7)
        canvas.put(rim * 0.7, canvas.colour(0.85, 0.98, 1.0))


def _window(canvas: Canvas, time: str) -> None:
    x, y = canvas.sun, 0.24
    wide, high = canvas.roll(0.12, 0.16), 0.15
    frame = canvas.box(
        left=x - wide - 0.02, top=y - high - 0.02, right=x + wide + 0.02, bottom=y + high + 0.02
    )
    canvas.put(frame, canvas.colour(0.97, 0.96, 0.93))
    pane = canvas.box(left=x - wide, top=y - high, right=x + wide, bottom=y + high)
    top, bottom = (canvas.plain(colour) for colour in SKIES[time])
    fade = ((canvas.Y - y + high) / (2 * high)).clamp(0, 1)[:, None]
    canvas.put(pane, top + (bottom - top) * fade, SKY)
    if time in ("day", "sunset", "night"):
        low = 0.06 if time == "sunset" else -0.06
        canvas.put(
            canvas.disc(x + 0.05, x * 0 + y + low, x * 0 + 0.035, x * 0 + 0.035) * pane,
            canvas.plain(SUN[time]),
        )
    hill = soft(canvas.Y - y - high + 0.05 - 0.02 * torch.sin(canvas.X * 14), canvas.pixel)
    canvas.put(hill * pane, canvas.colour(0.40, 0.66, 0.40) * (0.5 if time == "night" else 1.0))
    bars = torch.maximum(
        soft(0.006 - (canvas.X - x).abs(), canvas.pixel),
        soft(0.006 - (canvas.Y - y).abs(), canvas.pixel),
    )
    canvas.put(bars * pane, canvas.colour(0.97, 0.96, 0.93))
    sill = canvas.box(
        left=x - wide - 0.04, top=y + high + 0.02, right=x + wide + 0.04, bottom=y + high + 0.045
    )
    canvas.put(sill, canvas.colour(0.90, 0.88, 0.84))


def _boards(canvas: Canvas, floor: torch.Tensor) -> None:
    deep = ((canvas.Y - floor) / (1 - floor)).clamp(0, 1)
    away = (canvas.X - 0.5) / (0.55 + deep)
    seam = (((away * 9) % 1 - 0.5).abs() > 0.47).float() * soft(canvas.Y - floor, canvas.pixel)
    canvas.put(seam * 0.5, canvas.colour(0.46, 0.28, 0.16))


def _rug(canvas: Canvas) -> None:
    x, y, wide = canvas.roll(0.42, 0.58), canvas.roll(0.86, 0.9), canvas.roll(0.34, 0.42)
    rim = torch.cat([canvas.roll(0.4, 0.9) for _ in range(3)], 1)[..., None] * canvas.ambient
    for share, pale in ((1.0, 0.0), (0.86, 0.5), (0.76, 0.15)):
        canvas.put(
            canvas.disc(x, y, wide * share, wide * 0.26 * share),
            rim + (1 - rim) * pale * canvas.ambient,
        )


def _painting(canvas: Canvas) -> None:
    x = torch.where(canvas.sun < 0.5, canvas.sun + 0.42, canvas.sun - 0.42)
    canvas.put(
        canvas.box(left=x - 0.085, top=0.15, right=x + 0.085, bottom=0.34),
        canvas.colour(0.62, 0.42, 0.24),
    )
    inner = canvas.box(left=x - 0.068, top=0.167, right=x + 0.068, bottom=0.323)
    canvas.put(inner, canvas.colour(0.96, 0.92, 0.80))
    dune = soft(canvas.Y - 0.27 - 0.02 * torch.sin(canvas.X * 40 + canvas.roll(0, 6)), canvas.pixel)
    canvas.put(inner * dune, canvas.colour(0.86, 0.46, 0.34, 0.4))


def room(canvas: Canvas, time: str, horizon: torch.Tensor) -> None:  # noqa: ARG001
    """A papered wall with a window, wooden boards, a rug; warm lamp light at night."""
    pastel = torch.cat([canvas.roll(0.66, 0.95) for _ in range(3)], 1)[..., None] * canvas.ambient
    _clear(canvas, pastel * 1.04, pastel * 0.92, FAR)
    stripes = soft(torch.sin(canvas.X * math.tau * 11) * 0.2, 0.1)
    canvas.put(stripes * 0.12, canvas.ambient)
    canvas.sun = canvas.sun
    canvas.sun = canvas.roll(0.20, 0.80)
    _painting(canvas)
    _window(canvas, time)
    floor = canvas.roll(0.66, 0.70)
    ground(canvas, floor + 0 * canvas.X, canvas.colour(0.78, 0.54, 0.34))
    _boards(canvas, floor)
    canvas.put(
        canvas.box(left=-1.0, top=floor - 0.03, right=2.0, bottom=floor),
        canvas.colour(0.95, 0.93, 0.90),
    )
    _rug(canvas)
    if time == "night":
        lamp = torch.exp(-(((canvas.X - 0.5) / 0.5) ** 2) - ((canvas.Y - 0.45) / 0.45) ** 2)
        canvas.glow(0.16 * lamp.expand(len(canvas.dice), -1, -1), canvas.plain((1.0, 0.75, 0.4)))
