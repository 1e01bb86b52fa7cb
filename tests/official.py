"""The official client in an environment of its own, for tests that compare with it or drive us.

It owns the import name `friendli`, so it can never share an environment with our SDK. Installed on
first use below `.cache/official/` and kept. Without a package registry the tests that need it are
skipped, except in CI.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import venv
from pathlib import Path

import pytest

VERSION = "0.16.3"
HOME = Path(__file__).parents[1] / ".cache/official" / VERSION


@pytest.fixture(scope="session")
def official_python() -> Path:
    """A Python interpreter that imports the official client."""
    try:
        return installed()
    except subprocess.CalledProcessError as failed:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"the official client could not be installed: {failed.stderr[-200:]}")


def installed() -> Path:
    """The interpreter; made on first use."""
    if not HOME.exists():
        _install()
    return HOME / "bin/python"


def _install() -> None:
    """Make the environment beside its place and move it there when it is whole."""
    building = HOME.with_name(f"{VERSION}.{os.getpid()}")
    uv = shutil.which("uv")
    venv.create(building, with_pip=uv is None, symlinks=True)
    python = str(building / "bin/python")
    pip = [uv, "pip", "install", "--python", python] if uv else [python, "-m", "pip", "install"]
    try:
        subprocess.run(
            [*pip, "-q", f"friendli=={VERSION}"], check=True, capture_output=True, text=True
        )
        building.rename(HOME)
    except OSError:  # another process was faster
        if not HOME.exists():
            raise
    finally:
        shutil.rmtree(building, ignore_errors=True)


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
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
