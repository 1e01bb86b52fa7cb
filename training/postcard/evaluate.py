"""Command line of the evaluation; every measure prints JSON lines.

    python -m postcard.evaluate judge --minutes 20     train the judge, once
    python -m postcard.evaluate attributes             subject, colour, place, time, count, relation
    python -m postcard.evaluate edits | controls | adapters
    python -m postcard.evaluate sheet --out contact.jpg
    python -m postcard.evaluate table scores.jsonl     JSON lines to markdown

It knows which measures there are and nothing of how they are taken.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import torch

from .export import RUNS, TARGET
from .judge import load_judge
from .judging import train_judge
from .measures import Row, adapters, attributes, controls, edits, scenes_of
from .pipelines import Model
from .scene import FULL
from .sheets import contact_sheet

STEPS, GUIDANCE = (1, 2, 4, 8, 10, 20, 50), (0.0, 3.5, 8.0)


def _attributes(given: argparse.Namespace) -> Iterator[Row]:
    sets = {
        name: scenes_of(given.count, held=held, tier=given.tier)
        for name, held in (("held out", True), ("seen", False))
    }
    if given.full:
        sets = {"full": scenes_of(given.count, held=True, tier=given.tier, repertoire=FULL)}
    return attributes(
        Model(given.model), load_judge(given.judge), scenes=sets,
        steps=given.steps, guidance=given.guidance,
    )  # fmt: skip


def _edits(given: argparse.Namespace) -> Iterator[Row]:
    return edits(
        Model(given.model), load_judge(given.judge), count=given.count, tier=given.tier,
        steps=given.steps, guidance=given.guidance,
    )  # fmt: skip


def _controls(given: argparse.Namespace) -> Iterator[Row]:
    return controls(
        Model(given.model), load_judge(given.judge), count=given.count, tier=given.tier,
        steps=given.steps[0], guidance=given.guidance[0], weights=given.weights,
    )  # fmt: skip


def _adapters(given: argparse.Namespace) -> Iterator[Row]:
    return adapters(
        Model(given.model), load_judge(given.judge), count=given.count, tier=given.tier,
        steps=given.steps[0], guidance=given.guidance[0],
    )  # fmt: skip


MEASURES: dict[str, Callable[[argparse.Namespace], Iterator[Row]]] = {
    "attributes": _attributes,
    "edits": _edits,
    "controls": _controls,
    "adapters": _adapters,
}


def table(rows: Iterable[Row]) -> str:
    """Rows as markdown, one table for each measure, columns in their first order."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row["measure"], []).append(row)
    parts = []
    for some in groups.values():
        keys = [key for key in dict.fromkeys(k for row in some for k in row) if key != "measure"]
        lines = [keys, ["---"] * len(keys)]
        lines += [[_shown(row.get(key)) for key in keys] for row in some]
        parts.append("\n".join(f"| {' | '.join(line)} |" for line in lines))
    return "\n\n".join(parts)


def _shown(value: object) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    return "" if value is None else str(value)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("judge", *MEASURES, "sheet", "table"))
    parser.add_argument("file", type=Path, nargs="?", help="JSON lines, for `table`")
    parser.add_argument("--model", type=Path, default=TARGET)
    parser.add_argument("--judge", type=Path, default=RUNS / "judge" / "judge.pt")
    parser.add_argument("--minutes", type=float, default=20.0, help="of computing, for `judge`")
    parser.add_argument("--tier", type=int, default=1, help="subjects: 0, 1 or 2 (all)")
    parser.add_argument("--full", action="store_true", help="all places, weathers, several things")
    parser.add_argument("--count", type=int, default=64, help="prompts, or edits of each kind")
    parser.add_argument("--steps", type=int, nargs="+", default=STEPS)
    parser.add_argument("--guidance", type=float, nargs="+", default=GUIDANCE)
    parser.add_argument("--weights", type=float, nargs="+", default=(0.0, 0.5, 1.0))
    parser.add_argument("--out", type=Path, default=Path("contact.jpg"), help="for `sheet`")
    return parser.parse_args()


def main() -> None:
    """Run one of them."""
    given = _arguments()
    torch.set_num_threads(1)
    if given.what == "judge":
        train_judge(given.judge, minutes=given.minutes, tier=given.tier, variety=0.7)
    elif given.what == "sheet":
        model = Model(given.model)
        contact_sheet(model, given.out, steps=given.steps[0], guidance=given.guidance[0])
    elif given.what == "table":
        print(table(map(json.loads, given.file.read_text().splitlines())))
    else:
        for row in MEASURES[given.what](given):
            print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
