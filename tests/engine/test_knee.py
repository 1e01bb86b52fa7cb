"""Batch sizes come from measurement: only those that pay and keep every row's bits."""

from __future__ import annotations

import pytest
import torch
from friendli_engine import knee
from friendli_engine.knee import Limits, Profile, measure


def timed(monkeypatch: pytest.MonkeyPatch, cost: dict[int, float]) -> None:
    """Let a forward with so many rows take so many seconds on the profile's clock."""
    real = knee._timed
    monkeypatch.setattr(knee, "_timed", lambda f, n: (cost[n], real(f, n)[1]))


def same(rows: int) -> list[torch.Tensor]:
    return [torch.ones(3)] * rows


def test_rows_beyond_the_knee_are_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    timed(monkeypatch, {1: 1.0, 2: 1.2, 3: 1.4, 4: 1.6, 5: 2.0, 6: 2.4, 7: 2.8, 8: 3.2})
    assert measure(same, Limits(max_rows=8)).sizes == {1, 2, 3, 4}


def test_a_network_that_gains_nothing_from_batching_is_not_batched(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    timed(monkeypatch, {n: float(n) for n in range(1, 9)})
    profile = measure(same, Limits(max_rows=8))
    assert profile.sizes == {1}
    assert max(profile.seconds) == 3, "the search ends early"


def test_sizes_that_change_a_row_are_left_out() -> None:
    def forward(rows: int) -> list[torch.Tensor]:
        return [torch.ones(3) + 1e-6 * (rows in (3, 5))] * rows

    assert measure(forward, Limits(max_rows=6, gain=-1e9)).sizes == {1, 2, 4, 6}
    loose = Limits(max_rows=6, gain=-1e9, tolerance=1e-3)
    assert measure(forward, loose).sizes == {1, 2, 3, 4, 5, 6}


def test_a_network_whose_rows_mix_is_never_batched_even_loosely() -> None:
    def forward(rows: int) -> list[torch.Tensor]:
        return [torch.full((3,), float(rows))] * rows

    assert measure(forward, Limits(max_rows=4, gain=-1e9, tolerance=0.02)).sizes == {1}


def test_a_size_that_breaks_ends_the_search() -> None:
    def forward(rows: int) -> list[torch.Tensor]:
        if rows > 2:
            raise torch.OutOfMemoryError
        return same(rows)

    assert measure(forward, Limits(max_rows=8, gain=-1e9)).sizes == {1, 2}


def test_a_limit_lowered_by_lack_of_memory_recovers() -> None:
    profile = Profile(equal={1, 2, 4, 8}, knee=8)
    profile.shrink(8)
    assert profile.sizes == {1, 2, 4}
    for _ in range(knee.RECOVERY):
        profile.grow()
    assert profile.sizes == {1, 2, 4, 8}
