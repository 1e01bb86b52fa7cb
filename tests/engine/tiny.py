"""Tiny random pipelines of many families, made on the spot: real classes, real text encoders."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any

import diffusers
import torch
from friendli_engine.loading import assemble
from friendli_engine.model import Model
from friendli_engine.request import ImageRequest
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import (
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    PreTrainedTokenizerFast,
    T5Config,
    T5EncoderModel,
)

TEXT = 32  # width of all text embeddings
WISHES = {"width": 32, "height": 32, "steps": 4}
WORDS = ("a", "red", "blue", "green", "car", "house", "cat", "in", "the", "snow", "at", "night")


def seeded(module: torch.nn.Module, seed: int) -> Any:
    """`module` with random weights large enough that every part of it matters."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, weight in module.named_parameters():
            noise = torch.randn(weight.shape, generator=generator)
            if weight.ndim >= 2:
                weight.copy_(noise / max(1, weight[0].numel()) ** 0.5)
            else:
                weight.copy_(0.05 * noise + float("norm" in name and name.endswith("weight")))
    return module.eval()


def tokenizer(length: int = 12) -> PreTrainedTokenizerFast:
    vocabulary = {word: i for i, word in enumerate(["<pad>", "<eos>", "<unk>", *WORDS])}
    inner = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    inner.pre_tokenizer = pre_tokenizers.Whitespace()
    inner.post_processor = processors.TemplateProcessing(
        single="$A <eos>", special_tokens=[("<eos>", 1)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=inner,
        pad_token="<pad>",
        eos_token="<eos>",
        unk_token="<unk>",
        model_max_length=length,
    )


def clip(seed: int = 50, *, projected: bool = False) -> Any:
    config = CLIPTextConfig(
        vocab_size=64, hidden_size=TEXT, intermediate_size=48, num_hidden_layers=2,
        num_attention_heads=2, max_position_embeddings=16, projection_dim=TEXT,
        bos_token_id=2, eos_token_id=1, pad_token_id=0,
    )  # fmt: skip
    return seeded((CLIPTextModelWithProjection if projected else CLIPTextModel)(config), seed)


def t5(seed: int = 60) -> Any:
    config = T5Config(
        vocab_size=64, d_model=TEXT, d_kv=8, d_ff=48, num_layers=1, num_heads=2, pad_token_id=0
    )
    return seeded(T5EncoderModel(config), seed)


def kl(latent: int = 4, *, levels: int = 4, scaling: float = 0.9, shift: float | None = 0.1) -> Any:
    return seeded(
        diffusers.AutoencoderKL(
            down_block_types=("DownEncoderBlock2D",) * levels,
            up_block_types=("UpDecoderBlock2D",) * levels,
            block_out_channels=(8,) * levels, latent_channels=latent, norm_num_groups=4,
            use_quant_conv=False, use_post_quant_conv=False, sample_size=32,
            scaling_factor=scaling, shift_factor=shift,
        ),
        70,
    )  # fmt: skip


FLUX = {
    "patch_size": 1, "in_channels": 16, "num_layers": 1, "num_single_layers": 2,
    "attention_head_dim": 16, "num_attention_heads": 2, "joint_attention_dim": TEXT,
    "pooled_projection_dim": TEXT, "guidance_embeds": True, "axes_dims_rope": (4, 6, 6),
}  # fmt: skip


def flow(**config: Any) -> Any:
    return diffusers.FlowMatchEulerDiscreteScheduler(**config)


def flux(cls: Any = diffusers.FluxPipeline, **overrides: Any) -> Any:
    return cls(
        scheduler=flow(use_dynamic_shifting=True, shift=3.0),
        vae=kl(),
        text_encoder=clip(),
        tokenizer=tokenizer(),
        text_encoder_2=t5(),
        tokenizer_2=tokenizer(),
        transformer=seeded(diffusers.FluxTransformer2DModel(**FLUX | overrides), 1),
    )


def model(pipeline: Any, *, dtype: torch.dtype = torch.float32, **parts: Any) -> Model:
    """`pipeline` in `dtype` with a small native size."""
    wishes = WISHES | parts.pop("wishes", {})
    nets = {name: net.to(dtype) for name, net in parts.pop("controlnets", {}).items()}
    return assemble(pipeline.to(dtype), wishes=wishes, controlnets=nets, **parts)


@dataclass(frozen=True, eq=False)
class Spoken(Model):
    """A model whose text encoder is left out: a prompt becomes embeddings drawn from its text."""

    embed: Callable[[Callable[..., torch.Tensor]], dict[str, Any]] = field(kw_only=True)

    def arguments_for(self, request: ImageRequest) -> dict[str, Any]:
        arguments = super().arguments_for(request)
        del arguments["prompt"]
        arguments.pop("negative_prompt", None)
        generator = torch.Generator().manual_seed(zlib.crc32(request.prompt.encode()))

        def draw(*shape: int) -> torch.Tensor:
            return torch.randn(shape, generator=generator).to(self.dtype)

        return arguments | self.embed(draw)


def spoken(pipeline: Any, embed: Any, *, dtype: torch.dtype, **parts: Any) -> Model:
    plain = model(pipeline, dtype=dtype, **parts)
    return Spoken(**{f.name: getattr(plain, f.name) for f in fields(plain)}, embed=embed)
