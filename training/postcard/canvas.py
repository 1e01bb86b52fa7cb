"""A batch of pictures under construction: coordinates, dice, and soft-edged layers.

All functions are elementwise tensor code, so the same renderer runs on a CPU and on a GPU.
It knows nothing of places or subjects.
"""

from __future__ import annotations

import math

import torch

SKY, FAR, SEA, GROUND, ROAD, THING = range(6)
"""Labels of the label map; the i-th thing of a scene has THING + i."""

Edge = float | torch.Tensor


def soft(distance: torch.Tensor, width: float) -> torch.Tensor:
    """0 outside, 1 inside, a ramp of `width` around distance 0."""
    return (distance / width + 0.5).clamp(0, 1)


class Canvas:
    """Pictures [B, 3, R, R] in 0..1, labels [B, R, R], and dice [B, N] read in order.

    X [1, 1, R] and Y [1, R, 1] run from 0 (left, top) to 1. `sun` [B, 1, 1] is where the sun or
    the moon stands over X.
    """

    def __init__(self, dice: torch.Tensor, ambient: torch.Tensor, size: int) -> None:
        self.dice, self.size, self.cursor = dice, size, 0
        self.ambient = ambient[:, :, None, None]
        self.sun = torch.full((len(dice), 1, 1), 0.5, device=dice.device)
        edge = (torch.arange(size, device=dice.device) + 0.5) / size
        self.X, self.Y = edge[None, None, :], edge[None, :, None]
        self.pixel = 1.5 / size
        self.rgb = torch.zeros(len(dice), 3, size, size, device=dice.device)
        self.label = torch.zeros(len(dice), size, size, dtype=torch.uint8, device=dice.device)

    def roll(self, low: float = 0.0, high: float = 1.0) -> torch.Tensor:
        """The next die of every picture, scaled to [low, high): [B, 1, 1]."""
        value = self.dice[:, self.cursor % self.dice.shape[1]]
        self.cursor += 1
        return (low + (high - low) * value)[:, None, None]

    def colour(self, red: float, green: float, blue: float, vary: float = 0.08) -> torch.Tensor:
        """A colour in the light of the scene, a little different in each picture."""
        base = torch.tensor((red, green, blue), device=self.dice.device)[None, :, None, None]
        return base * self.ambient * (1 + self.roll(-vary, vary)[:, None])

    def plain(self, colour: tuple[float, float, float]) -> torch.Tensor:
        """A colour in its own light [1, 3, 1, 1]."""
        return torch.tensor(colour, device=self.dice.device)[None, :, None, None]

    def put(self, mask: torch.Tensor, colour: torch.Tensor, label: int | None = None) -> None:
        """Lay a colour [B, 3, 1 or R, 1 or R] over where `mask` [B, R, R] is 1."""
        self.rgb += (colour - self.rgb) * mask[:, None]
        if label is not None:
            self.label.masked_fill_(mask > 0.5, label)

    def glow(self, amount: torch.Tensor, colour: torch.Tensor) -> None:
        """Add light: `amount` [B, R, R] of `colour`."""
        self.rgb += colour * amount[:, None]

    def wave(self, height: float, pitch: float, octaves: int = 3) -> torch.Tensor:
        """A random ridge line over X [B, 1, R], about +- `height`."""
        line = torch.zeros_like(self.X).expand(len(self.dice), 1, self.size)
        for octave in range(octaves):
            phase, power = self.roll(0, 2 * math.pi), self.roll(0.6, 1)
            arc = torch.sin(2 * math.pi * pitch * 1.9**octave * self.X + phase)
            line = line + height / 1.7**octave * arc * power
        return line

    def box(self, *, left: Edge, top: Edge, right: Edge, bottom: Edge) -> torch.Tensor:
        """1 inside a rectangle, 0 outside; edges are numbers or [B, 1, 1]: [B or 1, R, R]."""
        inside = torch.minimum(self.X - left, right - self.X)
        return soft(
            torch.minimum(inside, torch.minimum(self.Y - top, bottom - self.Y)),
            self.pixel,
        )

    def disc(
        self, x: torch.Tensor, y: torch.Tensor, wide: torch.Tensor, high: torch.Tensor
    ) -> torch.Tensor:
        """1 inside an ellipse with these half axes, all [B, 1, 1]: [B, R, R]."""
        away = (((self.X - x) / wide) ** 2 + ((self.Y - y) / high) ** 2).sqrt()
        return soft((1 - away) * torch.minimum(wide, high), self.pixel)

    def blobs(
        self, x: torch.Tensor, y: torch.Tensor, wide: torch.Tensor, high: torch.Tensor
    ) -> torch.Tensor:
        """The sum of K Gaussian spots given by [B, K] each: [B, R, R]."""
        across = torch.exp(-(((self.X - x[:, :, None]) / wide[:, :, None]) ** 2))
        down = torch.exp(-(((self.Y.transpose(1, 2) - y[:, :, None]) / high[:, :, None]) ** 2))
        return torch.einsum("bky,bkx->byx", down, across)
