"""The shell commands of the documentation run as they stand."""

from __future__ import annotations

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
PAGES = [ROOT / "docs/cli.md", ROOT / "docs/howto.md", ROOT / "docs/tutorial.md"]
COMMANDS = [
    pytest.param(line, id=f"{page.stem}-{line[:40]}")
    for page in PAGES
    for block in re.findall(r"```sh\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    for line in block.splitlines()
    if line.startswith("friendli ") and not line.startswith("friendli serve")
]


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
