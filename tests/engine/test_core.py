"""The core stays small enough to be read: what a step runs through, and the step itself."""

from __future__ import annotations

import inspect
from pathlib import Path

import friendli_engine
from friendli_engine.engine import Engine

CORE = ("engine", "forward", "run", "network", "park", "policy")


def test_the_core_has_less_than_1200_lines() -> None:
    home = Path(friendli_engine.__file__).parent
    lines = {name: len((home / f"{name}.py").read_text().splitlines()) for name in CORE}
    assert sum(lines.values()) < 1200, lines


def test_a_step_is_four_words_on_less_than_a_page() -> None:
    source = inspect.getsource(Engine.step)
    assert "admit → pick → run → resume" in source
    assert len(source.splitlines()) < 20
