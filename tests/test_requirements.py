"""The requirement manifest and the tests agree, in both directions."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from requirements import REQUIREMENTS

TESTS = Path(__file__).parent


def marked_ids() -> Iterator[tuple[str, str]]:
    """Every (id, file) of a `requirement` mark below tests/."""
    for path in TESTS.rglob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.requirement":
                for argument in node.args:
                    yield str(ast.literal_eval(argument)), path.name


def test_every_mark_names_a_requirement() -> None:
    unknown = [(name, file) for name, file in marked_ids() if name not in REQUIREMENTS]
    assert unknown == []


def test_every_requirement_is_shown_by_a_test_or_says_what_it_waits_for() -> None:
    shown = {name for name, _ in marked_ids()}
    missing = [
        name for name, r in REQUIREMENTS.items() if r.waits_for is None and name not in shown
    ]
    assert missing == []


def test_a_requirement_with_a_test_no_longer_waits() -> None:
    shown = {name for name, _ in marked_ids()}
    stale = [name for name, r in REQUIREMENTS.items() if r.waits_for and name in shown]
    assert stale == []
