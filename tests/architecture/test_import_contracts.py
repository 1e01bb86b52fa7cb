"""The direction of imports is law: the contracts hold, and each would notice a breach."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

BREACHES = {
    "wire knows pydantic and nothing of ours": "wire/friendli_wire",
    "the SDK knows the wire, never torch and never the servers": "sdk/friendli",
    "postcard is data: it imports nothing": "postcard/friendli_postcard",
    "the servers reach the engine through its client only": "server/friendli_server",
    "the gateway reaches containers by HTTP only": "server/friendli_server/dedicated",
}


def lint_imports(root: Path) -> subprocess.CompletedProcess[str]:
    """Run the contracts of `pyproject.toml` over the packages below `root`."""
    members = sorted(str(path) for path in (root / "packages").iterdir())
    return subprocess.run(
        [
            sys.executable,
            "-c",
            "from importlinter.cli import lint_imports_command as c; c()",
            "--no-cache",
        ],
        cwd=root,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(members), "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def copy_of_the_sources(target: Path) -> Path:
    """The packages' Python files and the contracts, without weights and caches."""
    ignore = shutil.ignore_patterns("__pycache__", "model", "*.safetensors")
    shutil.copytree(ROOT / "packages", target / "packages", ignore=ignore)
    shutil.copy(ROOT / "pyproject.toml", target)
    return target


@pytest.mark.requirement("design.contracts")
def test_every_contract_holds() -> None:
    result = lint_imports(ROOT)
    assert result.returncode == 0, result.stdout
    assert "Contracts: " in result.stdout
    assert "0 broken" in result.stdout


@pytest.mark.requirement("design.contracts")
@pytest.mark.parametrize("contract", BREACHES)
def test_a_planted_import_of_torch_breaks_its_contract(contract: str, tmp_path: Path) -> None:
    root = copy_of_the_sources(tmp_path)
    (root / "packages" / BREACHES[contract] / "planted.py").write_text("import torch\n")
    result = lint_imports(root)
    assert result.returncode == 1
    assert f"{contract} BROKEN" in result.stdout


@pytest.mark.requirement("design.contracts")
@pytest.mark.parametrize(
    ("contract", "package", "line"),
    [
        (
            "the engine knows neither HTTP nor the wire",
            "engine/friendli_engine",
            "import friendli_wire",
        ),
        (
            "the servers never import the SDK: the official one may sit beside them",
            "server/friendli_server",
            "import friendli",
        ),
        (
            "the container knows nothing of teams and endpoints",
            "server/friendli_server/container",
            "import friendli_server.dedicated",
        ),
    ],
)
def test_a_planted_import_of_a_neighbour_breaks_its_contract(
    contract: str, package: str, line: str, tmp_path: Path
) -> None:
    root = copy_of_the_sources(tmp_path)
    (root / "packages" / package / "planted.py").write_text(line + "\n")
    result = lint_imports(root)
    assert result.returncode == 1
    assert f"{contract} BROKEN" in result.stdout
