"""Tiny models that `zoo` leaves out: Flux.2 dev, Qwen edits, SDXL and union ControlNets."""

from __future__ import annotations

from typing import Any

import diffusers as d
import torch
from engine.tiny import FLUX, TEXT, flow, flux, model, seeded, spoken
from engine.zoo import QWEN, Draw, klein, qwen, qwen_words, sdxl
from friendli_engine.model import Model


def flux2(dtype: torch.dtype) -> Model:
    """Dev: as klein, but guidance is an input of the network."""
    small = klein()
    transformer = d.Flux2Transformer2DModel(
        patch_size=1, in_channels=16, num_layers=1, num_single_layers=1, attention_head_dim=16,
        num_attention_heads=2, joint_attention_dim=TEXT, timestep_guidance_channels=256,
        axes_dims_rope=(4, 4, 4, 4), guidance_embeds=True,
    )  # fmt: skip
    pipeline = d.Flux2Pipeline(
        scheduler=flow(use_dynamic_shifting=True),
        vae=small.vae,
        text_encoder=None,
        tokenizer=None,
        transformer=seeded(transformer, 18),
    )
    wishes = {"width": 64, "height": 64, "free_aspect": False}

    def words(draw: Draw) -> dict[str, Any]:
        return {"prompt_embeds": draw(1, 12, TEXT)}

    return spoken(pipeline, words, dtype=dtype, wishes=wishes)


def qwen_edit(cls: Any, dtype: torch.dtype, **config: Any) -> Model:
    base = qwen()
    transformer = d.QwenImageTransformer2DModel(**QWEN, num_layers=2, **config)
    pipeline = cls(
        scheduler=base.scheduler,
        vae=base.vae,
        text_encoder=None,
        tokenizer=None,
        processor=None,
        transformer=seeded(transformer, 19),
    )
    return spoken(pipeline, qwen_words, dtype=dtype)


def sdxl_controlnet(seed: int) -> Any:
    return seeded(
        d.ControlNetModel(
            in_channels=4, block_out_channels=(16, 32), layers_per_block=1,
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"), cross_attention_dim=2 * TEXT,
            attention_head_dim=8, norm_num_groups=8, use_linear_projection=True,
            transformer_layers_per_block=(1, 1), addition_embed_type="text_time",
            addition_time_embed_dim=8, projection_class_embeddings_input_dim=8 * 6 + TEXT,
            conditioning_embedding_out_channels=(16, 16, 16, 16),
        ),
        seed,
    )  # fmt: skip


def sdxl_controlled(dtype: torch.dtype) -> Model:
    nets = {"edges": sdxl_controlnet(40), "depth": sdxl_controlnet(41)}
    return model(sdxl(), dtype=dtype, controlnets=nets)


def union_net() -> Any:
    return seeded(d.FluxControlNetModel(**FLUX | {"num_single_layers": 1}, num_mode=10), 42)


def flux_union(dtype: torch.dtype) -> Model:
    """One union net under two names, as it would be loaded from one directory."""
    net = union_net()
    return model(flux(), dtype=dtype, controlnets={"canny": net, "depth-soft": net})
