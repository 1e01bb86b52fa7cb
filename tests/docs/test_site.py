"""The documentation: the site builds without a warning, and its reference leaves nothing out."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from friendli import cli
from friendli_server.dedicated.settings import GatewaySettings
from friendli_server.settings import ContainerSettings

ROOT = Path(__file__).parents[2]
pytest.importorskip("zensical", reason="the group dev is not installed")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as `./x docs` does."""
    folder = tmp_path_factory.mktemp("docs") / "made"
    script = str(ROOT / "scripts/docs.py")
    done = subprocess.run(
        [sys.executable, script, str(folder)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "site"


def page(site: Path, name: str) -> str:
    return (site / name / "index.html").read_text(encoding="utf-8")


@pytest.mark.requirement("docs.site")
def test_every_page_is_on_the_site_and_in_the_navigation(site: Path) -> None:
    home = (site / "index.html").read_text(encoding="utf-8")
    for path in (site.parent / "docs").rglob("*.md"):
        name = path.relative_to(site.parent / "docs").with_suffix("").as_posix()
        if name != "index":
            assert (site / name / "index.html").is_file(), name
            assert f'href="./{name}/"' in home, name


def test_the_reference_has_every_verb(site: Path) -> None:
    text = page(site, "reference/cli")
    for point in entry_points(group=cli.GROUP):
        assert f"friendli {point.name}</code>" in text
    assert "--guidance" in text


def test_the_reference_has_every_setting(site: Path) -> None:
    text = page(site, "reference/settings")
    for kind in (ContainerSettings, GatewaySettings):
        for name in kind.model_fields:
            assert f"{kind.model_config['env_prefix']}{name.upper()}<" in text


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("reference/api-container", ["/v1/images/generations", "num_inference_steps", "422"]),
        ("reference/api-gateway", ["/dedicated/v1/images/edits", "/dedicated/beta/endpoint"]),
        ("reference/metrics", ["friendli_requests_total", "friendli_gateway_jobs"]),
        (
            "reference/sdk",
            ["container.image.generate", "guidance_scale", "dedicated.endpoint.wake"],
        ),
    ],
)
def test_the_reference_is_made_of_the_code(site: Path, name: str, words: list[str]) -> None:
    text = page(site, name)
    assert [word for word in words if word not in text] == []


def test_the_site_loads_nothing_from_elsewhere(site: Path) -> None:
    for path in site.rglob("*.html"):
        found = re.findall(
            r'<(?:script|img|link)[^>]+(?:src|href)="((?:https?:)?//[^"]+)"', path.read_text()
        )
        assert [address for address in found if "127.0.0.1" not in address] == [], path.name


def test_links_between_pages_lead_somewhere() -> None:
    written = {"reference"}  # those pages are made by the build, which checks links into them
    for path in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)", path.read_text(encoding="utf-8")):
            if target.split("/")[0] not in written:
                assert (path.parent / target).exists(), f"{path.name}: {target}"
