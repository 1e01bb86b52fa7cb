"""The shell commands of the documentation run as they stand."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from cli.conftest import Watched
from PIL import Image
from server.fakes import INFO

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / name for name in ("README.md", "docs/cli.md", "docs/howto.md", "docs/tutorial.md")]
BLOCKS = [
    (page.stem, block)
    for page in [*PAGES, ROOT / "docs/container.md"]
    for block in re.findall(r"```sh\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
]
COMMANDS = [
    pytest.param(line, id=f"{page}-{line[:40]}")
    for page, block in BLOCKS
    for line in block.splitlines()
    if line.startswith("friendli ") and not line.startswith("friendli serve")
]
CURLS = [pytest.param(b, id=f"{page}-curl") for page, b in BLOCKS if b.startswith("curl ")]


class TestCommands:
    @pytest.fixture
    def engine(self) -> Watched:
        return Watched(info=msgspec.structs.replace(INFO, edits=True, controlnets=("edges",)))

    @pytest.mark.parametrize("line", COMMANDS)
    def test_it_runs(self, line: str, container: str) -> None:
        for name in ("house.jpg", "sketch.png"):
            Image.new("RGB", (16, 16), "white").save(name)
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        environment = {**os.environ, "FRIENDLI_BASE_URL": container, "PATH": path}
        done = subprocess.run(
            ["sh", "-c", line], env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout or "history" in line  # which is empty

    @pytest.mark.parametrize("block", CURLS)
    def test_curl_gets_a_picture(self, block: str, container: str) -> None:
        code = block.replace("localhost:8000", container.removeprefix("http://"))
        answer = subprocess.run(["sh", "-c", code], capture_output=True, text=True, check=True)
        assert "image" in json.loads(answer.stdout), answer.stdout
