"""`friendli serve` as users run it: a process of its own, its engine's, what both use up."""

from __future__ import annotations

import base64
import io
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import httpx2
import psutil  # type: ignore[import-untyped]  # its stubs are a package of their own
from PIL import Image

GENERATE, EDIT = "/v1/images/generations", "/v1/images/edits"
PATIENCE = 300.0


@dataclass
class Container:
    """A container that listens."""

    process: subprocess.Popen[str]
    url: str
    errors: IO[str]

    def post(self, path: str = GENERATE, **body: Any) -> httpx2.Response:
        """The answer to `body`, with a prompt and few steps unless it has its own."""
        body = {"prompt": "a red car in the snow", "num_inference_steps": 4} | body
        return httpx2.post(self.url + path, json=body, timeout=PATIENCE)

    def picture(self, path: str = GENERATE, **body: Any) -> Image.Image:
        """The picture that is answered to `body`."""
        answer = self.post(path, **body)
        assert answer.status_code == 200, answer.text
        return opened(answer)

    def raw(self, path: str = GENERATE, **body: Any) -> bytes:
        """The pixels that are answered to `body`; the seed is 7 unless it has another."""
        answer = self.post(path, **{"seed": 7, "response_format": "raw"} | body)
        assert answer.status_code == 200, answer.text
        return base64.b64decode(answer.json()["image"])

    def status(self, kind: str = "ready") -> int:
        """The status of `/health/{kind}`."""
        return httpx2.get(f"{self.url}/health/{kind}", timeout=PATIENCE).status_code

    def numbers(self) -> dict[str, float]:
        """What a scrape finds."""
        lines = httpx2.get(self._said(r"Metrics at (http\S+)"), timeout=PATIENCE).text.splitlines()
        return {
            line.rpartition(" ")[0]: float(line.split()[-1]) for line in lines if line[0] != "#"
        }

    def log(self) -> str:
        """What it has written to standard error."""
        return Path(self.errors.name).read_text(encoding="utf-8")

    def _said(self, pattern: str) -> str:
        found = re.search(pattern, self.log())
        assert found, self.log()
        return found[1]

    @property
    def usage(self) -> psutil.Process:
        """The server's process: memory, descriptors, threads."""
        return psutil.Process(self.process.pid)

    def engines(self) -> list[psutil.Process]:
        """The engine's processes, the oldest first: a spare one is younger than the worker."""
        found = [c for c in self.usage.children() if "friendli_engine.process" in c.cmdline()]
        return sorted(found, key=lambda engine: float(engine.create_time()))

    def worker(self) -> psutil.Process:
        """The process of the engine at work."""
        return self.engines()[0]


def opened(answer: httpx2.Response) -> Image.Image:
    """The picture in an answer."""
    return Image.open(io.BytesIO(base64.b64decode(answer.json()["image"])))


@contextmanager
def running(
    *arguments: str | Path, environment: dict[str, str] | None = None
) -> Iterator[Container]:
    """A container with these arguments, killed at the end; standard output is its pipe.

    It keeps no spare engine unless asked to: that would cost every test the time of its imports.
    """
    command = [sys.executable, "-m", "friendli_server", "serve", *map(str, arguments)]
    command += ["--port", "0", "--metrics-port", "0"]
    clean = {k: v for k, v in os.environ.items() if not k.startswith("FRIENDLI_")}
    clean |= {"FRIENDLI_SPARE": "false"}
    with tempfile.NamedTemporaryFile("w", encoding="utf-8") as errors:
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env=clean | (environment or {}),
        )
        try:
            yield Container(process, _address(process, errors), errors)
        finally:
            process.kill()
            process.communicate()


def _address(process: subprocess.Popen[str], errors: IO[str]) -> str:
    assert process.stdout
    line = process.stdout.readline()
    found = re.fullmatch(r"Listening on (http://127\.0\.0\.1:\d+)\n", line)
    assert found, line + Path(errors.name).read_text(encoding="utf-8")
    return found[1]
