"""Programs that tests drive in environments of their own, made on first use below `.cache/`.

They would clash with ours: the official client owns the import name `friendli`, others ask for
versions that we do not have. Without a package registry the tests that need one are skipped, except
in CI.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import venv
from pathlib import Path

import pytest

CACHE = Path(__file__).parents[1] / ".cache"


def python_with(name: str, *requirements: str) -> Path:
    """An interpreter with `requirements` and nothing of ours; `name` is its folder's."""
    home = CACHE / name
    try:
        if not home.exists():
            _install(home, requirements)
    except subprocess.CalledProcessError as failed:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"{' '.join(requirements)} could not be installed: {failed.stderr[-200:]}")
    return home / "bin/python"


def _install(home: Path, requirements: tuple[str, ...]) -> None:
    """Make the environment beside its place and move it there when it is whole."""
    building = home.with_name(f"{home.name}.{os.getpid()}")
    uv = shutil.which("uv")
    venv.create(building, with_pip=uv is None, symlinks=True)
    python = str(building / "bin/python")
    pip = [uv, "pip", "install", "--python", python] if uv else [python, "-m", "pip", "install"]
    try:
        subprocess.run([*pip, "-q", *requirements], check=True, capture_output=True, text=True)
        building.rename(home)
    except OSError:  # another process was faster
        if not home.exists():
            raise
    finally:
        shutil.rmtree(building, ignore_errors=True)
