"""What our client costs beside the official one, as ratios of the same run.

Both clients run the same script in their own interpreters, in turns, against a bare loopback server
that does nothing but answer. Measured is the processor time of the client's process, which does not
depend on what else the machine does. Prints a Markdown table.
`python -m benchmarks.sdk [ROUNDS]` installs the official client on first use (tests/official.py).
"""

from __future__ import annotations

import asyncio
import json
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from official import installed  # after the path

SIZES = {"tiny": 4, "200k": 200_000, "5m": 5_000_000}
"""Bytes of base64 in the answer, by the first part of the path."""
BODIES = {name: json.dumps({"image": "A" * size}).encode() for name, size in SIZES.items()}

IMPORT = """
import sys, time, json
before = len(sys.modules)
started = time.process_time()
from friendli import SyncFriendli
imported = time.process_time() - started
modules = len(sys.modules) - before
import logging; logging.disable()
SyncFriendli(token="t").container.image
ready = time.process_time() - started
print(json.dumps({"import": imported, "modules": modules, "import to method": ready}))
"""

CALLS = """
import asyncio, json, logging, statistics, sys, time, tracemalloc
logging.disable()
from friendli import SyncFriendli, AsyncFriendli
url, out = sys.argv[1], {}

def timed(friendli, size, n):
    call = friendli.container.image.generate
    for _ in range(5): call(prompt="p", server_url=f"{url}/{size}")
    times = []
    for _ in range(n):
        started = time.process_time()
        call(prompt="p", server_url=f"{url}/{size}")
        times.append(time.process_time() - started)
    return statistics.median(times)

async def throughput(size, n, at_once=64):
    async with AsyncFriendli(token="t") as friendli:
        left = iter(range(n))
        async def worker():
            for _ in left:
                await friendli.container.image.generate(prompt="p", server_url=f"{url}/{size}")
        await asyncio.gather(*(worker() for _ in range(at_once)))
        left = iter(range(n))
        started = time.process_time()
        await asyncio.gather(*(worker() for _ in range(at_once)))
        return (time.process_time() - started) / n

with SyncFriendli(token="t") as friendli:
    out["sync call, tiny answer"] = timed(friendli, "tiny", 200)
    out["sync call, 200 kB answer"] = timed(friendli, "200k", 100)
    out["sync call, 5 MB answer"] = timed(friendli, "5m", 10)
    tracemalloc.start()
    res = friendli.container.image.generate(prompt="p", server_url=f"{url}/5m")
    kept, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    out["memory kept by a 5 MB answer"], out["peak memory of a 5 MB answer"] = kept, peak
out["64 at once, tiny answer, each"] = asyncio.run(throughput("tiny", 384))
out["64 at once, 200 kB answer, each"] = asyncio.run(throughput("200k", 256))
print(json.dumps(out))
"""


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Read requests, send the body that the path asks for."""
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            length = int(head.partition("content-length: ")[2].partition("\r")[0])
            await reader.readexactly(length)
            body = BODIES[head.split("/", 2)[1]]
            kind = b"content-type: application/json\r\n"
            writer.write(b"HTTP/1.1 200 OK\r\n%bcontent-length: %d\r\n\r\n" % (kind, len(body)))
            writer.write(body)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def serve() -> None:
    """Listen on a free port, say which, and go on for ever."""
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@contextmanager
def serving() -> Iterator[str]:
    """The server in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.sdk", "--serve"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.terminate()


def run(python: str, script: str, *arguments: str) -> dict[str, float]:
    """One run of a script; its numbers."""
    command = [python, "-c", script, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    numbers: dict[str, float] = json.loads(done.stdout)
    return numbers


def measure(rounds: int) -> dict[str, tuple[float, float]]:
    """(ours, official) for each quantity: medians over rounds taken in turns."""
    pythons = (sys.executable, str(installed()))
    runs: dict[str, list[list[float]]] = {}

    def note(numbers: dict[str, float], side: int) -> None:
        for name, value in numbers.items():
            runs.setdefault(name, [[], []])[side].append(value)

    with serving() as url:
        for _ in range(rounds):
            for side, python in enumerate(pythons):
                for _ in range(3):
                    note(run(python, IMPORT), side)
                note(run(python, CALLS, url), side)
    return {name: (statistics.median(a), statistics.median(b)) for name, (a, b) in runs.items()}


def shown(name: str, value: float) -> str:
    """A value with its unit."""
    if "memory" in name:
        return f"{value / 2**20:.1f} MiB"
    return f"{value:.0f}" if name == "modules" else f"{value * 1000:.2f} ms"


def report(measured: dict[str, tuple[float, float]]) -> str:
    """The Markdown table."""
    lines = ["| what | ours | official 0.16.3 | ratio |", "|---|--:|--:|--:|"]
    for name, (ours, official) in measured.items():
        cells = [name, shown(name, ours), shown(name, official), f"{ours / official:.2f}"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> Any:
    """Run the benchmark and print its table."""
    given = sys.argv[1:] if arguments is None else arguments
    if given == ["--serve"]:
        return asyncio.run(serve())
    return print(report(measure(int(given[0]) if given else 3)))


if __name__ == "__main__":
    main()
