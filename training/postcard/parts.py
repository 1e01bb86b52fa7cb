"""Small parts beside a frozen base: a ControlNet or a LoRA adapter, stock classes both.

A part answers `velocity` as the base does, so that the base's loss trains it.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import torch
from diffusers import FluxControlNetModel, FluxPipeline
from peft import LoraConfig
from peft.utils import get_peft_model_state_dict
from torch import Tensor

from .model import Networks

RANK = 16
TARGETS = (
    *("to_q", "to_k", "to_v", "to_out.0", "add_q_proj", "add_k_proj", "add_v_proj"),
    *("ff.net.0.proj", "ff.net.2", "proj_mlp", "proj_out", "x_embedder"),
)
"""Linears that an adapter changes: attention, feed-forward, and the two ends of the picture."""


class Controlled(torch.nn.Module):
    """The frozen base with a ControlNet of so many double and single blocks, begun as a copy."""

    def __init__(self, base: Networks, kind: str, depth: tuple[int, int] | None = None) -> None:
        super().__init__()
        self.base, self.kind = base.requires_grad_(requires_grad=False), kind
        config = base.flux.config
        deepest = config.num_layers, config.num_single_layers
        double, single = map(min, deepest, depth or DEPTHS[kind])
        self.net: Any = FluxControlNetModel.from_transformer(
            base.flux, num_layers=double, num_single_layers=single,
            attention_head_dim=config.attention_head_dim,
            num_attention_heads=config.num_attention_heads,
        )  # fmt: skip
        # Stock starts from zero here as well; with the outputs at zero, nothing would be learnt.
        self.net.controlnet_x_embedder.load_state_dict(base.flux.x_embedder.state_dict())
        self.tokens_of = base.tokens_of

    def velocity(
        self, noisy: Tensor, when: Tensor, words: Tensor, guidance: Tensor, **maps: Tensor
    ) -> Tensor:
        """The flow under the map of this kind, at weight 1."""
        states, pooled = self.base.read(words)
        double, single = self.net(
            hidden_states=noisy, controlnet_cond=maps[self.kind], timestep=when, guidance=guidance,
            encoder_hidden_states=states, pooled_projections=pooled,
            img_ids=self.base.image_ids, txt_ids=self.base.text_ids, return_dict=False,
        )  # fmt: skip
        return self.base.velocity(
            noisy, when, words, guidance,
            controlnet_block_samples=double, controlnet_single_block_samples=single,
        )  # fmt: skip

    def begin_as(self, shallow: Controlled) -> None:
        """Do exactly what a net of one double and one single block does.

        Its outputs, that went to all blocks of the base, go to them still; the further blocks start
        as the identity, with closed gates.
        """
        state, known = self.net.state_dict(), shallow.net.state_dict()
        for name, value in state.items():
            if name in known:
                state[name] = known[name]
            elif name.startswith("controlnet_"):
                state[name] = known[re.sub(r"\.\d+\.", ".0.", name)]
            elif re.search(r"\.norm\w*\.linear\.", name):
                state[name] = torch.zeros_like(value)
        self.net.load_state_dict(state)

    def write(self, folder: Path) -> None:
        """Save as a directory that `FluxControlNetModel.from_pretrained` reads, in bf16."""
        self.net.to(torch.bfloat16).save_pretrained(folder / "controlnets" / self.kind)


class Adapted(torch.nn.Module):
    """The frozen base with a LoRA adapter in its transformer."""

    def __init__(self, base: Networks, kind: str) -> None:
        super().__init__()
        self.base, self.kind = base.requires_grad_(requires_grad=False), kind
        base.flux.add_adapter(LoraConfig(r=RANK, lora_alpha=RANK, target_modules=list(TARGETS)))
        self.tokens_of = base.tokens_of

    def velocity(
        self, noisy: Tensor, when: Tensor, words: Tensor, guidance: Tensor, **_: Tensor
    ) -> Tensor:
        """The base's flow with the adapter on."""
        return self.base.velocity(noisy, when, words, guidance)

    def write(self, folder: Path) -> None:
        """Save as one file that `load_lora_weights` reads, in bf16."""
        layers = {
            name: value.to(torch.bfloat16)
            for name, value in get_peft_model_state_dict(self.base.flux).items()
        }
        FluxPipeline.save_lora_weights(
            folder / "adapters",
            transformer_lora_layers=layers,
            weight_name=f"{self.kind}.safetensors",
        )


Part = Controlled | Adapted
DEPTHS = {"edges": (2, 4), "layout": (1, 1)}
"""Double and single blocks of each ControlNet: outlines say much more than areas do."""
CONTROLS = tuple(DEPTHS)
STYLES = ("flat", "sketch")


def make_part(base: Networks, kind: str) -> Part:
    """The untrained part of this name."""
    return Controlled(base, kind) if kind in CONTROLS else Adapted(base, kind)


def learnt(part: Part) -> list[Tensor]:
    """What training changes."""
    return [p for p in part.parameters() if p.requires_grad]


def restore(part: Part, path: Path) -> None:
    """Give a part the weights that a checkpoint of its kind and depth holds."""
    with torch.no_grad():
        torch._foreach_copy_(learnt(part), torch.load(path, map_location="cpu", weights_only=True))
