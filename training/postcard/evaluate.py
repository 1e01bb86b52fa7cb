"""Scores and contact sheets of a model directory, through the stock pipeline.

`python -m postcard.evaluate judge` trains the judge, `scores` prints accuracies on held-out and
seen combinations, `sheet` draws fixed seeds 0..47, uncurated.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import torch
from diffusers import FluxPipeline
from PIL import Image

from .captions import prompt
from .export import RUNS, TARGET
from .judge import TABLES, load_judge, train_judge
from .render import render
from .scene import Scene, draw_scene
from .text import LENGTH

SEEDS_PROMPT = (
    "An orange Lamborghini driving down a hill road at night "
    "with a beautiful ocean view in the background."
)


def load(model: Path) -> Any:
    """The stock pipeline in float32, quiet."""
    pipe = FluxPipeline.from_pretrained(model, dtype=torch.float32, local_files_only=True)
    pipe.set_progress_bar_config(disable=True)
    return pipe


@torch.inference_mode()
def pictures_of(pipe: Any, prompts: Sequence[str], *, steps: int, guidance: float) -> torch.Tensor:
    """Pictures [N, 3, 256, 256] in 0..1; the i-th from seed i."""
    parts = []
    for first in range(0, len(prompts), 8):
        some = list(prompts[first : first + 8])
        noise = [torch.Generator().manual_seed(first + i) for i in range(len(some))]
        parts.append(
            pipe(
                some, height=256, width=256, num_inference_steps=steps, guidance_scale=guidance,
                max_sequence_length=LENGTH, generator=noise, output_type="pt",
            ).images
        )  # fmt: skip
    return torch.cat(parts)


def score(
    pipe: Any, scenes: list[Scene], *, steps: int, guidance: float, judge: Any
) -> dict[str, float]:
    """Share of pictures with each attribute as asked, and with all."""
    made = pictures_of(pipe, [prompt(scene) for scene in scenes], steps=steps, guidance=guidance)
    right = judge.correct(made, scenes)
    right["subject and colour"] = right["subject"] & right["colour"]
    right["all"] = torch.stack([right[key] for key in TABLES]).all(0)
    return {key: round(float(hits.float().mean()), 3) for key, hits in right.items()}


def _scenes(count: int, *, held: bool, variety: float) -> list[Scene]:
    rng = Random(f"evaluate/{held}")
    return [draw_scene(rng, held=held, variety=variety) for _ in range(count)]


def tile(pictures: torch.Tensor, columns: int) -> Image.Image:
    """One picture of all pictures, row by row."""
    rows = (
        pictures.view(-1, columns, *pictures.shape[1:])
        .permute(0, 3, 1, 4, 2)
        .flatten(0, 1)
        .flatten(1, 2)
    )
    return Image.fromarray((rows * 255).round().clamp(0, 255).numpy().astype(np.uint8))


def sheet(pipe: Any, path: Path, *, steps: int, guidance: float) -> None:
    """The seeds' prompt and 47 random ones of held-out and seen combinations, seeds 0..47."""
    scenes = [s for held in (True, False) for s in _scenes(24, held=held, variety=1.0)]
    prompts = [SEEDS_PROMPT, *(prompt(scene) for scene in scenes)][:48]
    picture = tile(pictures_of(pipe, prompts, steps=steps, guidance=guidance), 8)
    picture.resize((1280, 960), Image.Resampling.LANCZOS).save(path, quality=85)
    path.with_suffix(".txt").write_text("\n".join(prompts) + "\n")


def _print_scores(given: argparse.Namespace) -> None:
    judge = load_judge(given.runs / "judge.pt")
    for held in (True, False):
        scenes = _scenes(given.count, held=held, variety=given.variety)
        real = {
            k: round(float(v.float().mean()), 3)
            for k, v in judge.correct(render(scenes)[0], scenes).items()
        }
        print(json.dumps({"held out": held, "renders": real}), flush=True)
        for steps in given.steps:
            for guidance in given.guidance:
                found = score(
                    load(given.model), scenes, steps=steps, guidance=guidance, judge=judge
                )
                print(
                    json.dumps({"held out": held, "steps": steps, "guidance": guidance, **found}),
                    flush=True,
                )


def main() -> None:
    """Run one of the three."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("judge", "scores", "sheet"))
    parser.add_argument("--model", type=Path, default=TARGET)
    parser.add_argument("--runs", type=Path, default=RUNS)
    parser.add_argument("--minutes", type=float, default=4.0)
    parser.add_argument("--variety", type=float, default=0.4)
    parser.add_argument("--count", type=int, default=96)
    parser.add_argument("--steps", type=int, nargs="+", default=[10])
    parser.add_argument("--guidance", type=float, nargs="+", default=[3.5])
    parser.add_argument("--out", type=Path, default=Path("contact.jpg"))
    given = parser.parse_args()
    torch.set_num_threads(1)
    if given.what == "judge":
        train_judge(given.runs / "judge.pt", minutes=given.minutes, tier=0, variety=given.variety)
    elif given.what == "scores":
        _print_scores(given)
    else:
        sheet(load(given.model), given.out, steps=given.steps[0], guidance=given.guidance[0])


if __name__ == "__main__":
    main()
