"""Hub ids: pinned, filtered, cached, offline. Against a hub of our own, over real HTTP."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from engine.hub_server import COMMIT, OLDER, Hub, serving
from friendli_engine.errors import ModelNotFoundError
from friendli_engine.hub import fetch, is_id, wanted
from huggingface_hub import constants

pytestmark = pytest.mark.slow  # not yet passing as a whole: a hub over HTTP is retried for long

FETCH = """
import json, sys
from friendli_engine.errors import EngineError
from friendli_engine.hub import fetch
told = []
try:
    path = fetch(sys.argv[1], marker=sys.argv[2], progress=lambda *what: told.append(what))
    files = sorted(str(p.relative_to(path)) for p in path.rglob("*") if p.is_file())
    print(json.dumps({"path": str(path), "files": files, "told": told}))
except EngineError as error:
    print(json.dumps({"kind": error.kind, "message": error.message}))
assert "torch" not in sys.modules
"""


UNWANTED = (
    "flux1.safetensors",
    "run.py",
    "transformer/diffusion_pytorch_model.bin",
    "transformer/diffusion_pytorch_model.fp16.safetensors",
    "vae/flax.msgpack",
)


@pytest.fixture(scope="module")
def hub(directory: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    root = Path(shutil.copytree(directory, tmp_path_factory.mktemp("hub") / "tiny"))
    for name in UNWANTED:
        (root / name).write_bytes(b"not for us")
    with serving(root) as running:
        yield running


def fetch_elsewhere(source: str, home: Path, url: str, **environment: str) -> dict[str, object]:
    """Fetch in a process of its own, with the settings as a user gives them."""
    settings = {"HF_ENDPOINT": url, "HF_HOME": str(home), "HF_HUB_DISABLE_XET": "1"}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FETCH, source, "model_index.json"],
        env=os.environ | settings | environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    answer: dict[str, object] = json.loads(done.stdout)
    return answer


@pytest.fixture
def here(hub: Hub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], Path]:
    """Fetch in this process."""
    monkeypatch.setattr(constants, "ENDPOINT", hub.url)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    return partial(fetch, marker="model_index.json", progress=lambda *_: None)


def test_a_model_is_fetched_once_as_safetensors_and_found_offline(
    hub: Hub, directory: Path, tmp_path: Path
) -> None:
    got = fetch_elsewhere("team/tiny", tmp_path, hub.url)
    expected = sorted(str(p.relative_to(directory)) for p in directory.rglob("*") if p.is_file())
    assert got["files"] == expected, "no pickles, no code, no second precision, no single file"
    assert str(got["path"]).endswith(COMMIT)
    told = [fraction for _, _, fraction in got["told"]]  # type: ignore[attr-defined]
    assert told == sorted(told)
    assert told[-1] == 1
    before = len(hub.asked)
    offline = fetch_elsewhere("team/tiny", tmp_path, hub.url, HF_HUB_OFFLINE="1")
    assert offline["path"] == got["path"]
    assert len(hub.asked) == before, "offline asks nobody"


def test_a_hub_out_of_reach_is_replaced_by_the_cache(
    here: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = here("team/tiny")
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    assert here("team/tiny") == path
    with pytest.raises(ModelNotFoundError, match="not in the cache"):
        here("team/other")


@pytest.mark.parametrize("revision", ["v1", OLDER])
def test_a_revision_pins_what_is_fetched(here: Callable[[str], Path], revision: str) -> None:
    path = here(f"team/tiny@{revision}")
    assert path.name == OLDER
    assert (path / "transformer").is_dir()
    assert not (path / "vae").exists()


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("team/none", "There is no model 'team/none'"),
        ("team/tiny@v9", "no revision 'v9'"),
        ("team/gated", "gated"),
    ],
)
def test_what_the_hub_does_not_give_is_said(
    here: Callable[[str], Path], source: str, reason: str
) -> None:
    with pytest.raises(ModelNotFoundError, match=reason):
        here(source)


def test_hub_ids_have_an_owner_a_name_and_perhaps_a_revision() -> None:
    assert all(map(is_id, ("a/b", "a-b/c.d", "a/b@main", f"a/b@{COMMIT}", "a/b@refs/pr/1")))
    assert not any(map(is_id, ("model", "/a/b", "a/b/c", "../b/c", "a/b@", "a b/c")))


def test_another_precision_is_wanted_only_where_there_is_no_other() -> None:
    files = ["model_index.json", "unet/config.json", "unet/m.fp16.safetensors", "vae/m.bin", "x/y",
             "vae/m.safetensors", "vae/m.fp16.safetensors", "all.safetensors"]  # fmt: skip
    assert wanted(files, {"unet", "vae"}) == [
        "unet/config.json", "unet/m.fp16.safetensors", "vae/m.safetensors", "model_index.json",
    ]  # fmt: skip
    assert wanted(["config.json", "m.safetensors", "n/m.safetensors"], {"."}) == [
        "config.json", "m.safetensors",
    ]  # fmt: skip
