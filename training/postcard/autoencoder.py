"""Stage `decoder`: a stock `AutoencoderTiny` around the fixed linear latents.

Its encoder is the linear map itself, computed. Its decoder is trained on L1, the L1 of slopes and
of means, with a little noise on the latents, so that it also cleans what the transformer gets
slightly wrong.
"""

from __future__ import annotations

import time
from collections import deque
from pathlib import Path
from random import Random
from typing import Any

import torch
import torch.nn.functional as F
from diffusers import AutoencoderTiny

from .clock import Clock
from .latents import CHANNELS, PatchBasis, write_encoder
from .optim import Muon
from .render import render
from .scene import draw_scene
from .styles import stylise

STYLES, RESTYLED = ("flat", "sketch"), 0.25
NOISE, CROP, SCALE = 0.1, 128, 4.0
"""`SCALE` keeps latents inside the decoder's soft clamp 3 tanh(z / 3), which eats bright skies."""


def make_autoencoder() -> Any:
    """16 times smaller latents with 32 channels; thin at full resolution, to be fast on a CPU.

    Wider than the latents: a ReLU halves what 32 channels can carry of 32 signed numbers.
    """
    return AutoencoderTiny(
        latent_channels=CHANNELS, scaling_factor=SCALE, shift_factor=0.0,
        encoder_block_out_channels=(64,) * 5, num_encoder_blocks=(0,) * 5,
        decoder_block_out_channels=(48,) * 5, num_decoder_blocks=(6, 6, 2, 0, 0),
    )  # fmt: skip


def load_autoencoder(runs: Path) -> Any:
    """The autoencoder of a run, for use."""
    model = make_autoencoder()
    write_encoder(PatchBasis.load(runs / "basis.pt"), model.encoder, scale=SCALE)
    model.decoder.load_state_dict(torch.load(runs / "decoder.pt", weights_only=True))
    return model.eval().requires_grad_(requires_grad=False)


def slopes(pictures: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Differences of neighbours across and down."""
    return pictures[..., 1:] - pictures[..., :-1], pictures[..., 1:, :] - pictures[..., :-1, :]


def picture_loss(made: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """L1 of pixels, of their slopes, and of 8x8 means: edges are crisp and colours true."""
    edge = sum((a - b).abs().mean() for a, b in zip(slopes(made), slopes(wanted), strict=True))
    tint = F.avg_pool2d(made - wanted, 8).abs().mean()
    return (made - wanted).abs().mean() + 0.7 * edge + 2 * tint


class Pictures:
    """Four pictures at a time: a fresh one, a quarter of these restyled, and three seen before.

    Drawing costs as much as a step of the decoder, and other crops of a seen picture teach as well.
    """

    def __init__(self, rng: Random, *, tier: int, variety: float, device: torch.device) -> None:
        self.rng, self.tier, self.variety, self.device = rng, tier, variety, device
        self.seen: deque[torch.Tensor] = deque(maxlen=400)

    def draw(self) -> torch.Tensor:
        """[4, 3, 256, 256] in 0..1."""
        scene = draw_scene(self.rng, tier=self.tier, variety=self.variety)
        picture = render([scene], device=self.device)[0]
        if self.rng.random() < RESTYLED:
            picture = stylise(picture, self.rng.choice(STYLES))
        self.seen.append(picture[0].half())
        return torch.stack([self.seen[-1], *self.rng.choices(self.seen, k=3)]).float()


def _crops(rng: Random, pictures: torch.Tensor) -> torch.Tensor:
    """Two crops of each picture, on the grid of the latents."""
    corners = [(16 * rng.randrange(9), 16 * rng.randrange(9)) for _ in range(2 * len(pictures))]
    return torch.stack(
        [pictures[i // 2, :, y : y + CROP, x : x + CROP] for i, (y, x) in enumerate(corners)]
    )


def psnr(made: torch.Tensor, wanted: torch.Tensor) -> float:
    """Mean over pictures in 0..1, in decibels."""
    return float((-10 * (made - wanted).square().mean((1, 2, 3)).log10()).mean())


@torch.inference_mode()
def report(decoder: torch.nn.Module, basis: PatchBasis, *, tier: int, variety: float) -> str:
    """Reconstruction of 16 held-out scenes: by the linear map, and decoded."""
    rng = Random("autoencoder/held")
    scenes = [draw_scene(rng, tier=tier, held=True, variety=variety) for _ in range(16)]
    wanted, _ = render(scenes, device=basis.mean.device)
    latents = basis.encode(wanted)
    decoded = ((decoder(latents / SCALE) + 1) / 2).clamp(0, 1)
    linear = psnr(basis.decode(latents), wanted)
    return f"psnr linear {linear:.2f} decoder {psnr(decoded, wanted):.2f}"


def _step(decoder: torch.nn.Module, basis: PatchBasis, pictures: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        latents = basis.encode(pictures) / SCALE
    amount = NOISE / SCALE * torch.rand(len(latents), 1, 1, 1, device=latents.device)
    noisy = latents + amount * torch.randn_like(latents)
    return picture_loss(decoder(noisy), pictures * 2 - 1)


def _optimisers(half: torch.nn.Module, lr: float) -> list[torch.optim.Optimizer]:
    kernels = [p for p in half.parameters() if p.ndim == 4]
    biases = [p for p in half.parameters() if p.ndim != 4]
    return [Muon(kernels, lr), torch.optim.AdamW(biases, lr, betas=(0.9, 0.98), weight_decay=0.0)]


def _apply(optimisers: list[torch.optim.Optimizer], rate: float) -> None:
    for optimiser in optimisers:
        for group in optimiser.param_groups:
            group["lr"] = rate
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)


def train(
    runs: Path,
    *,
    minutes: float,
    lr: float,
    tier: int,
    variety: float,
    device: torch.device,
    resume: bool,
    seed: int,
) -> None:
    """Train the decoder for `minutes`; the rate is held, then falls to zero in the last 45 %.

    The patch basis must exist: the pool stage fits it.
    """
    torch.manual_seed(seed)
    path, rng = runs / "decoder.pt", Random(f"{seed}/{time.time_ns()}")
    decoder = make_autoencoder().decoder
    if resume and path.exists():
        decoder.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    decoder = decoder.to(device, memory_format=torch.channels_last)
    basis = PatchBasis.load(runs / "basis.pt", device)
    optimisers = _optimisers(decoder, lr)
    pictures = Pictures(rng, tier=tier, variety=variety, device=device)
    smooth, step, clock = 0.0, 0, Clock(minutes)
    while clock.share < 1:
        loss = _step(decoder, basis, _crops(rng, pictures.draw()))
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(decoder.parameters(), 1.0)
        _apply(optimisers, lr * min(1.0, (step + 1) / 50, 2.2 * (1 - clock.share)))
        step += 1
        smooth += (loss.item() - smooth) * max(0.02, 1 / step)
        if step % 50 == 0:
            print(f"{step} {clock.spent:.1f}m loss {smooth:.4f}", flush=True)
        if clock.save_due():
            torch.save(decoder.state_dict(), path)
            print(report(decoder, basis, tier=tier, variety=variety), flush=True)
    torch.save(decoder.state_dict(), path)
    print(report(decoder, basis, tier=tier, variety=variety), flush=True)
