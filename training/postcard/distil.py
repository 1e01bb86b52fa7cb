"""Stage `distil`: one step that does what six do, all else held to the trained base.

From pure noise the flow points at the mean of all fitting pictures, a blur. Here it learns to point
at the one picture that six steps make of this noise (rectified flow, Liu et al. 2022, at noise
level 1 only). At all other levels, and for edits, it is held to what the trained base says. The
encoders of the text stay as they are.
"""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from pathlib import Path
from random import Random

import torch
from torch import Tensor

from .base import MOST_GUIDANCE, Batch, Source, Trainer, noise_levels
from .captions import caption
from .edits import instruction
from .export import SHIFT, load_networks
from .model import TOKENS, Networks
from .pool import AT_ONCE, Example, Plan, Pool
from .scene import draw_scene

STEPS, STRONGEST = 6, 5.0
"""How a picture is finished: in so many steps, with a guidance up to this."""
SHARPEST = 0.98
"""Above this noise level the base is not copied: it would pull the first step back to its blur."""


def levels(steps: int) -> list[float]:
    """The noise levels of so many steps, as the stock scheduler sets them, and the final 0."""
    even = (1 - step / steps for step in range(steps))
    return [SHIFT * at / (1 + (SHIFT - 1) * at) for at in even] + [0.0]


@torch.inference_mode()
def finished(networks: Networks, noise: Tensor, words: Tensor, guidance: Tensor) -> Tensor:
    """The tokens [B, 64, 128] that `STEPS` steps make of this noise."""
    tokens = noise
    for now, then in pairwise(levels(STEPS)):
        when = torch.full((len(noise),), now, device=noise.device)
        tokens = tokens + (then - now) * networks.velocity(tokens, when, words, guidance)
    return tokens


@cache
def _teacher(checkpoint: Path) -> Networks:
    return load_networks(checkpoint).to("cuda" if torch.cuda.is_available() else "cpu")


def of_pairs(rng: Random, plan: Plan) -> Example:
    """Noise and what the trained base makes of it, for captions and guidances of all kinds."""
    networks = _teacher(plan.runs / "base.pt")
    said = [
        caption(rng, draw_scene(rng, tier=plan.tier, variety=plan.variety)) for _ in range(AT_ONCE)
    ]
    dice, device = torch.Generator().manual_seed(rng.getrandbits(60)), networks.flux.device
    noise = torch.randn(AT_ONCE, TOKENS, networks.flux.config.in_channels, generator=dice)
    guidance = 1 + (STRONGEST - 1) * torch.rand(AT_ONCE, generator=dice)
    words = networks.tokens_of(said)
    made = finished(networks, noise.to(device), words, guidance.to(device)).cpu()
    return {"noise": noise, "tokens": made, "guidance": guidance}, list(said)


def first_step(student: Networks, teacher: Networks, pairs: Example) -> Tensor:
    """Loss of one batch of pairs: a third from noise to the end, the others as the teacher says.

    `pairs` are tensors `noise` and `tokens` [B, 64, 128] and `guidance` [B], and B captions.
    """
    tensors, said = pairs
    tokens, noise, guidance = (tensors[name] for name in ("tokens", "noise", "guidance"))
    ends, words = len(tokens) // 3, student.tokens_of(said)
    when = noise_levels(len(tokens), tokens.device).clamp(max=SHARPEST)
    when[:ends] = 1
    mixed = torch.lerp(tokens, torch.randn_like(tokens), when[:, None, None])
    noisy, target = torch.cat([noise[:ends], mixed[ends:]]), noise - tokens
    with torch.no_grad():
        target[ends:] = teacher.velocity(noisy[ends:], when[ends:], words[ends:], guidance[ends:])
    flow = student.velocity(noisy, when, words, guidance)
    return (flow - target).square().mean()


def still_edits(student: Networks, teacher: Networks, edits: Batch) -> Tensor:
    """Loss of edits at any noise level against what the teacher says."""
    when = noise_levels(len(edits.tokens), edits.tokens.device)
    noisy = torch.lerp(edits.tokens, torch.randn_like(edits.tokens), when[:, None, None])
    asked = noisy, when, edits.words, 1 + (MOST_GUIDANCE - 1) * torch.rand_like(when)
    with torch.no_grad():
        target = teacher.velocity(*asked, **edits.given)
    return (student.velocity(*asked, **edits.given) - target).square().mean()


def train(
    runs: Path,
    *,
    minutes: float,
    batch: int,
    lr: float,
    size: str,
    device: torch.device,
    resume: bool,
    seed: int,
) -> None:
    """Train `distilled.pt` from `base.pt` until `minutes` of computing are spent."""
    trainer = Trainer(runs / "distilled.pt", size=size, lr=lr, minutes=minutes, device=device)
    seed = trainer.begin(runs / "base.pt", resume=resume, seed=seed)
    student, teacher = trainer.networks, load_networks(runs / "base.pt").to(device)
    for encoder in (student.t5, student.clip):
        encoder.requires_grad_(requires_grad=False)
    pairs, edits = Pool(runs / "pairs", seed=seed), Source(runs / "edits", instruction, seed=seed)
    held = batch // 4
    while trainer.clock.share < 1:
        losses = (
            first_step(student, teacher, pairs.batch(batch - held, device)),
            still_edits(student, teacher, edits.batch(held, student, device)),
        )
        for which, loss in enumerate(losses):
            loss.backward()  # type: ignore[no-untyped-call]
            trainer.note(which, loss.item())
        trainer.update()
        if trainer.step % 25 == 0:
            trainer.report(pairs=pairs.refresh(), edits=edits.pool.refresh())
        if trainer.clock.save_due():
            trainer.save()
    trainer.save()
