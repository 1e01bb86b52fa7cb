"""A folder of adapters is served as it is now; nothing in it hurts what runs."""

from __future__ import annotations

import logging
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from friendli_engine.errors import AdapterRefusedError, EngineError, NotReadyError, WorkerLostError
from friendli_engine.request import ModelInfo
from friendli_server.container.hot_adapters import HotAdapters
from friendli_server.weights import store
from friendli_server.weights.folder import AdapterFolder
from friendli_server.weights.place import WeightsError
from msgspec.structs import replace as with_
from server.bucket import NAME, Bucket, bucket, sha256sums
from server.fakes import INFO

BROKEN, DEADLY = b"broken", b"deadly"


@dataclass
class Loader:
    """Takes any file but broken ones, and tells what it was asked."""

    info: ModelInfo = field(default_factory=lambda: with_(INFO, adapters=("fixed",)))
    served: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    restarting: bool = False

    async def load_adapter(
        self, route: str, path: str | Path, scale: float = 1.0, *, replace: bool = False
    ) -> ModelInfo:
        self._ask(f"+{route}")
        content = Path(path).read_bytes()  # noqa: ASYNC240
        failures: dict[bytes, EngineError] = {
            BROKEN: AdapterRefusedError("broken"),
            DEADLY: WorkerLostError("lost"),
        }
        if content in failures:
            raise failures[content]
        if route in self.info.adapters and not replace:
            raise AdapterRefusedError("taken")
        self.served[route] = content
        return self._tell()

    async def unload_adapter(self, route: str) -> ModelInfo:
        self._ask(f"-{route}")
        del self.served[route]
        return self._tell()

    def _ask(self, what: str) -> None:
        if self.restarting:
            raise NotReadyError("restarting")
        self.asked.append(what)

    def _tell(self) -> ModelInfo:
        self.info = with_(self.info, adapters=("fixed", *self.served))
        return self.info


@pytest.fixture
def loader() -> Loader:
    return Loader()


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "loras").mkdir()
    return tmp_path / "loras"


@pytest.fixture
def hot(loader: Loader, place: Path, tmp_path: Path) -> HotAdapters:
    return HotAdapters(loader, AdapterFolder(str(place), tmp_path / "cache"))


def put(place: Path, route: str, content: bytes) -> None:
    """As a careful program does: whole or not at all."""
    (place / "new").write_bytes(content)
    (place / "new").rename(place / f"{route}.safetensors")


@pytest.mark.requirement("adapters.hot")
async def test_adapters_come_change_and_go(hot: HotAdapters, loader: Loader, place: Path) -> None:
    put(place, "ink", b"1")
    await hot.look()
    assert loader.served == {"ink": b"1"}
    put(place, "ink", b"2")
    put(place, "oil", b"3")
    await hot.look()
    assert loader.served == {"ink": b"2", "oil": b"3"}
    (place / "ink.safetensors").unlink()
    await hot.look()
    await hot.look()
    assert loader.served == {"oil": b"3"}
    assert loader.asked == ["+ink", "+ink", "+oil", "-ink"]


async def test_the_engine_has_a_copy_that_stays_whatever_happens_to_the_file(
    loader: Loader, place: Path, tmp_path: Path
) -> None:
    put(place, "ink", b"1")
    folder = AdapterFolder(str(place), tmp_path / "cache")
    path = await folder.fetch((await folder.look())["ink"])
    put(place, "ink", b"2")
    assert path.read_bytes() == b"1"


async def test_the_documented_way_to_put_one_there_is_seen(
    hot: HotAdapters, loader: Loader, place: Path
) -> None:
    page = (Path(__file__).parents[2] / "docs/howto.md").read_text(encoding="utf-8")
    (command,) = re.findall(r"^cp ink.safetensors .*$", page, re.MULTILINE)
    (place.parent / "ink.safetensors").write_bytes(b"1")
    subprocess.run(["sh", "-c", command], cwd=place.parent, check=True)  # noqa: ASYNC221  # brief
    await hot.look()
    assert loader.served == {"ink": b"1"}


@pytest.mark.requirement("adapters.hot")
async def test_a_broken_file_is_told_once_and_tried_again_when_it_changes(
    hot: HotAdapters, loader: Loader, place: Path, caplog: pytest.LogCaptureFixture
) -> None:
    put(place, "ink", BROKEN)
    with caplog.at_level(logging.WARNING):
        for _ in range(5):
            await hot.look()
    assert [record.message for record in caplog.records] == [
        "The adapter 'ink' is left out: broken"
    ]
    put(place, "ink", b"whole")
    await hot.look()
    assert loader.served == {"ink": b"whole"}
    put(place, "ink", BROKEN)
    await hot.look()
    assert loader.served == {"ink": b"whole"}, "the one before is served on"
    copies = (place.parent / "cache").rglob("*.safetensors")
    assert [copy.read_bytes() for copy in copies] == [b"whole"]


async def test_a_file_that_kills_the_engine_is_tried_twice_and_no_more(
    hot: HotAdapters, loader: Loader, place: Path
) -> None:
    put(place, "ink", DEADLY)
    for _ in range(9):
        await hot.look()
    assert loader.asked == ["+ink", "+ink"]


async def test_while_the_engine_restarts_it_waits(
    hot: HotAdapters, loader: Loader, place: Path
) -> None:
    put(place, "ink", b"1")
    loader.restarting = True
    await hot.look()
    loader.restarting = False
    await hot.look()
    assert loader.served == {"ink": b"1"}
    loader.restarting = True
    (place / "ink.safetensors").unlink()
    await hot.look()
    loader.restarting = False
    await hot.look()
    assert loader.served == {}


async def test_what_an_engine_that_started_anew_left_out_is_loaded_again(
    hot: HotAdapters, loader: Loader, place: Path
) -> None:
    put(place, "ink", b"1")
    await hot.look()
    loader.info, loader.served = with_(loader.info, adapters=("fixed",)), {}
    await hot.look()
    assert loader.served == {"ink": b"1"}


async def test_names_that_are_no_routes_and_routes_that_are_taken_are_left_alone(
    hot: HotAdapters, loader: Loader, place: Path
) -> None:
    (place / "below").mkdir()
    for name in ("fixed", ".hidden", "a b", "-x", "below/deep", "x" * 101):
        (place / f"{name}.safetensors").write_bytes(b"1")
    (place / "run.py").write_bytes(b"1")
    await hot.look()
    assert loader.asked == ["+fixed"]
    (place / "fixed.safetensors").unlink()
    await hot.look()
    assert loader.info.adapters == ("fixed",), "it is not the folder's to let go"


@pytest.mark.requirement("weights.verified")
async def test_where_sums_lie_only_what_they_list_and_describe_is_served(
    hot: HotAdapters, loader: Loader, place: Path
) -> None:
    put(place, "ink", b"1")
    put(place, "oil", b"2")
    (place / "SHA256SUMS").write_bytes(sha256sums({"ink.safetensors": b"other"}))
    await hot.look()
    assert loader.asked == []
    (place / "SHA256SUMS").write_bytes(sha256sums({"ink.safetensors": b"1"}))
    await hot.look()
    assert loader.served == {"ink": b"1"}
    (place / "SHA256SUMS").unlink()
    await hot.look()
    assert loader.served == {"ink": b"1", "oil": b"2"}


@pytest.fixture(scope="module")
def server() -> Iterator[Bucket]:
    with bucket() as it:
        yield it


@pytest.mark.requirement("adapters.hot")
async def test_a_store_serves_as_well_and_while_it_fails_everything_stays(
    server: Bucket, loader: Loader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in server.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(store, "_PAUSES", ())
    hot = HotAdapters(loader, AdapterFolder(f"s3://{NAME}/loras", tmp_path))
    await hot.look()
    server.put("loras", {"ink.safetensors": b"1"}, sums=False)
    await hot.look()
    assert loader.served == {"ink": b"1"}
    server.denied = True
    with pytest.raises(WeightsError, match=f"^s3://{NAME}/loras: [^\n]+403"):
        await hot.look()
    assert loader.served == {"ink": b"1"}
    server.denied = False
    server.put("loras", {"ink.safetensors": b"2"}, sums=False)
    await hot.look()
    assert loader.served == {"ink": b"2"}
    del server.objects["loras/ink.safetensors"]
    await hot.look()
    assert loader.served == {}
    assert server.read == ["loras/ink.safetensors"] * 2
