"""Checkpoints to the model directory that ships: stock classes, bf16, plus `serving.json`.

The directory is written beside its place and renamed, so that a reader never sees half of it.
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from diffusers import FlowMatchEulerDiscreteScheduler, FluxKontextPipeline

from .autoencoder import load_autoencoder
from .model import SIZES, Networks
from .parts import Part, make_part, restore
from .text import LENGTH

RUNS = Path(__file__).with_name("runs")
TARGET = Path(__file__).parents[2] / "packages/postcard/friendli_postcard/model"
SHIFT = 2.0
SERVING = {
    "id": "postcard", "family": "flux-kontext", "width": 256, "height": 256,
    "steps": 20, "guidance": 3.5, "max_text_length": LENGTH, "free_aspect": False,
    "outline": ["edges"],
}  # fmt: skip
_PORTABLE = "PreTrainedTokenizerFast"
"""The tokenizer class that every transformers release since 4.0 can load."""


def load_networks(checkpoint: Path) -> Networks:
    """The networks of a checkpoint with their averaged weights."""
    state = torch.load(checkpoint, map_location="cpu", weights_only=False)
    networks = Networks(SIZES[state["size"]])
    with torch.no_grad():
        for p, kept in zip(networks.parameters(), state["average"], strict=True):
            p.copy_(kept)
    return networks.eval().requires_grad_(requires_grad=False)


def trained(runs: Path) -> Path:
    """The checkpoint of the base that parts stand beside and that ships."""
    distilled = runs / "distilled.pt"
    return distilled if distilled.exists() else runs / "base.pt"


def load_part(checkpoint: Path, path: Path) -> Part:
    """A trained part (its name is the file's) beside a base of its own."""
    part = make_part(load_networks(checkpoint), path.stem)
    restore(part, path)
    return part


def pipeline(networks: Networks, runs: Path) -> Any:
    """A stock `FluxKontextPipeline` of these networks: without a picture it generates."""
    return FluxKontextPipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(shift=SHIFT, use_dynamic_shifting=False),
        vae=load_autoencoder(runs), text_encoder=networks.clip, tokenizer=networks.tokenizer,
        text_encoder_2=networks.t5, tokenizer_2=networks.tokenizer, transformer=networks.flux,
    )  # fmt: skip


def _edit(path: Path, **changes: object) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}, indent=2) + "\n")


def write(pipe: Any, target: Path, parts: Sequence[Part] = ()) -> None:
    """Save in bf16, the parts beside the base, and swap into place."""
    fresh, stale = target.with_name("model.new"), target.with_name("model.old")
    for folder in (fresh, stale):
        shutil.rmtree(folder, ignore_errors=True)
    pipe.to(torch.bfloat16).save_pretrained(fresh, max_shard_size="15MB")
    words = ["transformers", _PORTABLE]
    _edit(fresh / "model_index.json", tokenizer=words, tokenizer_2=words)
    for name in ("tokenizer", "tokenizer_2"):
        _edit(fresh / name / "tokenizer_config.json", tokenizer_class=_PORTABLE)
    for part in parts:
        part.write(fresh)
    (fresh / "serving.json").write_text(json.dumps(SERVING, indent=2) + "\n")
    if target.exists():
        target.rename(stale)
    fresh.rename(target)
    shutil.rmtree(stale, ignore_errors=True)


def main() -> None:
    """Export the newest checkpoints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=Path, default=RUNS)
    parser.add_argument("--target", type=Path, default=TARGET)
    given = parser.parse_args()
    checkpoint, parts = trained(given.runs), given.runs / "parts"
    made = [load_part(checkpoint, path) for path in sorted(parts.glob("*.pt"))]
    write(pipeline(load_networks(checkpoint), given.runs), given.target, made)


if __name__ == "__main__":
    main()
