"""Weights from a store: fetched once, verified, shared; what is wrong is one line with a name."""

from __future__ import annotations

import asyncio
import hashlib
import re
import shutil
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
from friendli_server.container.arrival import Arrival, arrived
from friendli_server.settings import ContainerSettings
from friendli_server.weights import store, sums
from friendli_server.weights.fetch import fetch
from friendli_server.weights.folder import AdapterFolder
from friendli_server.weights.place import Place, WeightsError
from friendli_server.weights.verify import verify
from server.bucket import NAME, Bucket, bucket, sha256sums

FILES = {
    "model_index.json": b"{}",
    "transformer/weights.safetensors": bytes(range(256)) * 80,
    "tokenizer/merges.txt": b"a b",
}
QUICK = {
    "max_retries": 2,
    "retry_timeout": timedelta(seconds=10),
    "backoff": {
        "init_backoff": timedelta(milliseconds=1),
        "max_backoff": timedelta(milliseconds=2),
        "base": 2,
    },
}
PLACE = f"s3://{NAME}/team/tiny"


class Told(NamedTuple):
    what: str
    done: int
    total: int


@pytest.fixture(scope="module")
def server() -> Iterator[Bucket]:
    with bucket() as it:
        yield it


@pytest.fixture
def there(server: Bucket, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    """A bucket that holds the model and its sums at `PLACE`; faults pass quickly."""
    server.objects.clear()
    server.read.clear()
    server.busy, server.cut, server.denied = 0, 0, False
    server.put("team/tiny", FILES)
    for name, value in server.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(store, "_PAUSES", (0.01, 0.01))
    monkeypatch.setattr(store, "_PATIENCE", QUICK)
    monkeypatch.setattr(store, "PIECE", 1024)
    return server


async def got(place: str, cache: Path, told: list[Told] | None = None) -> Path:
    seen = [] if told is None else told
    return await fetch(Place.parse(place), cache=cache, progress=lambda *at: seen.append(Told(*at)))


def below(folder: Path) -> list[Path]:
    return list(folder.iterdir())


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.requirement("weights.store")
async def test_what_is_listed_is_fetched_and_nothing_else(there: Bucket, tmp_path: Path) -> None:
    more = {"transformer/old.bin": b"pickle", "run.py": b"code", "README.md": b"words"}
    there.put("team/tiny", FILES | more)
    there.objects["team/tiny/unlisted.safetensors"] = b"?"
    folder = await got(PLACE, tmp_path)
    assert folder.name == "tiny"
    assert contents(folder) == FILES


async def test_a_second_replica_fetches_nothing_again(there: Bucket, tmp_path: Path) -> None:
    first, second = await asyncio.gather(got(PLACE, tmp_path), got(PLACE, tmp_path))
    assert first == second == await got(PLACE, tmp_path)
    weights = [key for key in there.read if key.endswith(".safetensors")]
    assert len(weights) == 20  # pieces, each read once
    assert {name.suffix for name in below(tmp_path)} <= {"", ".lock"}


async def test_one_that_waits_sees_how_far_the_other_is(there: Bucket, tmp_path: Path) -> None:
    told: list[Told] = []
    partial = asyncio.create_task(got(PLACE, tmp_path))
    await asyncio.gather(partial, got(PLACE, tmp_path, told))
    total = sum(map(len, FILES.values()))
    assert all(0 <= at.done <= at.total == total for at in told)


async def test_other_contents_at_the_same_place_are_fetched_anew(
    there: Bucket, tmp_path: Path
) -> None:
    old = await got(PLACE, tmp_path)
    there.put("team/tiny", FILES | {"model_index.json": b'{"new": 1}'})
    new = await got(PLACE, tmp_path)
    assert old != new
    assert contents(old) == FILES
    assert contents(new)["model_index.json"] == b'{"new": 1}'


async def test_progress_is_told_by_bytes_of_all(there: Bucket, tmp_path: Path) -> None:
    told: list[Told] = []
    await got(PLACE, tmp_path, told)
    total = sum(map(len, FILES.values()))
    assert [at.done for at in told] == sorted(at.done for at in told)
    assert told[-1].done == total
    assert {at.total for at in told} == {total}
    assert "transformer/weights.safetensors" in {at.what for at in told}


@pytest.mark.requirement("weights.pin")
async def test_a_pin_holds_and_needs_no_store_the_second_time(
    there: Bucket, tmp_path: Path
) -> None:
    pin = hashlib.sha256(sha256sums(FILES)).hexdigest()
    folder = await got(f"{PLACE}#sha256={pin}", tmp_path)
    there.denied = True
    assert await got(f"{PLACE}#sha256={pin}", tmp_path) == folder
    with pytest.raises(WeightsError, match="denies access"):
        await got(PLACE, tmp_path)


async def test_other_sums_than_the_pinned_ones_are_refused(there: Bucket, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=f"^{PLACE}/SHA256SUMS: not the one that is pinned"):
        await got(f"{PLACE}#sha256={'0' * 64}", tmp_path)


async def test_one_file_is_fetched_by_its_pin_or_by_the_sums_beside_it(
    there: Bucket, tmp_path: Path
) -> None:
    content = FILES["transformer/weights.safetensors"]
    there.put("loras", {"ink.safetensors": content})
    there.objects["bare/ink.safetensors"] = content
    pin = hashlib.sha256(content).hexdigest()
    for place in (
        f"s3://{NAME}/loras/ink.safetensors",
        f"s3://{NAME}/bare/ink.safetensors#sha256={pin}",
    ):
        path = await got(place, tmp_path)
        assert (path.name, path.read_bytes()) == ("ink.safetensors", content)
    with pytest.raises(WeightsError, match="bare/SHA256SUMS: there is no such object"):
        await got(f"s3://{NAME}/bare/ink.safetensors", tmp_path)
    there.put("bare", {"other.safetensors": content})
    with pytest.raises(WeightsError, match="SHA256SUMS lists nothing of it"):
        await got(f"s3://{NAME}/bare/ink.safetensors", tmp_path)


@pytest.mark.requirement("weights.verified")
async def test_what_differs_from_its_digest_is_named_and_never_used(
    there: Bucket, tmp_path: Path
) -> None:
    key = "team/tiny/transformer/weights.safetensors"
    whole, there.objects[key] = there.objects[key], b"\0" * 20480
    with pytest.raises(WeightsError, match=r"/weights.safetensors: not what its sha256 says"):
        await got(PLACE, tmp_path)
    assert [name.suffix for name in below(tmp_path) if name.suffix != ".lock"] == [".partial"]
    there.objects[key] = whole
    assert contents(await got(PLACE, tmp_path)) == FILES


async def test_a_start_that_was_killed_is_taken_up_where_it_was(
    there: Bucket, tmp_path: Path
) -> None:
    whole = await got(PLACE, tmp_path)
    partial = whole.parent.rename(whole.parent.with_suffix(".partial")) / "tiny"
    (partial / "tokenizer/merges.txt").write_bytes(b"a")
    there.read.clear()
    assert contents(await got(PLACE, tmp_path)) == FILES
    assert set(there.read) == {"team/tiny/SHA256SUMS", "team/tiny/tokenizer/merges.txt"}


@pytest.mark.requirement("weights.faults")
async def test_a_store_that_stumbles_is_asked_again(there: Bucket, tmp_path: Path) -> None:
    there.busy, there.cut = 4, 4
    assert contents(await got(PLACE, tmp_path)) == FILES
    assert (there.busy, there.cut) == (0, 0)


async def test_answers_that_go_on_breaking_off_end_with_one_line(
    there: Bucket, tmp_path: Path
) -> None:
    there.cut = 10_000
    with pytest.raises(WeightsError, match=f"^{PLACE}/SHA256SUMS: [^\n]+$"):
        await got(PLACE, tmp_path)
    assert below(tmp_path) == []


async def test_what_is_missing_is_named(there: Bucket, tmp_path: Path) -> None:
    del there.objects["team/tiny/model_index.json"]
    with pytest.raises(WeightsError, match=f"^{PLACE}/model_index.json: there is no such object"):
        await got(PLACE, tmp_path)
    with pytest.raises(WeightsError, match=r"/nothing/SHA256SUMS: there is no such object\.$"):
        await got(f"s3://{NAME}/nothing", tmp_path)


async def test_a_disk_that_is_too_small_is_said_before_it_is_filled(
    there: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=100)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(WeightsError, match=r"0\.0 MB are to come, and 0\.0 MB are free at"):
        await got(PLACE, tmp_path)
    assert not any("weights" in key for key in there.read)


async def test_what_has_no_digest_leaves_nothing_half_fetched(
    there: Bucket, tmp_path: Path
) -> None:
    there.put("loras", {"ink.safetensors": bytes(5000)}, sums=False)
    folder = AdapterFolder(f"s3://{NAME}/loras", tmp_path)
    found = (await folder.look())["ink"]
    there.cut = 10_000
    with pytest.raises(WeightsError, match=r"^s3://models/loras/ink.safetensors: "):
        await folder.fetch(found)
    assert {path.suffix for path in below(tmp_path)} <= {".lock"}
    there.cut = 0
    assert contents((await folder.fetch(found)).parent) == {"ink.safetensors": bytes(5000)}


async def test_files_without_content_are_fetched_too(there: Bucket, tmp_path: Path) -> None:
    there.put("empty", {"a.txt": b""})
    folder = await got(f"s3://{NAME}/empty", tmp_path)
    folder.parent.rename(folder.parent.with_suffix(".partial"))
    assert contents(await got(f"s3://{NAME}/empty", tmp_path)) == {"a.txt": b""}


async def test_a_folder_by_url_is_copied_as_from_a_store(tmp_path: Path) -> None:
    write(tmp_path / "shared", FILES)
    folder = await got(f"file://{tmp_path}/shared", tmp_path / "cache")
    assert contents(folder) == FILES
    assert folder.is_relative_to(tmp_path / "cache")


@pytest.mark.parametrize(
    "place",
    ["s3://", "s3://b/x#sha256=abc", "s3://b/x#sha256=", "az://c/x", "file:///no/such/folder"],
)
async def test_a_place_that_cannot_be_is_refused_by_name(place: str, tmp_path: Path) -> None:
    where = place.partition("#")[0]
    with pytest.raises(WeightsError, match=f"^{where}: [^\n]+$"):
        await got(place, tmp_path)


HEX = "0" * 64


@pytest.mark.requirement("weights.hostile")
@pytest.mark.parametrize(
    "line",
    [
        f"{HEX}  ../../etc/cron.d/x.json",
        f"{HEX}  /etc/x.json",
        f"{HEX}  a/../../x.json",
        f"\\{HEX}  a\\nb.json",
        f"{HEX}  ",
        f"{HEX}  .",
        f"{HEX[1:]}  x.json",
        "words",
    ],
)
def test_a_line_that_leads_out_or_says_nothing_is_refused(line: str) -> None:
    good = f"{HEX}  a.json\n"
    with pytest.raises(WeightsError, match=r"^list, line 2: [^\n]+$"):
        sums.parse((good + line).encode(), of="list")


def test_both_modes_of_sha256sum_are_read() -> None:
    text = f"{HEX} *a.json\n{'A' * 64}  ./b/c d.txt\n{HEX}  e.bin\n"
    assert sums.parse(text.encode(), of="") == {"a.json": HEX, "b/c d.txt": "a" * 64}


def write(folder: Path, files: dict[str, bytes]) -> None:
    for name, content in {**files, "SHA256SUMS": sha256sums(files)}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


async def verified(place: str) -> list[Told]:
    told: list[Told] = []
    await verify(Place.parse(place), progress=lambda *at: told.append(Told(*at)))
    return told


async def test_a_folder_on_this_machine_is_verified_where_it_has_sums(tmp_path: Path) -> None:
    write(tmp_path, FILES)
    assert len(await verified(str(tmp_path))) == len(FILES)
    pin = hashlib.sha256(sha256sums(FILES)).hexdigest()
    await verified(f"{tmp_path}#sha256={pin}")
    with pytest.raises(WeightsError, match="SHA256SUMS: not the one that is pinned"):
        await verified(f"{tmp_path}#sha256={HEX}")
    (tmp_path / "more.safetensors").write_bytes(b"")
    with pytest.raises(WeightsError, match=r"more.safetensors: SHA256SUMS does not list it\.$"):
        await verified(str(tmp_path))
    (tmp_path / "more.safetensors").unlink()
    (tmp_path / "model_index.json").write_bytes(b"[]")
    with pytest.raises(WeightsError, match=r"model_index.json: not what its sha256 says\.$"):
        await verified(str(tmp_path))
    (tmp_path / "model_index.json").unlink()
    with pytest.raises(WeightsError, match=r"model_index.json: No such file or directory\.$"):
        await verified(str(tmp_path))


async def test_the_documented_command_writes_sums_that_hold(tmp_path: Path) -> None:
    write(tmp_path / "flux-dev", FILES)
    (tmp_path / "flux-dev/SHA256SUMS").unlink()
    page = (Path(__file__).parents[2] / "docs/container.md").read_text(encoding="utf-8")
    (command,) = re.findall(r"^(cd flux-dev && find .* > SHA256SUMS) .*$", page, re.MULTILINE)
    subprocess.run(["sh", "-c", command], cwd=tmp_path, check=True)  # noqa: ASYNC221  # brief
    assert len(await verified(f"{tmp_path}/flux-dev")) == len(FILES)


async def test_without_sums_and_pins_nothing_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b"{}")
    for place in (str(tmp_path), f"{tmp_path}/a.json", f"{tmp_path}/none", "org/model@main"):
        assert await verified(place) == []


async def test_a_pin_of_what_is_not_here_says_how_hub_models_are_pinned(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="pinned by its commit"):
        await verified(f"org/model#sha256={HEX}")
    with pytest.raises(WeightsError, match="SHA256SUMS: No such file"):
        await verified(f"{tmp_path}#sha256={HEX}")


@pytest.mark.requirement("weights.store")
async def test_every_place_in_the_settings_becomes_a_path(there: Bucket, tmp_path: Path) -> None:
    content = FILES["transformer/weights.safetensors"]
    there.put("loras", {"ink.safetensors": content})
    there.put("nets/edges", {"config.json": b"{}"})
    (tmp_path / "own@0.5").write_bytes(content)
    lora = f"s3://{NAME}/loras/ink.safetensors"
    pin = hashlib.sha256(content).hexdigest()
    settings = ContainerSettings(
        model=PLACE,
        adapter={"ink": f"{lora}#sha256={pin}@0.5", "own": str(tmp_path / "own@0.5"), "l": "l@2"},
        controlnet={"edges": f"s3://{NAME}/nets/edges"},
    )
    told: list[Arrival] = []
    local = await arrived(settings, cache=tmp_path / "cache", tell=told.append)
    assert contents(Path(local.model)) == FILES
    path, _, scale = local.adapter["ink"].rpartition("@")
    assert contents(Path(path).parent) == {"ink.safetensors": content}
    assert scale == "0.5"
    assert (local.adapter["own"], local.adapter["l"]) == (str(tmp_path / "own@0.5"), "l@2")
    assert contents(Path(local.controlnet["edges"])) == {"config.json": b"{}"}
    assert {at.phase for at in told} == {"downloading"}
