"""Packages from npm: JavaScript clients, for tests that drive our servers with them, and servers.

Installed on first use below `.cache/npm/` and kept. Without Node or a package registry the tests
that need them are skipped, except in CI.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

import pytest

VERSIONS = {
    "@ai-sdk/openai-compatible": "2.0.87",
    "@huggingface/inference": "4.13.30",
    "ai": "6.0.322",
    "openai": "6.30.1",
}
CACHE = Path(__file__).parents[1] / ".cache/npm"


@pytest.fixture(scope="session")
def node_clients() -> Path:
    """A directory in which `node` finds the clients."""
    return installed(VERSIONS)


def installed(versions: Mapping[str, str]) -> Path:
    """A directory with packages of these versions."""
    home = CACHE / sha256(json.dumps(versions).encode()).hexdigest()[:12]
    if shutil.which("node") is None or shutil.which("npm") is None:
        _unavailable("there is no Node here")
    try:
        if not home.exists():
            _install(home, versions)
    except subprocess.CalledProcessError as failed:
        _unavailable(f"npm failed: {failed.stderr[-200:]}")
    return home


def _unavailable(why: str) -> None:
    if os.environ.get("CI"):
        raise RuntimeError(why)
    pytest.skip(f"packages of npm could not be installed: {why}")


def _install(home: Path, versions: Mapping[str, str]) -> None:
    """Make the directory beside its place and move it there when it is whole."""
    building = home.with_name(f"{home.name}.{os.getpid()}")
    building.mkdir(parents=True)
    package = {"private": True, "type": "module", "dependencies": versions}
    (building / "package.json").write_text(json.dumps(package), encoding="utf-8")
    quiet = ["--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
    try:
        subprocess.run(
            ["npm", "install", *quiet], cwd=building, check=True, capture_output=True, text=True
        )
        building.rename(home)
    except OSError:  # another process was faster
        if not home.exists():
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
