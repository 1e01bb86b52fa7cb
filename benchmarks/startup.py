"""From nothing to the first picture, and what imports cost.

`friendli serve` until it has answered, against a script that does what diffusers' documentation
says: `from_pretrained`, then one call. Both are fresh processes, in turns, with nothing measured
before; the same one-step picture. Times are the wall's, so what counts is the ratio. Prints
Markdown tables.

    python -m benchmarks.startup [ROUNDS]
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

from benchmarks.server import PLAIN
from benchmarks.workload.contender import OURS, ROOT, running
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


def imported(module: str) -> tuple[float, float]:
    """Processor seconds of an import, and the seconds until the process has ended."""
    code = f"import time; b = time.process_time(); import {module}; print(time.process_time() - b)"
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True
    )
    return float(done.stdout.split()[-1]), time.perf_counter() - began


def main() -> None:
    """Measure in turns; print."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    seen: dict[str, list[tuple[float, float]]] = {"diffusers": [], "friendli serve": []}
    plain()  # files into the page cache, bytecode to disk
    for _ in range(rounds):
        seen["diffusers"].append(plain())
        seen["friendli serve"].append(serve())
    middle = {
        name: [statistics.median(column) for column in zip(*pairs, strict=True)]
        for name, pairs in seen.items()
    }
    base = middle["diffusers"][0]
    rows = [[n, f"{s:.1f}", f"{s / base:.2f}", f"{m:.0f}"] for n, (s, m) in middle.items()]
    print(table(["cold start to first picture", "s", "ratio", "MiB"], rows), flush=True)
    times = {name: [imported(name)[0] for _ in range(rounds)] for name in IMPORTS}
    rows = [[f"`{name}`", f"{statistics.median(s) * 1000:.0f}"] for name, s in times.items()]
    print(f"\n{table(['import', 'processor ms'], rows)}")


if __name__ == "__main__":
    main()
