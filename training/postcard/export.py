"""Checkpoints to the model directory that ships: stock classes, bf16, plus `serving.json`.

The directory is written beside its place and renamed, so that a reader never sees half of it.
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path
from typing import Any

import torch
from diffusers import FlowMatchEulerDiscreteScheduler, FluxPipeline

from .autoencoder import make_autoencoder
from .model import SIZES, Networks
from .text import LENGTH
from .train import RUNS

TARGET = Path(__file__).parents[2] / "packages/postcard/friendli_postcard/model"
SHIFT = 2.0
SERVING = {
    "id": "postcard", "family": "flux", "width": 256, "height": 256,
    "steps": 20, "guidance": 3.5, "max_text_length": LENGTH,
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


def pipeline(networks: Networks, autoencoder: Path) -> Any:
    """A stock `FluxPipeline` of these networks."""
    vae = make_autoencoder()
    vae.load_state_dict(torch.load(autoencoder, weights_only=True))
    return FluxPipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(shift=SHIFT, use_dynamic_shifting=False),
        vae=vae.eval(), text_encoder=networks.clip, tokenizer=networks.tokenizer,
        text_encoder_2=networks.t5, tokenizer_2=networks.tokenizer, transformer=networks.flux,
    )  # fmt: skip


def _edit(path: Path, **changes: object) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}, indent=2) + "\n")


def write(pipe: Any, target: Path) -> None:
    """Save in bf16 and swap into place."""
    fresh, stale = target.with_name("model.new"), target.with_name("model.old")
    for folder in (fresh, stale):
        shutil.rmtree(folder, ignore_errors=True)
    pipe.to(torch.bfloat16).save_pretrained(fresh, max_shard_size="15MB")
    words = ["transformers", _PORTABLE]
    _edit(fresh / "model_index.json", tokenizer=words, tokenizer_2=words)
    for name in ("tokenizer", "tokenizer_2"):
        _edit(fresh / name / "tokenizer_config.json", tokenizer_class=_PORTABLE)
    (fresh / "serving.json").write_text(json.dumps(SERVING, indent=2) + "\n")
    if target.exists():
        target.rename(stale)
    fresh.rename(target)
    shutil.rmtree(stale, ignore_errors=True)


def main() -> None:
    """Export the newest checkpoints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", type=Path, default=RUNS / "base.pt")
    parser.add_argument("--autoencoder", type=Path, default=RUNS / "autoencoder.pt")
    parser.add_argument("--target", type=Path, default=TARGET)
    given = parser.parse_args()
    write(pipeline(load_networks(given.checkpoint), given.autoencoder), given.target)


if __name__ == "__main__":
    main()
