"""Stage `base`: flow matching on the pool, text encoders and transformer together.

Object tokens weigh three times as much: shapes are what is slow to learn. In the last part the
guidance input is trained too, without a second run: the target of rows with guidance w moves by
(w - 1) * (averaged model with caption - without), after model guidance (Tang et al. 2025), so
that one call does what classifier-free guidance needs two for. Resumable.
"""

from __future__ import annotations

import math
import time
from pathlib import Path
from random import Random
from typing import Any

import torch

from .captions import caption
from .model import SIZES, Networks, matrices_and_rest
from .optim import Muon
from .pool import Pool

OBJECT_WEIGHT, CAPTION_DROP, EVERY = 2.0, 0.1, 240.0
GUIDED, MOST_GUIDANCE = 0.6, 8.0
"""Share of rows with a guidance input above 1, and its largest value."""


def weigh(error: torch.Tensor, covered: torch.Tensor) -> torch.Tensor:
    """Mean of squared errors [B, 64, C], tokens under a thing three times as heavy."""
    weight = 1 + OBJECT_WEIGHT * covered
    return (error.square().mean(2) * weight).sum() / weight.sum()


def noise_levels(count: int, device: torch.device) -> torch.Tensor:
    """Logit-normal levels, a little towards noise, where composition is decided."""
    return torch.sigmoid(torch.randn(count, device=device) + 0.4)


class Trainer:
    """Networks, their moving average, two optimisers and the clock of a planned run."""

    def __init__(
        self, folder: Path, *, size: str, lr: float, minutes: float, device: torch.device
    ) -> None:
        self.folder, self.size, self.lr, self.minutes, self.device = (
            folder,
            size,
            lr,
            minutes,
            device,
        )
        self.networks = Networks(SIZES[size]).to(device)
        matrices, rest = matrices_and_rest(self.networks)
        self.optimisers: list[torch.optim.Optimizer] = [
            Muon(matrices, lr),
            torch.optim.AdamW(rest, lr, betas=(0.9, 0.98), weight_decay=0.0),
        ]
        self.average = [p.detach().clone() for p in self.networks.parameters()]
        self.step, self.spent, self.smooth = 0, 0.0, math.nan

    @property
    def checkpoint(self) -> Path:
        """Where this run saves itself."""
        return self.folder / "base.pt"

    def save(self) -> None:
        """Write everything needed to go on, atomically."""
        state = {
            "size": self.size, "networks": self.networks.state_dict(), "average": self.average,
            "optimisers": [o.state_dict() for o in self.optimisers],
            "step": self.step, "spent": self.spent, "smooth": self.smooth,
        }  # fmt: skip
        torch.save(state, self.checkpoint.with_suffix(".tmp"))
        self.checkpoint.with_suffix(".tmp").rename(self.checkpoint)

    def resume(self) -> None:
        """Go on from the checkpoint."""
        state: dict[str, Any] = torch.load(
            self.checkpoint, map_location=self.device, weights_only=False
        )
        self.networks.load_state_dict(state["networks"])
        self.average = state["average"]
        for optimiser, kept in zip(self.optimisers, state["optimisers"], strict=True):
            optimiser.load_state_dict(kept)
        self.step, self.spent, self.smooth = state["step"], state["spent"], state["smooth"]

    def report(self, scenes: int) -> None:
        """One line of the log."""
        spent = self.spent / 60
        print(
            f"{self.step} {spent:.1f}m loss {self.smooth:.4f} lr {self.rate():.1e} pool {scenes}",
            flush=True,
        )

    def rate(self) -> float:
        """Warm up, hold, then fall to zero in the last 45 % of the time."""
        left = 1 - min(1.0, self.spent / (60 * self.minutes))
        return self.lr * min(1.0, (self.step + 1) / 60) * min(1.0, left / 0.45)

    def update(self, loss: torch.Tensor) -> None:
        """One step of both optimisers and the moving average."""
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.networks.parameters(), 1.0)
        for optimiser in self.optimisers:
            for group in optimiser.param_groups:
                group["lr"] = self.rate()
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
        decay = min(0.995, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            torch._foreach_lerp_(self.average, list(self.networks.parameters()), 1 - decay)
        self.step += 1
        value = loss.item()
        self.smooth = value if math.isnan(self.smooth) else 0.98 * self.smooth + 0.02 * value


def draw_guidance(count: int, device: torch.device) -> torch.Tensor:
    """1 for the plain rows, otherwise in (1, 8], denser at the low end."""
    above = (MOST_GUIDANCE - 1) * torch.rand(count, device=device) ** 1.5
    return 1 + above * (torch.rand(count, device=device) < GUIDED)


@torch.no_grad()
def push(
    teacher: Networks, noisy: torch.Tensor, when: torch.Tensor, words: torch.Tensor
) -> torch.Tensor:
    """What the caption changes in the teacher's flow."""
    twice = torch.cat([words, teacher.tokens_of([""] * len(words))])
    plain = torch.ones(2 * len(words), device=noisy.device)
    flow = teacher.velocity(noisy.repeat(2, 1, 1), when.repeat(2), twice, plain)
    with_caption, without = flow.chunk(2)
    return with_caption - without


def flow_loss(
    networks: Networks,
    tokens: torch.Tensor,
    covered: torch.Tensor,
    words: torch.Tensor,
    teacher: Networks | None,
) -> torch.Tensor:
    """Flow-matching loss of one batch; with a teacher, also of the guidance input."""
    when = noise_levels(len(tokens), tokens.device)
    noise = torch.randn_like(tokens)
    noisy = torch.lerp(tokens, noise, when[:, None, None])
    target, guidance = noise - tokens, torch.ones_like(when)
    if teacher is not None:
        guidance = draw_guidance(len(tokens), tokens.device)
        rows = (guidance > 1).nonzero()[:, 0]
        moved = push(teacher, noisy[rows], when[rows], words[rows])
        target[rows] += (guidance[rows] - 1)[:, None, None] * moved
    return weigh(networks.velocity(noisy, when, words, guidance) - target, covered)


def averaged(trainer: Trainer, teacher: Networks | None) -> Networks:
    """The teacher: a copy of the networks with their averaged weights, refreshed."""
    teacher = teacher or Networks(SIZES[trainer.size]).to(trainer.device).requires_grad_(
        requires_grad=False
    )
    with torch.no_grad():
        torch._foreach_copy_(list(teacher.parameters()), trainer.average)
    return teacher


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
    guide_from: float,
) -> None:
    """Train until `minutes` of computing are spent, over all resumed runs."""
    trainer = Trainer(runs, size=size, lr=lr, minutes=minutes, device=device)
    if resume and trainer.checkpoint.exists():
        trainer.resume()
    torch.manual_seed(seed + trainer.step)
    pool, rng = Pool(runs, seed=seed + trainer.step), Random(seed + trainer.step)
    saved, teacher = time.monotonic(), None
    while trainer.spent < 60 * minutes:
        start = time.monotonic()
        tokens, covered, scenes = pool.batch(batch)
        captions = ["" if rng.random() < CAPTION_DROP else caption(rng, scene) for scene in scenes]
        words = trainer.networks.tokens_of(captions)
        if trainer.spent > 60 * minutes * guide_from and trainer.step % 8 == 0:
            teacher = averaged(trainer, teacher)
        trainer.update(
            flow_loss(trainer.networks, tokens.to(device), covered.to(device), words, teacher)
        )
        trainer.spent += time.monotonic() - start
        if trainer.step % 50 == 0:
            trainer.report(pool.refresh())
        if time.monotonic() - saved > EVERY:
            trainer.save()
            saved = time.monotonic()
    trainer.save()
