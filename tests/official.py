"""The official client, for tests that compare with it or drive us."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from aside import python_with

VERSION = "0.16.3"


@pytest.fixture(scope="session")
def official_python() -> Path:
    """A Python interpreter that imports the official client."""
    return installed()


def installed() -> Path:
    """The interpreter; made on first use."""
    return python_with(f"official/{VERSION}", f"friendli=={VERSION}")


def run_official(python: Path, script: Path | str, *arguments: str) -> str:
    """Run a script (a file, or source text) with the official client; its output."""
    program = [str(script)] if isinstance(script, Path) else ["-c", script]
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("FRIENDLI_", "PYTHON"))}
    done = subprocess.run(
        [str(python), *program, *arguments],
        check=False,
        capture_output=True,
        text=True,
        env=clean,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
