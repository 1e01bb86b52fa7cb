"""A server under test: how it is started, asked, weighed and stopped. One process tree each."""

from __future__ import annotations

import base64
import os
import signal
import site
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import psutil  # type: ignore[import-untyped]

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))

from aside import python_with  # after the path

ROOT = Path(__file__).parents[2]
PEERS = {"litserve": "0.2.19", "ray[serve]": "2.60.0", "bentoml": "1.4.39"}
PATH = "/v1/images/generations"
START = 600.0
"""Seconds until the first picture."""
QUIET = {
    "BENTOML_DO_NOT_TRACK": "True",
    "HF_HUB_OFFLINE": "1",
    "PYTHONWARNINGS": "ignore",
    "RAY_USAGE_STATS_ENABLED": "0",
}


@dataclass(frozen=True, eq=False)
class Contender:
    """A way to serve pictures.

    Args:
        name: for tables.
        module: run with the port as its last argument.
        flags: more arguments, before the port.
        aside: it lives in the peers' environment.
        listed: a body is a list of one, and so is the answer.
        edits: edits have a route of their own.
    """

    name: str
    module: str
    flags: tuple[str, ...] = ()
    aside: bool = False
    listed: bool = False
    edits: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)

    def asked(self, wire: Mapping[str, Any]) -> Mapping[str, Any]:
        """The body that it takes."""
        return {"requests": [wire]} if self.listed else wire

    async def picture(self, client: httpx2.AsyncClient, wire: Mapping[str, Any]) -> bytes:
        """Ask for one picture.

        Raises:
            HTTPError: there is none.
        """
        path = "/v1/images/edits" if self.edits and "image" in wire else PATH
        answer = await client.post(path, json=self.asked(wire))
        answer.raise_for_status()
        body = answer.json()
        return base64.b64decode(body[0] if self.listed else body["image"])


OURS = Contender(
    "ours",
    "friendli_server",
    ("serve", "--metrics-port", "0", "--max-queue", "1024", "--max-per-client", "1024", "--port"),
    edits=True,
)
FIFO = Contender("plain diffusers, FastAPI", "benchmarks.peers.fifo")
OTHERS = (
    Contender("LitServe, dynamic batching", "benchmarks.peers.litserve_batching", aside=True),
    Contender("Ray Serve, @serve.batch", "benchmarks.peers.ray_batching", aside=True),
    Contender("BentoML, batchable", "benchmarks.peers.bentoml_batching", aside=True, listed=True),
)


@dataclass(frozen=True)
class Running:
    """A started contender."""

    url: str
    process: psutil.Process

    @property
    def memory(self) -> float:
        """MiB of all its processes, shared pages divided among them."""
        return float(sum(one.memory_full_info().pss for one in self._tree)) / 2**20

    @property
    def processor(self) -> float:
        """Processor seconds of all its processes so far."""
        times = [one.cpu_times() for one in self._tree]
        return float(sum(one.user + one.system for one in times))

    @property
    def _tree(self) -> list[psutil.Process]:
        return [self.process, *self.process.children(recursive=True)]


@contextmanager
def running(
    contender: Contender, wire: Mapping[str, Any], *, threads: int | None = None
) -> Iterator[Running]:
    """The contender's processes, once they have answered `wire`."""
    with tempfile.TemporaryDirectory() as cache, socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
        free.close()
        own = (
            QUIET | {"XDG_CACHE_HOME": cache, "PYTHONPATH": str(ROOT)} | dict(contender.environment)
        )
        own |= {"OMP_NUM_THREADS": str(threads)} if threads else {}
        python = str(peers_python() if contender.aside else sys.executable)
        command = [python, "-m", contender.module, *contender.flags, str(port)]
        log = Path(cache, "log")
        with log.open("wb") as told:
            process = subprocess.Popen(
                command, env=os.environ | own, cwd=ROOT, stdout=told, stderr=told
            )
        try:
            started = Running(f"http://127.0.0.1:{port}", psutil.Process(process.pid))
            if not _gives_a_picture(contender, started.url, wire, process):
                last = log.read_text(errors="replace").strip().splitlines()[-3:]
                raise RuntimeError(f"No picture; status {process.poll()}: {' / '.join(last)}")
            yield started
        finally:
            _stop(process)


def _gives_a_picture(
    contender: Contender, url: str, wire: Mapping[str, Any], process: subprocess.Popen[bytes]
) -> bool:
    """Ask until there is one; false if the process ended, or took too long."""
    body = contender.asked(wire)
    deadline = time.monotonic() + START
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx2.post(f"{url}{PATH}", json=body, timeout=START).is_success:
                return True
        except httpx2.HTTPError:
            pass
        time.sleep(0.1)
    return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End the whole tree: some leave their children behind."""
    tree = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(timeout=30)
    except subprocess.TimeoutExpired:
        process.kill()
    _, alive = psutil.wait_procs(tree, timeout=10)
    for one in alive:
        one.kill()
    process.wait()


def peers_python() -> Path:
    """An interpreter with the peers' own packages before ours: the same torch, the same diffusers.

    It is made on first use, and needs a package registry then.
    """
    python = python_with("peers", *("==".join(pinned) for pinned in PEERS.items()))
    ours = site.getsitepackages()[0]
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    link = python.parents[1] / "lib" / version / "site-packages" / "ours.pth"
    link.write_text(f"import site; site.addsitedir({ours!r})\n")
    return python
