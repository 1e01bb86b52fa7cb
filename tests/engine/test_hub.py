"""Hub ids: pinned, filtered, cached, offline. Against a hub of our own, over real HTTP."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from engine.hub_server import COMMIT, OLDER, Hub, serving
from friendli_engine.hub import is_id, wanted

pytestmark = pytest.mark.requirement("engine.hub")

FETCH = """
import json, sys
from friendli_engine.errors import EngineError
from friendli_engine.hub import fetch
for source in sys.argv[1:]:
    told = []
    try:
        path = fetch(source, marker="model_index.json", progress=lambda *what: told.append(what))
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


def fetched(*sources: str, home: Path, url: str, **environment: str) -> list[dict[str, Any]]:
    """Fetch in a process of its own, with the settings as a user gives them."""
    settings = {"HF_ENDPOINT": url, "HF_HOME": str(home), "HF_HUB_DISABLE_XET": "1"}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FETCH, *sources],
        env=os.environ | settings | environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_model_is_fetched_once_as_safetensors_and_found_offline(
    hub: Hub, directory: Path, tmp_path: Path
) -> None:
    (got,) = fetched("team/tiny", home=tmp_path, url=hub.url)
    expected = sorted(str(p.relative_to(directory)) for p in directory.rglob("*") if p.is_file())
    assert got["files"] == expected, "no pickles, no code, no second precision, no single file"
    assert got["path"].endswith(COMMIT)
    told = [fraction for _, _, fraction in got["told"]]
    assert told == sorted(told)
    assert told[-1] == 1
    before = len(hub.asked)
    offline = fetched(
        "team/tiny", f"team/tiny@{COMMIT}", "team/tiny@v1", home=tmp_path, url=hub.url,
        HF_HUB_OFFLINE="1",
    )  # fmt: skip
    assert [found.get("path") for found in offline] == [got["path"], got["path"], None]
    assert "not in the cache" in offline[-1]["message"]
    assert len(hub.asked) == before, "offline asks nobody"


@pytest.mark.slow
@pytest.mark.requirement("weights.verified")
def test_weights_that_arrive_damaged_are_named_and_leave_no_trace(
    hub: Hub, directory: Path, tmp_path: Path
) -> None:
    hub.damages = "vae/diffusion_pytorch_model.safetensors"
    try:
        (said,) = fetched("team/tiny", home=tmp_path, url=hub.url)
    finally:
        hub.damages = ""
    assert said["kind"] == "ModelCorruptError"
    assert "diffusion_pytorch_model.safetensors arrived damaged" in said["message"]
    (got,) = fetched("team/tiny", home=tmp_path, url=hub.url)
    part = "vae/diffusion_pytorch_model.safetensors"
    assert (Path(got["path"]) / part).read_bytes() == (directory / part).read_bytes()


def test_a_hub_out_of_reach_is_replaced_by_the_cache(hub: Hub, tmp_path: Path) -> None:
    (got,) = fetched("team/tiny", home=tmp_path, url=hub.url)
    nobody = "http://127.0.0.1:9"
    known, unknown = fetched("team/tiny", "team/other", home=tmp_path, url=nobody)
    assert known["path"] == got["path"]
    assert "not in the cache" in unknown["message"]


@pytest.mark.slow
def test_a_revision_pins_what_is_fetched_and_is_kept_by_its_name(hub: Hub, tmp_path: Path) -> None:
    pinned = ("team/tiny@v1", f"team/tiny@{OLDER}")
    online = fetched(*pinned, home=tmp_path, url=hub.url)
    offline = fetched(*pinned, home=tmp_path, url=hub.url, HF_HUB_OFFLINE="1")
    for got in (*online, *offline):
        path = Path(got["path"])
        assert path.name == OLDER
        assert (path / "transformer").is_dir()
        assert not (path / "vae").exists()


@pytest.mark.slow
def test_what_the_hub_does_not_give_is_said(hub: Hub, tmp_path: Path) -> None:
    said = fetched("team/none", "team/tiny@v9", "team/gated", home=tmp_path, url=hub.url)
    none, revision, gated = [got["message"] for got in said]
    assert "There is no model 'team/none'" in none
    assert "no revision 'v9'" in revision
    assert "gated" in gated


LOAD = """
import sys
from friendli_engine import load
told = []
model = load(sys.argv[1], progress=lambda *what: told.append(what[0]))
print(model.info.id, model.info.family, *dict.fromkeys(told))
"""


@pytest.mark.slow
def test_a_hub_id_is_loaded_like_a_directory(hub: Hub, tmp_path: Path) -> None:
    settings = {"HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path), "HF_HUB_DISABLE_XET": "1"}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", LOAD, f"team/tiny@{COMMIT}"],
        env=os.environ | settings, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.split() == ["team/tiny", "flux", "fetching", "loading"]


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
