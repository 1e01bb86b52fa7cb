"""Outline pictures for ControlNets that follow edges: of any picture; of an outline, itself.

A model names the ControlNets that read outlines in its `serving.json`. Knows nothing of models.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from PIL import Image
from torch.nn.functional import conv2d, max_pool2d, pad

FAINT = 0.07
"""Slopes below this are no outlines: gradients of the sky, grain of a photo."""


def _sobel(channels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Slopes across and down of [B, C, H, W], a step of 1 becoming about 0.8 in all."""
    bell = torch.tensor((1.0, 4, 6, 4, 1), device=channels.device) / 16
    rise = torch.tensor((-1.0, -2, 0, 2, 1), device=channels.device) / 3
    count, (high, wide) = channels.shape[1], channels.shape[2:]
    flat = pad(channels.reshape(-1, 1, high, wide), (2, 2, 2, 2), mode="replicate")
    both = torch.stack([bell[:, None] * rise, rise[:, None] * bell])[:, None]
    across, down = conv2d(flat, both).view(-1, count, 2, high, wide).unbind(2)
    return across, down


def _crest(slope: torch.Tensor, across: torch.Tensor, down: torch.Tensor) -> torch.Tensor:
    """Where the slope is largest along its own direction: lines one or two pixels wide."""
    high, long = slope.shape[-2:]
    wide = pad(slope, (1, 1, 1, 1))
    sector = (torch.atan2(down, across) / (math.pi / 4)).round().long() % 4
    shown = torch.zeros_like(slope, dtype=torch.bool)
    for index, (dy, dx) in enumerate(((0, 1), (1, 1), (1, 0), (1, -1))):
        ahead = wide[..., 1 + dy : 1 + dy + high, 1 + dx : 1 + dx + long]
        behind = wide[..., 1 - dy : 1 - dy + high, 1 - dx : 1 - dx + long]
        shown |= (sector == index) & (slope >= ahead) & (slope >= behind)
    return shown


def _drawn(pictures: torch.Tensor) -> torch.Tensor:
    """Even lines [B, 1, H, W], about three pixels wide, dark pictures lifted first."""
    across, down = _sobel((pictures.clamp(0, 1) + 0.1) ** 0.6)
    slope, channel = (across.square() + down.square()).sqrt().max(1, keepdim=True)
    crest = _crest(slope, across.gather(1, channel), down.gather(1, channel))
    return max_pool2d(((slope - FAINT) * 12).clamp(0, 1) * crest, 3, 1, 1)


def _line_share(grey: torch.Tensor, chroma: torch.Tensor, *, paper: float) -> torch.Tensor:
    """Whether each picture is lines on plain paper (0: black, 1: white): bool [B, 1, 1, 1]."""
    plain = ((grey - paper).abs() < 0.08).float().mean((1, 2, 3), keepdim=True)
    return (plain > 0.6) & (chroma.mean((1, 2, 3), keepdim=True) < 0.02)


def outlines(pictures: torch.Tensor) -> torch.Tensor:
    """Outline pictures [B, 3, H, W] in 0..1, white on black, of any pictures [B, 3, H, W].

    White lines on black paper pass unchanged, black lines on white are inverted.
    """
    grey = pictures.mean(1, keepdim=True)
    chroma = pictures.amax(1, keepdim=True) - pictures.amin(1, keepdim=True)
    lines = torch.where(_line_share(grey, chroma, paper=1.0), 1 - grey, _drawn(pictures))
    lines = torch.where(_line_share(grey, chroma, paper=0.0), grey, lines)
    return lines.expand(-1, 3, -1, -1)


def outline(image: Image.Image) -> Image.Image:
    """The outlines of one RGB picture, at its size."""
    pixels = torch.from_numpy(np.asarray(image, dtype=np.float32) / 255)
    drawn = outlines(pixels.permute(2, 0, 1)[None])[0].permute(1, 2, 0)
    return Image.fromarray((drawn * 255).round().to(torch.uint8).numpy())
