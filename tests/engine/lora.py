"""LoRA files for the tiny Flux, and a model that wears one the stock way."""

from __future__ import annotations

from pathlib import Path

import diffusers
import torch
from engine import tiny
from friendli_engine.model import Model
from safetensors.torch import save_file

LAYERS = ("transformer_blocks.0.attn.to_q", "single_transformer_blocks.0.norm.linear")
"""A linear layer on 3-D and one on 2-D activations."""
TEXT_LAYER = "encoder.layers.0.self_attn.q_proj"


def lora(path: Path, seed: int, *, rank: int = 4, text: bool = False) -> Path:
    """A LoRA for the tiny Flux, of its transformer or of its text encoder."""
    part, layers = ("text_encoder", (TEXT_LAYER,)) if text else ("transformer", LAYERS)
    network = tiny.clip() if text else diffusers.FluxTransformer2DModel(**tiny.FLUX)
    generator = torch.Generator().manual_seed(seed)
    tensors: dict[str, torch.Tensor] = {}
    for name in layers:
        rows, columns = network.get_submodule(name).weight.shape
        a = torch.randn(rank, columns, generator=generator) * 0.3
        b = torch.randn(rows, rank, generator=generator) * 0.3
        tensors |= {f"{part}.{name}.lora_A.weight": a, f"{part}.{name}.lora_B.weight": b}
    save_file(tensors, path)
    return path


def plain_with(path: Path | None, dtype: torch.dtype = torch.float32) -> Model:
    """A model of its own that has one adapter the stock way, or none."""
    model = tiny.model(tiny.flux(), dtype=dtype)
    if path:
        model.pipelines["generate"].load_lora_weights(str(path), adapter_name="stock")
    return model
