"""What a benchmark leaves behind: tables to read, figures for programs, its place in the docs.

Knows no benchmark. With `--page` the figures go to `benchmarks/figures/NAME.json` and the tables
between the marks of `docs/performance.md`; nothing else ever writes there.
"""

from __future__ import annotations

import importlib.metadata
import json
import platform
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "performance.md"
FIGURES = ROOT / "benchmarks" / "figures"
END = "<!-- end -->"


def options(parser: ArgumentParser) -> None:
    """Where the figures go."""
    parser.add_argument("--json", type=Path, help="a file for the figures")
    parser.add_argument("--page", action="store_true", help="write docs/performance.md's part")


def machine(**more: Any) -> dict[str, Any]:
    """Where and how figures were taken; to be asked before the work, which makes a load."""
    names = ("torch", "diffusers", "transformers", "fastapi", "uvicorn")
    return {
        "taken": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "processor": f"{psutil.cpu_count()} cores, {platform.machine()}",
        "load average before": round(psutil.getloadavg()[0], 1),
        **{name: importlib.metadata.version(name) for name in names},
        **more,
    }


def keep(name: str, figures: Mapping[str, Any], tables: Iterable[str], given: Namespace) -> None:
    """Leave behind what was wished for; `figures` has the `machine`."""
    paths = [FIGURES / f"{name}.json"] if given.page else []
    for path in [*paths, *([given.json] if given.json else [])]:
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(figures, indent=1) + "\n")
    if given.page:
        told = ", ".join(f"{key} {value}" for key, value in figures["machine"].items())
        fill(name, [*tables, f"Taken: {told}."])


def fill(name: str, parts: Iterable[str], page: Path = PAGE) -> None:
    """Replace what stands between a benchmark's marks."""
    begin = f"<!-- figures of benchmarks.{name} -->"
    before, rest = page.read_text().split(begin)
    after = rest.split(END, 1)[1]
    page.write_text("\n\n".join([before + begin, *parts, END]) + after)
