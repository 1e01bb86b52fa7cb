"""The documentation's examples and those in `examples/` run as they stand."""

from __future__ import annotations

import re
import runpy
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sdk import live

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("docs/sdk*.md"), ROOT / "docs/migration.md"])
SEEDS = sorted(Path(__file__).parent.glob("seeds/*.txt"))
EXAMPLES = {
    "generate": ["car.jpg"],
    "async_many": ["red.jpg", "black.jpg"],
    "stream_progress": ["castle.jpg"],
    "edit": ["house.jpg", "evening.jpg"],
    "control": ["truck-0.0.jpg", "truck-1.0.jpg"],
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


def test_every_link_between_the_pages_leads_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#:]+\.md)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
