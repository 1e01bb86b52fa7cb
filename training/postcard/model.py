"""The networks of one model: a Flux transformer and its text side.

Stock diffusers and transformers classes only; the choices here are their sizes and their start.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from diffusers import FluxTransformer2DModel
from transformers import CLIPTextModel, PreTrainedTokenizerFast, T5EncoderModel

from .text import LENGTH, make_encoders, make_tokenizer

TOKENS, GRID = 64, 8


@dataclass(frozen=True, kw_only=True)
class Size:
    """Widths and depths: `heads` of 64, `double` and `single` blocks, `text` width."""

    heads: int
    double: int
    single: int
    text: int


SIZES = {
    "v0": Size(heads=3, double=2, single=4, text=192),
    "full": Size(heads=4, double=2, single=8, text=256),
}


class Networks(torch.nn.Module):
    """Everything that is trained; `velocity` is one denoiser call from captions and tokens."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        self.tokenizer: PreTrainedTokenizerFast = make_tokenizer()
        self.t5: T5EncoderModel
        self.clip: CLIPTextModel
        self.t5, self.clip = make_encoders(words=len(self.tokenizer), width=size.text)
        self.flux: Any = FluxTransformer2DModel(
            patch_size=1, in_channels=128, num_layers=size.double, num_single_layers=size.single,
            attention_head_dim=64, num_attention_heads=size.heads, joint_attention_dim=size.text,
            pooled_projection_dim=size.text, guidance_embeds=True, axes_dims_rope=(8, 28, 28),
        )  # fmt: skip
        start_quietly(self.flux)
        rows, columns = torch.meshgrid(torch.arange(GRID), torch.arange(GRID), indexing="ij")
        places = torch.stack([torch.zeros_like(rows), rows, columns], -1).reshape(-1, 3).float()
        self.image_ids: torch.Tensor
        self.second: torch.Tensor
        self.register_buffer("image_ids", places, persistent=False)
        self.register_buffer("second", torch.tensor([1.0, 0.0, 0.0]), persistent=False)
        self.register_buffer("text_ids", torch.zeros(LENGTH, 3), persistent=False)

    def tokens_of(self, captions: list[str]) -> torch.Tensor:
        """Padded word numbers [B, 32]."""
        batch = self.tokenizer(
            captions, padding="max_length", max_length=LENGTH, truncation=True, return_tensors="pt"
        )
        return batch.input_ids.to(self.text_ids.device)  # type: ignore[no-any-return]

    def velocity(
        self,
        noisy: torch.Tensor,
        when: torch.Tensor,
        words: torch.Tensor,
        guidance: torch.Tensor,
        *,
        before: torch.Tensor | None = None,
        **control: Any,
    ) -> torch.Tensor:
        """The flow noise - picture at noise level `when` [B] in 0..1, for `guidance` [B].

        `before` are the tokens of a picture to edit, as Kontext appends them; `control` the
        residuals of a ControlNet.
        """
        states, pooled = self.read(words)
        tokens, places = noisy, self.image_ids
        if before is not None:
            tokens = torch.cat([noisy, before], 1)
            places = torch.cat([self.image_ids, self.image_ids + self.second])
        flow = self.flux(
            hidden_states=tokens, timestep=when, guidance=guidance,
            encoder_hidden_states=states, pooled_projections=pooled,
            img_ids=places, txt_ids=self.text_ids, return_dict=False, **control,
        )[0]  # fmt: skip
        return flow[:, : noisy.shape[1]]  # type: ignore[no-any-return]

    def read(self, words: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Word states [B, 32, text] and pooled states [B, text]."""
        return self.t5(input_ids=words)[0], self.clip(input_ids=words).pooler_output


def start_quietly(flux: torch.nn.Module) -> None:
    """Zero the modulations and the output, as in DiT: every block starts as the identity."""
    for name, module in flux.named_modules():
        if isinstance(module, torch.nn.Linear) and (
            (".norm" in name and name.endswith(".linear"))
            or name == "proj_out"
            or name == "norm_out.linear"
        ):
            torch.nn.init.zeros_(module.weight)
            torch.nn.init.zeros_(module.bias)


def matrices_and_rest(
    networks: Networks,
) -> tuple[list[torch.nn.Parameter], list[torch.nn.Parameter]]:
    """Split for Muon (block matrices) and AdamW (embeddings, modulations, vectors, ends)."""
    matrices: list[torch.nn.Parameter] = []
    rest: list[torch.nn.Parameter] = []
    for name, p in networks.named_parameters():
        inner = "blocks" in name or "encoder.block" in name or "encoder.layers" in name
        plain = p.ndim == 2 and inner and ".norm" not in name and "relative" not in name
        (matrices if plain else rest).append(p)
    return matrices, rest


def fit_rows(state: dict[str, torch.Tensor], networks: Networks) -> dict[str, torch.Tensor]:
    """Weights of a model with fewer words: the new words keep their first embeddings."""
    fitted = {}
    for name, own in networks.state_dict().items():
        kept = state[name]
        fitted[name] = torch.cat([kept, own[len(kept) :]]) if len(kept) < len(own) else kept
    return fitted
