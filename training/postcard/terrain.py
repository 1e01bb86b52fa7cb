"""Brushes for landscapes: ridges, grounds, water, roads, towers.

Each paints a part of a `Canvas`. They know nothing of places.
"""

from __future__ import annotations

import math

import torch

from .canvas import FAR, GROUND, ROAD, SEA, Canvas, soft
from .skies import SUN


def ground(canvas: Canvas, line: torch.Tensor, colour: torch.Tensor) -> None:
    """Ground below `line` [B or 1, 1, R], darker towards the viewer."""
    near = (1.06 - 0.28 * ((canvas.Y - line) / (1 - line)).clamp(0, 1))[:, None]
    canvas.put(soft(canvas.Y - line, canvas.pixel), colour * near, GROUND)


def ridge(canvas: Canvas, line: torch.Tensor, colour: torch.Tensor) -> None:
    """A far range below `line` [B, 1, R]."""
    canvas.put(soft(canvas.Y - line, canvas.pixel), colour, FAR)


def speckle(canvas: Canvas, count: int, horizon: torch.Tensor, colour: torch.Tensor) -> None:
    """Small spots on the ground, larger towards the viewer."""
    x, y = canvas.dice[:, :count], canvas.dice[:, count : 2 * count]
    y = horizon[:, 0] + 0.06 + (0.94 - horizon[:, 0]) * y
    size = 0.006 + 0.022 * (y - 0.5).clamp(min=0)
    canvas.put((canvas.blobs(x, y, size, size * 0.7) * 1.5).clamp(0, 1), colour)


def sea(canvas: Canvas, horizon: torch.Tensor, time: str) -> None:
    """Open water from the horizon down, with ripples and the glitter of the sun or moon."""
    depth = ((canvas.Y - horizon) / (1 - horizon)).clamp(0, 1)[:, None]
    near, far = canvas.colour(0.05, 0.30, 0.62), canvas.colour(0.16, 0.55, 0.82)
    water = soft(canvas.Y - horizon, canvas.pixel)
    canvas.put(water, far + (near - far) * depth, SEA)
    ripple = torch.sin(canvas.Y * 150 + 3 * torch.sin(canvas.X * 8 + canvas.roll(0, 6)))
    canvas.glow((ripple > 0.8).float() * water * 0.10, canvas.ambient)
    path = torch.exp(-(((canvas.X - canvas.sun) / (0.06 + 0.15 * depth[:, 0])) ** 2))
    canvas.glow(path * water * (0.6 + 0.4 * ripple) * 0.35, canvas.plain(SUN[time]))


def road(canvas: Canvas, horizon: torch.Tensor, *, bend: float, wide: float) -> None:
    """A road from the horizon to the viewer with its markings."""
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


def towers(canvas: Canvas, time: str, horizon: torch.Tensor, *, count: int, first: int) -> None:
    """A skyline of `count` towers with windows; reads dice from `first` on."""
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
    warm = {"day": (0.74, 0.86, 0.96), "snowfall": (0.74, 0.86, 0.96), "sunset": (1.0, 0.82, 0.5)}
    canvas.put(glass.float() * body, canvas.plain(warm.get(time, (1.0, 0.86, 0.45))))


def mirror(canvas: Canvas, line: torch.Tensor) -> None:
    """Still water below `line` [B, 1, 1], showing upside down what stands above it."""
    depth = ((canvas.Y - line) / (1 - line)).clamp(0, 1)
    ripple = torch.sin(canvas.Y * 170 + 2 * torch.sin(canvas.X * 9 + canvas.roll(0, 6)))
    rows = (2 * line - canvas.Y + 0.006 * ripple * (0.3 + depth)) * canvas.size
    rows = rows.long().clamp(0, canvas.size - 1)[:, None].expand(-1, 3, -1, -1)
    seen = canvas.rgb.gather(2, rows) * 0.86
    deep = canvas.colour(0.10, 0.42, 0.58)
    water = seen + (deep - seen) * (0.15 + 0.5 * depth)[:, None]
    canvas.put(soft(canvas.Y - line, canvas.pixel), water, SEA)
    shore = soft(0.004 - (canvas.Y - line).abs(), canvas.pixel) * 0.5
    canvas.put(shore.expand(-1, -1, canvas.size), canvas.ambient)
