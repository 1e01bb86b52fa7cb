"""The judge: a small classifier of subject, colour, place and time, trained on fresh renders only.

It sees blurred and noisy renders too, so that soft pictures are judged by what they show. It knows
nothing of the model it judges; being a network itself, it is kinder than the eye.
"""

from __future__ import annotations

import itertools
import time
from pathlib import Path
from random import Random

import torch
import torch.nn.functional as F

from .render import render
from .scene import Scene, draw_scene
from .subjects import COLOURS, PLACES, TIMES, subjects

SIDE = 96
TABLES: dict[str, tuple[str | None, ...]] = {
    "subject": subjects(tier=2),
    "colour": (*COLOURS, None),
    "place": PLACES,
    "time": TIMES,
}


def answers(scenes: list[Scene]) -> dict[str, torch.Tensor]:
    """The right class of each attribute [B]."""
    found: dict[str, list[str | None]] = {
        "subject": [scene.things[0].subject for scene in scenes],
        "colour": [scene.things[0].colour for scene in scenes],
        "place": [scene.place for scene in scenes],
        "time": [scene.time for scene in scenes],
    }
    return {
        key: torch.tensor([TABLES[key].index(v) for v in values]) for key, values in found.items()
    }


def _block(wide_in: int, wide: int) -> torch.nn.Sequential:
    conv = torch.nn.Conv2d(wide_in, wide, 3, stride=2, padding=1, bias=False)
    return torch.nn.Sequential(conv, torch.nn.BatchNorm2d(wide), torch.nn.ReLU())


class Judge(torch.nn.Module):
    """Five strided convolutions, one linear head per attribute over the 3x3 grid that is left."""

    def __init__(self) -> None:
        super().__init__()
        widths = (3, 24, 48, 96, 128, 160)
        self.body = torch.nn.Sequential(*(_block(a, b) for a, b in itertools.pairwise(widths)))
        self.heads = torch.nn.ModuleDict(
            {k: torch.nn.Linear(160 * 9, len(v)) for k, v in TABLES.items()}
        )

    def forward(self, pictures: torch.Tensor) -> dict[str, torch.Tensor]:
        """Scores per attribute of pictures [B, 3, R, R] in 0..1."""
        small = F.interpolate(pictures, size=(SIDE, SIDE), mode="area") * 2 - 1
        features = self.body(small).flatten(1)
        return {key: head(features) for key, head in self.heads.items()}

    @torch.inference_mode()
    def correct(self, pictures: torch.Tensor, scenes: list[Scene]) -> dict[str, torch.Tensor]:
        """Which attributes of which pictures are as asked: {attribute: bool [B]}."""
        scores, wanted = self(pictures), answers(scenes)
        return {key: scores[key].argmax(1) == wanted[key] for key in TABLES}


def _worsen(pictures: torch.Tensor) -> torch.Tensor:
    pictures = F.interpolate(pictures, size=(SIDE, SIDE), mode="area")
    soft = F.avg_pool2d(
        F.avg_pool2d(pictures, 3, 1, 1, count_include_pad=False), 3, 1, 1, count_include_pad=False
    )
    share = torch.rand(len(pictures), 1, 1, 1)
    noise = 0.08 * torch.rand(len(pictures), 1, 1, 1) * torch.randn_like(pictures)
    return torch.lerp(pictures, soft, share) + noise


def train_judge(path: Path, *, minutes: float, tier: int, variety: float, seed: int = 0) -> Judge:
    """Train on fresh renders for `minutes` and save; held-out combinations are allowed here."""
    torch.manual_seed(seed)
    judge, rng = Judge(), Random(f"judge/{seed}")
    optimiser = torch.optim.AdamW(judge.parameters(), 2e-3, weight_decay=0.02)
    start, step = time.monotonic(), 0
    while (spent := (time.monotonic() - start) / 60) < minutes:
        scenes = [
            draw_scene(rng, tier=tier, held=rng.random() < 0.1, variety=variety) for _ in range(48)
        ]
        pictures = _worsen(render(scenes)[0].clone())
        optimiser.param_groups[0]["lr"] = 2e-3 * (1 - spent / minutes)
        scores, wanted = judge(pictures), answers(scenes)
        loss = sum(F.cross_entropy(scores[key], wanted[key]) for key in TABLES)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[union-attr]
        optimiser.step()
        step += 1
        if step % 20 == 0:
            print(f"{step} {spent:.1f}m loss {float(loss):.3f}", flush=True)
    torch.save(judge.eval().state_dict(), path)
    return judge


def load_judge(path: Path) -> Judge:
    """A trained judge, ready to use."""
    judge = Judge()
    judge.load_state_dict(torch.load(path, weights_only=True))
    return judge.eval()
