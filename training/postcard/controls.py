"""Control pictures: what a picture's outlines and its layout look like to the ControlNets.

Both are made from what the renderer knows or from any picture, and both are ordinary pictures, so
that a person can draw them. It knows nothing of scenes or networks.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F

from .canvas import FAR, GROUND, ROAD, SEA, SKY, THING

LAYOUT: dict[str, tuple[int, str]] = {
    "sky": (SKY, "70c5e8"),
    "far": (FAR, "8e7cc3"),
    "sea": (SEA, "1f5fbf"),
    "ground": (GROUND, "6aa84f"),
    "road": (ROAD, "595959"),
    "thing": (THING, "e6332a"),
}
"""Area -> (label of the label map, colour of the layout picture as RRGGBB)."""

FAINT = 0.07
"""Slopes below this are no outlines: gradients of the sky, grain of a photo."""


def layout_palette(device: torch.device | str = "cpu") -> torch.Tensor:
    """The colours of the layout picture by label [6, 3] in 0..1."""
    rows = [
        [int(code[i : i + 2], 16) / 255 for i in (0, 2, 4)] for _, code in sorted(LAYOUT.values())
    ]
    return torch.tensor(rows, device=device)


def layout(label: torch.Tensor) -> torch.Tensor:
    """The layout picture [B, 3, R, R] in 0..1 of label maps [B, R, R]; all things look alike."""
    known = label.long().clamp(max=THING)
    return layout_palette(label.device)[known].permute(0, 3, 1, 2).contiguous()


def areas(pictures: torch.Tensor) -> torch.Tensor:
    """The label map [B, R, R] uint8 of drawn layout pictures [B, 3, R, R]: the nearest colour."""
    away = torch.cdist(pictures.permute(0, 2, 3, 1).flatten(0, 2), layout_palette(pictures.device))
    return away.argmin(1).view(pictures.shape[0], *pictures.shape[2:]).to(torch.uint8)


def _sobel(channels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Slopes across and down of [B, C, R, R], a step of 1 becoming about 0.8 in all."""
    bell = torch.tensor((1.0, 4, 6, 4, 1), device=channels.device) / 16
    rise = torch.tensor((-1.0, -2, 0, 2, 1), device=channels.device) / 3
    count, (wide, high) = channels.shape[1], channels.shape[2:]
    flat = F.pad(channels.reshape(-1, 1, wide, high), (2, 2, 2, 2), mode="replicate")
    both = torch.stack([bell[:, None] * rise, rise[:, None] * bell])[:, None]
    across, down = F.conv2d(flat, both).view(-1, count, 2, wide, high).unbind(2)
    return across, down


def _crest(slope: torch.Tensor, across: torch.Tensor, down: torch.Tensor) -> torch.Tensor:
    """Where the slope is largest along its own direction: lines one or two pixels wide."""
    size = slope.shape[-1]
    wide = F.pad(slope, (1, 1, 1, 1))
    sector = (torch.atan2(down, across) / (math.pi / 4)).round().long() % 4
    shown = torch.zeros_like(slope, dtype=torch.bool)
    for index, (dy, dx) in enumerate(((0, 1), (1, 1), (1, 0), (1, -1))):
        ahead = wide[..., 1 + dy : 1 + dy + size, 1 + dx : 1 + dx + size]
        behind = wide[..., 1 - dy : 1 - dy + size, 1 - dx : 1 - dx + size]
        shown |= (sector == index) & (slope >= ahead) & (slope >= behind)
    return shown


def _outlines(pictures: torch.Tensor) -> torch.Tensor:
    """Even lines [B, 1, R, R], about three pixels wide, dark pictures lifted first."""
    across, down = _sobel((pictures.clamp(0, 1) + 0.1) ** 0.6)
    slope, channel = (across.square() + down.square()).sqrt().max(1, keepdim=True)
    crest = _crest(slope, across.gather(1, channel), down.gather(1, channel))
    return F.max_pool2d(((slope - FAINT) * 12).clamp(0, 1) * crest, 3, 1, 1)


def _line_share(grey: torch.Tensor, chroma: torch.Tensor, *, paper: float) -> torch.Tensor:
    """Whether each picture is lines on plain paper (0: black, 1: white): bool [B, 1, 1, 1]."""
    plain = ((grey - paper).abs() < 0.08).float().mean((1, 2, 3), keepdim=True)
    return (plain > 0.6) & (chroma.mean((1, 2, 3), keepdim=True) < 0.02)


def edges3(pictures: torch.Tensor) -> torch.Tensor:
    """Outline pictures [B, 3, R, R] in 0..1, white on black, of any pictures [B, 3, R, R].

    White lines on black paper pass unchanged, black lines on white are inverted.
    """
    grey = pictures.mean(1, keepdim=True)
    chroma = pictures.amax(1, keepdim=True) - pictures.amin(1, keepdim=True)
    lines = torch.where(_line_share(grey, chroma, paper=1.0), 1 - grey, _outlines(pictures))
    lines = torch.where(_line_share(grey, chroma, paper=0.0), grey, lines)
    return lines.expand(-1, 3, -1, -1)
