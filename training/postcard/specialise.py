"""Stage `part`: train one ControlNet or adapter beside the frozen base.

The checkpoint holds only what was trained, averaged over the run.
"""

from __future__ import annotations

from pathlib import Path

import torch

from .base import Source, flow_loss
from .captions import caption
from .clock import Clock
from .export import load_networks, trained
from .optim import Muon
from .parts import CONTROLS, Controlled, Part, learnt, make_part, restore


def _optimisers(part: Part, lr: float) -> list[torch.optim.Optimizer]:
    names = {id(p): name for name, p in part.named_parameters()}
    matrices = [
        p for p in learnt(part) if p.ndim == 2 and ".norm" not in names[id(p)]
        and ("_blocks." in names[id(p)] and "controlnet_" not in names[id(p)])
        and "lora" not in names[id(p)]
    ]  # fmt: skip
    chosen = {id(p) for p in matrices}
    rest = [p for p in learnt(part) if id(p) not in chosen]
    made: list[torch.optim.Optimizer] = [
        torch.optim.AdamW(rest, lr, betas=(0.9, 0.98), weight_decay=0.0)
    ]
    return [*made, Muon(matrices, lr)] if matrices else made


class Run:
    """A part, its optimisers and the moving average of what it learns."""

    def __init__(self, part: Part, path: Path, *, lr: float) -> None:
        self.part, self.path, self.lr = part, path, lr
        self.optimisers = _optimisers(part, lr)
        self.average = [p.detach().clone() for p in learnt(part)]
        self.step, self.smooth = 0, 0.0

    def resume(self) -> None:
        """Go on from the averaged weights of the checkpoint."""
        restore(self.part, self.path)
        self.average = [p.detach().clone() for p in learnt(self.part)]

    def save(self) -> None:
        """Write the averaged weights, atomically."""
        self.path.parent.mkdir(exist_ok=True)
        torch.save(self.average, self.path.with_suffix(".tmp"))
        self.path.with_suffix(".tmp").rename(self.path)

    def update(self, loss: torch.Tensor, share: float) -> None:
        """One step at this share of the planned time: warm up, hold, fall to zero."""
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(learnt(self.part), 1.0)
        for optimiser in self.optimisers:
            for group in optimiser.param_groups:
                group["lr"] = self.lr * min(1.0, (self.step + 1) / 30, 2 * (1 - share))
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
        self.step += 1
        with torch.no_grad():
            decay = min(0.98, self.step / (10 + self.step))
            torch._foreach_lerp_(self.average, learnt(self.part), 1 - decay)
        self.smooth += (loss.item() - self.smooth) * max(0.03, 1 / self.step)


def train(
    runs: Path,
    *,
    kind: str,
    minutes: float,
    batch: int,
    lr: float,
    device: torch.device,
    resume: bool,
    start: Path | None,
    seed: int,
) -> None:
    """Train the part of this name for `minutes` of computing.

    A ControlNet may start as a trained one of one double and one single block, in file `start`.
    """
    torch.manual_seed(seed)
    base = load_networks(trained(runs))
    part = make_part(base, kind)
    if start is not None and isinstance(part, Controlled):
        shallow = Controlled(base, kind, (1, 1))
        restore(shallow, start)
        part.begin_as(shallow)
    run = Run(part.to(device), runs / "parts" / f"{kind}.pt", lr=lr)
    if resume and run.path.exists():
        run.resume()
    source = Source(pool_of(runs, kind), caption, seed=seed)
    clock = Clock(minutes)
    while clock.share < 1:
        some = source.batch(batch, base, device)
        teacher = part if run.step % 4 == 3 else None  # its two more forwards double a step
        run.update(flow_loss(part, some, teacher), clock.share)
        if run.step % 25 == 0:
            print(f"{kind} {run.step} {clock.spent:.1f}m loss {run.smooth:.4f}", flush=True)
            source.pool.refresh()
        if clock.save_due():
            run.save()
    run.save()


def pool_of(runs: Path, kind: str) -> Path:
    """Where this part's examples are: ControlNets share a pool."""
    return runs / ("controls" if kind in CONTROLS else kind)
