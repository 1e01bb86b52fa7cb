"""Two optimisers in one: Muon for the matrices, AdamW for everything else.

Muon (K. Jordan 2024) orthogonalises each matrix's momentum; updates are scaled to AdamW's size
(Moonshot 2025: 0.2 * sqrt(longer side)), so that one learning rate serves both.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def orthogonalise(matrices: Tensor, rounds: int = 4) -> Tensor:
    """Newton-Schulz: each [.., m, n] towards the nearest matrix with singular values near 1."""
    tall = matrices.shape[-2] > matrices.shape[-1]
    x = matrices.mT if tall else matrices
    x = x / (torch.linalg.matrix_norm(x, keepdim=True) + 1e-7)
    for _ in range(rounds):
        gram = x @ x.mT
        x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x
    result: Tensor = x.mT if tall else x
    return result


class Muon(torch.optim.Optimizer):
    """Momentum, orthogonalised; matrices and convolutions (as matrices) only."""

    def __init__(self, params: Sequence[Tensor], lr: float, momentum: float = 0.95) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """One update of every matrix that has a gradient."""
        assert closure is None
        for group in self.param_groups:
            for p in group["params"]:
                self._update(p, lr=group["lr"], momentum=group["momentum"])

    def _update(self, p: torch.nn.Parameter, *, lr: float, momentum: float) -> None:
        if p.grad is None:
            return
        state = self.state[p]
        mean = state.setdefault("mean", torch.zeros_like(p))
        mean.lerp_(p.grad, 1 - momentum)
        flat = torch.lerp(p.grad, mean, momentum).flatten(1)
        size = 0.2 * max(flat.shape) ** 0.5
        p.mul_(1 - lr * 0.01).add_(orthogonalise(flat).view_as(p), alpha=-lr * size)
