"""From nothing to the first picture, and what imports cost.

`friendli serve` until it has answered, against a script that does what diffusers' documentation
says: `from_pretrained`, then one call. Both are fresh processes, in turns, with nothing measured
before; the same one-step picture. Times are the wall's, so what counts is the ratio. Prints
Markdown tables.

    python -m benchmarks.startup [--rounds 3] [--json FILE] [--page]
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time

from benchmarks.server import PLAIN
from benchmarks.workload.contender import OURS, ROOT, running
from benchmarks.workload.report import keep, machine, options
from benchmarks.workload.score import table
from benchmarks.workload.trace import body

SCRIPT = """
import friendli_postcard, torch
from diffusers import FluxKontextPipeline
pipeline = FluxKontextPipeline.from_pretrained(friendli_postcard.path(), torch_dtype=torch.float32)
pipeline(prompt="A red car", num_inference_steps=1, width=256, height=256, max_area=256 * 256,
         max_sequence_length=32).images[0]
import psutil; print(psutil.Process().memory_full_info().pss / 2**20)
"""
IMPORTS = ("friendli", "friendli.cli", "friendli_engine.client", "friendli_server.container.serve",
           "friendli_engine.engine", "diffusers.pipelines")  # fmt: skip


def plain() -> tuple[float, float]:
    """Seconds and MiB of the script."""
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SCRIPT], cwd=ROOT, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    return time.perf_counter() - began, float(done.stdout)


def serve() -> tuple[float, float]:
    """Seconds and MiB of `friendli serve`."""
    began = time.perf_counter()
    with running(OURS, body(PLAIN)) as server:
        return time.perf_counter() - began, server.memory


def imported(module: str) -> float:
    """Processor seconds of an import."""
    code = f"import time; b = time.process_time(); import {module}; print(time.process_time() - b)"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True
    )
    return float(done.stdout.split()[-1])


def starts(rounds: int) -> dict[str, list[float]]:
    """Seconds and MiB of both, in turns; medians."""
    plain()  # files into the page cache, bytecode to disk
    pairs = [(plain(), serve()) for _ in range(rounds)]
    columns = zip(("diffusers", "friendli serve"), zip(*pairs, strict=True), strict=True)
    return {
        name: [statistics.median(column) for column in zip(*seen, strict=True)]
        for name, seen in columns
    }


def main() -> None:
    """Measure in turns, print, and keep what is wanted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    options(parser)
    given = parser.parse_args()
    where, seen = machine(rounds=given.rounds), starts(given.rounds)
    base = seen["diffusers"][0]
    rows = [[n, f"{s:.1f}", f"{s / base:.2f}", f"{m:.0f}"] for n, (s, m) in seen.items()]
    times = {n: statistics.median(imported(n) for _ in range(given.rounds)) for n in IMPORTS}
    told = [
        table(["cold start to first picture", "s", "ratio", "MiB"], rows),
        table(["import", "processor ms"], [[f"`{n}`", f"{s * 1e3:.0f}"] for n, s in times.items()]),
    ]
    print("\n\n".join(told))
    keep("startup", {"machine": where, "starts": seen, "imports": times}, told, given)


if __name__ == "__main__":
    main()
