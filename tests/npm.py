"""JavaScript clients from npm, for tests that drive our servers with them.

Installed on first use below `.cache/npm/` and kept. Without Node or a package registry the tests
that need them are skipped, except in CI.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from hashlib import sha256
from pathlib import Path

import pytest

VERSIONS = {
    "@ai-sdk/openai-compatible": "2.0.87",
    "@huggingface/inference": "4.13.30",
    "ai": "6.0.322",
    "openai": "6.30.1",
}
_STAMP = sha256(json.dumps(VERSIONS).encode()).hexdigest()[:12]
HOME = Path(__file__).parents[1] / ".cache/npm" / _STAMP


@pytest.fixture(scope="session")
def node_clients() -> Path:
    """A directory in which `node` finds the clients."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        _unavailable("there is no Node here")
    try:
        if not HOME.exists():
            _install()
    except subprocess.CalledProcessError as failed:
        _unavailable(f"npm failed: {failed.stderr[-200:]}")
    return HOME


def _unavailable(why: str) -> None:
    if os.environ.get("CI"):
        raise RuntimeError(why)
    pytest.skip(f"the JavaScript clients could not be installed: {why}")


def _install() -> None:
    """Make the directory beside its place and move it there when it is whole."""
    building = HOME.with_name(f"{_STAMP}.{os.getpid()}")
    building.mkdir(parents=True)
    package = {"private": True, "type": "module", "dependencies": VERSIONS}
    (building / "package.json").write_text(json.dumps(package), encoding="utf-8")
    quiet = ["--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
    try:
        subprocess.run(
            ["npm", "install", *quiet], cwd=building, check=True, capture_output=True, text=True
        )
        building.rename(HOME)
    except OSError:  # another process was faster
        if not HOME.exists():
            raise
    finally:
        shutil.rmtree(building, ignore_errors=True)


def run_node(home: Path, script: str, *arguments: str) -> str:
    """Run the source text of a module with the clients at hand; its output."""
    done = subprocess.run(
        ["node", "--input-type=module", "-", *arguments],
        input=script, cwd=home, check=False, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout
