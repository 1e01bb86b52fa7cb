"""Control pictures: what a picture's outlines and its layout look like to the ControlNets.

Both are made from what the renderer knows or from any picture, and both are ordinary pictures, so
that a person can draw them. It knows nothing of scenes or networks.
"""

from __future__ import annotations

import torch
from friendli_engine.outline import outlines

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

edges3 = outlines
"""The engine's own outlines: what a served ControlNet sees is what it was trained on."""


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
