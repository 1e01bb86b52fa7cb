"""Stage `base`: flow matching on scenes and edits, text encoders and transformer together.

One batch holds scenes (captions to pictures) and edits (a picture and an instruction to a picture).
Tokens of things and changes weigh five times as much: shapes are slow to learn. Later the
guidance input is trained too, without a second run: the target of rows with guidance w moves by
(w - 1) * (averaged model with caption - without), after model guidance (Tang et al. 2025), so
that one call does what classifier-free guidance needs two for. Resumable.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, Protocol

import torch

from .captions import caption
from .clock import Clock
from .edits import instruction
from .model import SIZES, Networks, fit_rows, matrices_and_rest
from .optim import Muon
from .pool import Pool

OBJECT_WEIGHT, CAPTION_DROP = 4.0, 0.1
GUIDED, MOST_GUIDANCE = 0.6, 8.0
"""Share of rows with a guidance input above 1, and its largest value."""
EDITS, BLUR = 0.3, 0.1
"""Share of edits in a batch, and the most noise on their pictures, so that an encoder may err."""


def weigh(error: torch.Tensor, covered: torch.Tensor) -> torch.Tensor:
    """Mean of squared errors [B, 64, C], tokens under a thing five times as heavy."""
    weight = 1 + OBJECT_WEIGHT * covered
    return (error.square().mean(2) * weight).sum() / weight.sum()


def noise_levels(count: int, device: torch.device) -> torch.Tensor:
    """Logit-normal levels, a little towards noise, where composition is decided."""
    return torch.sigmoid(torch.randn(count, device=device) + 0.4)


class Trainer:
    """Networks, their moving average, two optimisers and the clock of a planned run."""

    def __init__(
        self, checkpoint: Path, *, size: str, lr: float, minutes: float, device: torch.device
    ) -> None:
        self.checkpoint, self.size, self.device = checkpoint, size, device
        self.lr, self.clock = lr, Clock(minutes)
        self.networks = Networks(SIZES[size]).to(device)
        matrices, rest = matrices_and_rest(self.networks)
        self.optimisers: list[torch.optim.Optimizer] = [
            Muon(matrices, lr),
            torch.optim.AdamW(rest, lr, betas=(0.9, 0.98), weight_decay=0.0),
        ]
        self.average = [p.detach().clone() for p in self.networks.parameters()]
        self.step, self.smooth = 0, [math.nan, math.nan]

    def save(self) -> None:
        """Write everything needed to go on, atomically."""
        state = {
            "size": self.size, "networks": self.networks.state_dict(), "average": self.average,
            "optimisers": [o.state_dict() for o in self.optimisers],
            "step": self.step, "spent": 60 * self.clock.spent, "smooth": self.smooth,
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
        self.clock = Clock(self.clock.plan, spent=state["spent"] / 60)
        self.step, self.smooth = state["step"], state["smooth"]

    def report(self, **pools: int) -> None:
        """One line of the log: the loss and the size of each pool, in the order of `note`."""
        losses = " ".join(
            f"{name} {loss:.4f}" for name, loss in zip(pools, self.smooth, strict=True)
        )
        sizes = " ".join(map(str, pools.values()))
        print(
            f"{self.step} {self.clock.spent:.1f}m {losses} lr {self.rate():.1e} pools {sizes}",
            flush=True,
        )

    def note(self, which: int, value: float) -> None:
        """Fold the loss of the first or second pool into its moving average."""
        old = self.smooth[which]
        self.smooth[which] = value if math.isnan(old) else 0.98 * old + 0.02 * value

    def start(self, checkpoint: Path) -> None:
        """Begin with another run's averaged weights."""
        state = torch.load(checkpoint, map_location=self.device, weights_only=False)
        names = [name for name, _ in self.networks.named_parameters()]
        weights = dict(zip(names, state["average"], strict=True))
        weights["t5.encoder.embed_tokens.weight"] = weights["t5.shared.weight"]
        self.networks.load_state_dict(fit_rows(weights, self.networks))
        self.average = [p.detach().clone() for p in self.networks.parameters()]

    def begin(self, start: Path | None, *, resume: bool, seed: int) -> int:
        """Go on from the checkpoint, or from another run's weights; the seed for what follows."""
        if resume and self.checkpoint.exists():
            self.resume()
        elif start is not None:
            self.start(start)
        torch.manual_seed(seed + self.step)
        return seed + self.step

    def rate(self) -> float:
        """Warm up, hold, then fall to zero in the last 45 % of the time."""
        return self.lr * min(1.0, (self.step + 1) / 60, (1 - self.clock.share) / 0.45)

    def update(self) -> None:
        """One step of both optimisers and the moving average, from the gradients at hand."""
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


def draw_guidance(count: int, device: torch.device) -> torch.Tensor:
    """1 for the plain rows, otherwise in (1, 8], denser at the low end."""
    above = (MOST_GUIDANCE - 1) * torch.rand(count, device=device) ** 1.5
    return 1 + above * (torch.rand(count, device=device) < GUIDED)


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Wanted pictures, their weights and words, and what else `velocity` is given."""

    tokens: torch.Tensor
    covered: torch.Tensor
    words: torch.Tensor
    given: dict[str, torch.Tensor]


class Source:
    """Batches of one pool: its pictures with freshly drawn sentences."""

    def __init__(self, folder: Path, sentence: Callable[[Random, Any], str], *, seed: int) -> None:
        self.pool, self.sentence = Pool(folder, seed=seed), sentence
        self.rng = Random(seed)

    def batch(self, size: int, networks: Networks, device: torch.device) -> Batch:
        """`size` examples; a tenth of the sentences is dropped."""
        tensors, records = self.pool.batch(size, device)
        said = [
            "" if self.rng.random() < CAPTION_DROP else self.sentence(self.rng, record)
            for record in records
        ]
        if "before" in tensors:
            before = tensors["before"]
            amount = BLUR * torch.rand(len(before), 1, 1, device=device)
            tensors["before"] = before + amount * torch.randn_like(before)
        tokens = tensors.pop("tokens")
        even = torch.zeros(tokens.shape[:2], device=device)
        covered = tensors.pop("covered", even)
        return Batch(tokens=tokens, covered=covered, words=networks.tokens_of(said), given=tensors)


class Model(Protocol):
    """What can be trained by `flow_loss`."""

    def tokens_of(self, captions: list[str]) -> torch.Tensor:
        """Padded word numbers [B, 32]."""

    def velocity(
        self,
        noisy: torch.Tensor,
        when: torch.Tensor,
        words: torch.Tensor,
        guidance: torch.Tensor,
        **given: torch.Tensor,
    ) -> torch.Tensor:
        """The flow noise - picture [B, 64, 128]."""


@torch.no_grad()
def push(
    teacher: Model,
    noisy: torch.Tensor,
    when: torch.Tensor,
    words: torch.Tensor,
    given: dict[str, torch.Tensor],
) -> torch.Tensor:
    """What the words change in the teacher's flow."""
    twice = torch.cat([words, teacher.tokens_of([""] * len(words))])
    plain = torch.ones(2 * len(words), device=noisy.device)
    both = {name: value.repeat(2, 1, 1) for name, value in given.items()}
    flow = teacher.velocity(noisy.repeat(2, 1, 1), when.repeat(2), twice, plain, **both)
    with_words, without = flow.chunk(2)
    return with_words - without


def flow_loss(model: Model, batch: Batch, teacher: Model | None) -> torch.Tensor:
    """Flow-matching loss of one batch; with a teacher, also of the guidance input."""
    tokens = batch.tokens
    when = noise_levels(len(tokens), tokens.device)
    noise = torch.randn_like(tokens)
    noisy = torch.lerp(tokens, noise, when[:, None, None])
    target, guidance = noise - tokens, torch.ones_like(when)
    if teacher is not None:
        guidance = draw_guidance(len(tokens), tokens.device)
        if len(rows := (guidance > 1).nonzero()[:, 0]):
            given = {name: value[rows] for name, value in batch.given.items()}
            moved = push(teacher, noisy[rows], when[rows], batch.words[rows], given)
            target[rows] += (guidance[rows] - 1)[:, None, None] * moved
    flow = model.velocity(noisy, when, batch.words, guidance, **batch.given)
    return weigh(flow - target, batch.covered)


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
    start: Path | None,
    seed: int,
    guide_from: float,
) -> None:
    """Train until `minutes` of computing are spent, over all resumed runs."""
    trainer = Trainer(runs / "base.pt", size=size, lr=lr, minutes=minutes, device=device)
    seed = trainer.begin(start, resume=resume, seed=seed)
    scenes = Source(runs / "scenes", caption, seed=seed)
    edits = Source(runs / "edits", instruction, seed=seed)
    teacher = None
    while trainer.clock.share < 1:
        if trainer.clock.share > guide_from and trainer.step % 8 == 0:
            teacher = averaged(trainer, teacher)
        for source, part in ((scenes, 1 - EDITS), (edits, EDITS)):
            some = source.batch(round(part * batch), trainer.networks, device)
            loss = part * flow_loss(trainer.networks, some, teacher)
            loss.backward()  # type: ignore[no-untyped-call]
            trainer.note(source is edits, loss.item() / part)
        trainer.update()
        if trainer.step % 50 == 0:
            trainer.report(scenes=scenes.pool.refresh(), edits=edits.pool.refresh())
        if trainer.clock.save_due():
            trainer.save()
    trainer.save()
