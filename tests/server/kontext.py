"""A tiny model with everything: edits, two ControlNets, two adapters, laid out by convention.

Real classes with random weights, so a picture shows what steers it and nothing else. One word of
its language, `POISON`, means NaN.
"""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import diffusers
import torch
from engine import tiny
from engine.lora import lora
from engine.zoo import flux_controlnet

POISON = "night"
ADAPTERS, CONTROLNETS = ("ink", "oil"), ("edges", "layout")


def lay_out(home: Path, **wishes: object) -> Path:
    """Write the model below `home`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pipeline = tiny.flux(diffusers.FluxKontextPipeline)
        word = pipeline.tokenizer.get_vocab()[POISON]
        with torch.no_grad():  # finite, as loading insists on it; its variance is not
            embeddings = pipeline.text_encoder.get_input_embeddings().weight
            embeddings[word] = torch.tensor([3e38, -3e38]).repeat(tiny.TEXT // 2)
        pipeline.save_pretrained(home)
        for seed, name in enumerate(CONTROLNETS):
            flux_controlnet(30 + seed).save_pretrained(home / "controlnets" / name)
    (home / "adapters").mkdir()
    for seed, name in enumerate(ADAPTERS):
        lora(home / "adapters" / f"{name}.safetensors", seed + 1)
    wishes = tiny.WISHES | {"id": "tiny", "max_pixels": 1024 * 1024} | wishes
    (home / "serving.json").write_text(json.dumps(wishes), encoding="utf-8")
    return home
