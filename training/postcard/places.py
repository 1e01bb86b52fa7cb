"""Grounds and backdrops: what stands behind the things, one function per place.

Each place paints a `Canvas` whose sky is done. It knows nothing of the things in front.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from .canvas import Canvas, soft
from .elsewhere import room, space, underwater
from .terrain import ground, mirror, ridge, road, sea, speckle, towers


def hills(canvas: Canvas, time: str, horizon: torch.Tensor) -> None:  # noqa: ARG001 - one shape for all
    """Blue mountains, green hills, meadow."""
    ridge(canvas, horizon - 0.12 - canvas.wave(0.09, 1.3).abs(), canvas.colour(0.46, 0.54, 0.72))
    ridge(canvas, horizon - 0.03 - canvas.wave(0.05, 1.7).abs(), canvas.colour(0.28, 0.50, 0.38))
    ground(canvas, horizon + 0.03 + canvas.wave(0.015, 0.8), canvas.colour(0.36, 0.62, 0.26))


def hill_road(canvas: Canvas, time: str, horizon: torch.Tensor) -> None:
    """The sea to the horizon, a green headland on one side, a winding road in front."""
    sea(canvas, horizon, time)
    side = torch.where(canvas.roll() < 0.5, 1.0, -1.0)
    slope = ((canvas.X - 0.5) * side + 0.12).clamp(min=0)
    far = horizon + 0.02 - slope * canvas.roll(0.5, 0.75) - canvas.wave(0.01, 2.0)
    ridge(canvas, torch.where(slope > 0, far, 2.0), canvas.colour(0.26, 0.50, 0.34))
    ground(canvas, horizon + 0.12 + canvas.wave(0.02, 0.7, 2), canvas.colour(0.42, 0.62, 0.28))
    road(canvas, horizon + 0.10, bend=0.25, wide=0.40)


def ocean(canvas: Canvas, time: str, horizon: torch.Tensor) -> None:
    """Open water and a beach."""
    sea(canvas, horizon, time)
    shore = canvas.roll(0.76, 0.82) + canvas.wave(0.02, 0.7, 2)
    canvas.put(soft(canvas.Y - shore + 0.012, canvas.pixel) * 0.8, canvas.ambient)
    ground(canvas, shore, canvas.colour(0.97, 0.86, 0.62))


def city(canvas: Canvas, time: str, horizon: torch.Tensor) -> None:
    """A skyline with lit windows, a street."""
    towers(canvas, time, horizon, count=9, first=70)
    ground(canvas, horizon + 0.0 * canvas.X, canvas.colour(0.58, 0.60, 0.64))
    road(canvas, horizon, bend=0.02, wide=0.42)


def snow(canvas: Canvas, time: str, horizon: torch.Tensor) -> None:  # noqa: ARG001
    """White mountains, white ground."""
    ridge(canvas, horizon - 0.12 - canvas.wave(0.10, 1.3).abs(), canvas.colour(0.74, 0.82, 0.94))
    ridge(canvas, horizon - 0.03 - canvas.wave(0.05, 1.7).abs(), canvas.colour(0.86, 0.91, 0.98))
    ground(canvas, horizon + 0.03 + canvas.wave(0.015, 0.8), canvas.colour(0.96, 0.98, 1.0, 0.03))


def desert(canvas: Canvas, time: str, horizon: torch.Tensor) -> None:  # noqa: ARG001
    """Two rows of dunes."""
    ridge(canvas, horizon - 0.03 - canvas.wave(0.06, 0.9, 2).abs(), canvas.colour(0.90, 0.66, 0.38))
    ground(canvas, horizon + 0.05 + canvas.wave(0.03, 0.6, 2), canvas.colour(0.98, 0.80, 0.48))


def meadow(canvas: Canvas, time: str, horizon: torch.Tensor) -> None:  # noqa: ARG001
    """Soft green rises with flowers."""
    ridge(
        canvas, horizon - 0.02 - canvas.wave(0.035, 1.2, 2).abs(), canvas.colour(0.38, 0.68, 0.34)
    )
    ground(canvas, horizon + 0.04 + canvas.wave(0.015, 0.8), canvas.colour(0.48, 0.80, 0.30))
    speckle(canvas, 24, horizon, canvas.colour(1.0, 0.72, 0.86))
    speckle(canvas, 16, horizon, canvas.colour(1.0, 0.95, 0.50))


def forest(canvas: Canvas, time: str, horizon: torch.Tensor) -> None:  # noqa: ARG001
    """Two rows of fir tops, moss."""
    for row, (count, tone) in enumerate(((11, 0.72), (8, 0.52))):
        phase = canvas.X * count + canvas.roll()
        tooth = (phase % 1 - 0.5).abs() * 2
        tall = 0.75 + 0.25 * torch.sin(phase.floor() * 2.4 + canvas.roll(0, 6))
        line = horizon + 0.03 - (0.27 - 0.07 * row) * tall * (1 - 0.8 * tooth)
        ridge(canvas, line, canvas.colour(0.20, 0.55, 0.36) * tone)
    ground(canvas, horizon + 0.03 + canvas.wave(0.01, 0.8), canvas.colour(0.30, 0.50, 0.24))


def lake(canvas: Canvas, time: str, horizon: torch.Tensor) -> None:  # noqa: ARG001
    """Mountains and firs over still water that mirrors them, a grassy shore."""
    ridge(canvas, horizon - 0.13 - canvas.wave(0.10, 1.4).abs(), canvas.colour(0.52, 0.60, 0.76))
    firs = (canvas.X * 26 + canvas.roll()) % 1
    trees = horizon + 0.01 - 0.035 * (1 - (firs - 0.5).abs() * 2) - canvas.wave(0.03, 1.1).abs()
    ridge(canvas, trees, canvas.colour(0.16, 0.42, 0.32))
    mirror(canvas, horizon + 0.03)
    shore = canvas.roll(0.80, 0.85) + canvas.wave(0.02, 0.8, 2)
    ground(canvas, shore, canvas.colour(0.46, 0.70, 0.32))
    speckle(canvas, 20, shore.amin(2, keepdim=True), canvas.colour(0.95, 0.97, 0.90))


PLACE: dict[str, Callable[[Canvas, str, torch.Tensor], None]] = {
    "hill road": hill_road,
    "hills": hills,
    "ocean": ocean,
    "city": city,
    "snow": snow,
    "desert": desert,
    "meadow": meadow,
    "forest": forest,
    "lake": lake,
    "space": space,
    "underwater": underwater,
    "room": room,
}
