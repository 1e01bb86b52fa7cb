"""The documentation's examples and those in `examples/` run as they stand."""

from __future__ import annotations

import json
import re
import runpy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sdk import live

ROOT = Path(__file__).parents[2]
NAMES = ("README.md", "docs/migration.md", "docs/tutorial.md")
PAGES = sorted([*ROOT.glob("docs/sdk*.md"), *(ROOT / name for name in NAMES)])
SEEDS = sorted(Path(__file__).parent.glob("seeds/*.txt"))
EXAMPLES = {
    "generate": ["car.jpg"],
    "async_many": ["red.jpg", "black.jpg"],
    "stream_progress": ["castle.jpg"],
    "edit": ["house.jpg", "evening.jpg"],
    "control": ["house-0.0.jpg", "house-1.0.jpg"],
    "adapters": ["plain.jpg", "ink.jpg", "neon.jpg"],
    "openai_client": ["lighthouse.jpg"],
    "dedicated": ["balloon-7.jpg"],
}


def blocks(page: Path) -> list[str]:
    return re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)


CASES = [
    pytest.param(page, block, id=f"{page.stem}-{number}")
    for page in PAGES
    for number, block in enumerate(blocks(page))
]


@pytest.fixture(scope="module")
def container() -> Iterator[str]:
    with live.container() as url:
        yield url


@pytest.fixture(scope="module")
def endpoints() -> Iterator[str]:
    with live.endpoints() as url:
        yield url


@pytest.fixture
def serve(container: str, endpoints: str, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Point the environment at the server that a piece of code needs."""

    def serve(code: str) -> None:
        monkeypatch.setenv("FRIENDLI_BASE_URL", endpoints if ".dedicated." in code else container)

    return serve


@pytest.fixture(autouse=True)
def _somewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ENDPOINT", "dep86pjolcjjnv8")


@pytest.mark.parametrize(("page", "block"), CASES)
def test_examples_of_the_documentation_run(
    page: Path, block: str, serve: Callable[[str], None]
) -> None:
    serve(block)
    exec(compile(block, f"{page.name}", "exec"), {"__name__": "__main__"})


@pytest.mark.parametrize("seed", SEEDS, ids=lambda path: path.stem)
def test_the_documentation_has_the_seeds_examples_word_for_word(seed: Path) -> None:
    assert any(seed.read_text(encoding="utf-8") in blocks(page) for page in PAGES)


@pytest.mark.parametrize("name", EXAMPLES)
def test_example_files_run_and_save_pictures(
    name: str, serve: Callable[[str], None], tmp_path: Path
) -> None:
    path = ROOT / f"examples/{name}.py"
    serve(path.read_text(encoding="utf-8"))
    runpy.run_path(str(path), run_name="__main__")
    for saved in EXAMPLES[name]:
        assert (tmp_path / saved).read_bytes().startswith(b"\xff\xd8\xff")


def test_the_notebook_runs_and_shows_pictures(serve: Callable[[str], None]) -> None:
    notebook = json.loads((ROOT / "examples/notebook.ipynb").read_text(encoding="utf-8"))
    names: dict[str, Any] = {"__name__": "__main__"}
    for cell in notebook["cells"]:
        assert cell.get("outputs", []) == []
        if cell["cell_type"] == "code":
            serve("")
            exec(compile("".join(cell["source"]), "notebook", "exec"), names)
    names["friendli"].close()
    assert names["res"]._repr_jpeg_().startswith(b"\xff\xd8\xff")


@pytest.mark.parametrize("path", sorted((ROOT / "examples").glob("*.py")), ids=lambda p: p.stem)
def test_examples_are_short(path: Path) -> None:
    if path.stem != "demo":  # `./x demo` tells a longer story
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 40


def test_every_link_between_the_pages_leads_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#:]+\.md)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
