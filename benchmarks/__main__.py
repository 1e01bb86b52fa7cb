"""`./x bench [NAME …]`: run the benchmarks of this folder, one process each; without names, all."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

NAMES = sorted(p.stem for p in Path(__file__).parent.glob("[a-z]*.py"))


def main(asked: list[str]) -> int:
    """Run what was asked for; the exit status is that of the first that failed."""
    if unknown := [name for name in asked if name not in NAMES]:
        print(f"There is no benchmark {unknown[0]!r}; there are {', '.join(NAMES)}.")
        return 2
    for name in asked or NAMES:
        print(f"== {name}", flush=True)
        if status := subprocess.call([sys.executable, "-m", f"benchmarks.{name}"]):
            return status
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
