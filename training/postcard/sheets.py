"""Contact sheets: fixed prompts, fixed seeds, nothing left out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image

from .captions import prompt
from .measures import scenes_of
from .pipelines import Model, generate

SEEDS_PROMPT = (
    "An orange Lamborghini driving down a hill road at night "
    "with a beautiful ocean view in the background."
)


def tile(pictures: torch.Tensor, columns: int) -> Image.Image:
    """One picture of pictures [N, 3, R, R] in 0..1, row by row."""
    rows = pictures.view(-1, columns, *pictures.shape[1:]).permute(0, 3, 1, 4, 2)
    flat = rows.flatten(0, 1).flatten(1, 2)
    return Image.fromarray((flat * 255).round().clamp(0, 255).numpy().astype(np.uint8))


def contact_sheet(model: Model, path: Path, *, steps: int, guidance: float) -> None:
    """The seeds' prompt and 47 others, half of them held-out combinations; seeds 0..47."""
    scenes = [s for held in (True, False) for s in scenes_of(24, held=held, tier=1)]
    prompts = [SEEDS_PROMPT, *(prompt(scene) for scene in scenes)][:48]
    picture = tile(generate(model.plain, prompts, steps=steps, guidance=guidance), 8)
    picture.resize((1280, 960), Image.Resampling.LANCZOS).save(path, quality=84)
    path.with_suffix(".txt").write_text("\n".join(prompts) + "\n")
