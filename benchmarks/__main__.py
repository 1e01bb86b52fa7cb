"""`./x bench` runs a short version of what matters most, about five minutes; each process its own.

`./x bench NAME [ARGS…]` runs one benchmark of this folder as a whole; `--help` tells its options.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

NAMES = sorted(p.stem for p in Path(__file__).parent.glob("[a-z]*.py"))
SHORT = (
    ("engine", "--only", "alone,rows,replay", "--requests", "20", "--rounds", "1"),
    ("serve", "--requests", "15", "--rounds", "1", "--loads", "1.4", "--servers", "ours,LitServe"),
)


def run(name: str, *arguments: str) -> int:
    """One benchmark; its exit status."""
    print(f"\n## {name} {' '.join(arguments)}", flush=True)
    return subprocess.call([sys.executable, "-m", f"benchmarks.{name}", *arguments])


def main(asked: list[str]) -> int:
    """Run what was asked for; the exit status is that of the first that failed."""
    if asked and asked[0] not in NAMES:
        print(f"There is no benchmark {asked[0]!r}; there are {', '.join(NAMES)}.")
        return 2
    for name, *arguments in [asked] if asked else SHORT:
        if status := run(name, *arguments):
            return status
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
