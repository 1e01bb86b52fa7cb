"""Knees are measured once per machine: kept on disk, made anew where something differs."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import torch
from engine import tiny
from engine.weaving import ANY_GAIN, mixed, plainly, request
from friendli_engine import knee, profiles
from friendli_engine.client import InlineClient
from friendli_engine.engine import Engine
from friendli_engine.knee import Profile
from friendli_engine.request import Finished


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What was measured, with the real thing behind."""
    calls: list[object] = []
    real = knee.measure

    def counting(forward: object, limits: object) -> Profile:
        calls.append(limits)
        return real(forward, limits)  # type: ignore[arg-type]

    monkeypatch.setattr(profiles, "measure", counting)
    return calls


def pictures(home: Path | None, **options: object) -> list[bytes]:
    """Of four requests on a new engine and a new model."""
    with Engine(tiny.model(tiny.flux()), gain=ANY_GAIN, profiles=home, **options) as engine:  # type: ignore[arg-type]
        events = list(engine.generate(mixed(4)))
    return [e.pixels.data for e in sorted(events, key=lambda e: e.id) if isinstance(e, Finished)]


def test_a_second_start_measures_nothing_and_gives_the_same_bytes(
    tmp_path: Path, measured: list[object]
) -> None:
    first = pictures(tmp_path / "new", max_rows=4)
    count = len(measured)
    assert count > 0
    assert pictures(tmp_path / "new", max_rows=4) == first
    assert len(measured) == count
    assert first == [plainly(tiny.model(tiny.flux()), one) for one in mixed(4)]


def test_other_limits_another_network_and_another_torch_are_measured_anew(
    tmp_path: Path, measured: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures(tmp_path, max_rows=2)
    count = len(measured)
    pictures(tmp_path, max_rows=3)
    assert len(measured) == 2 * count, "other limits"
    with Engine(
        tiny.model(tiny.flux(num_single_layers=1)), profiles=tmp_path, max_rows=2
    ) as engine:
        list(engine.generate([request("other")]))
    assert len(measured) > 2 * count, "another network"
    before = len(measured)
    monkeypatch.setattr(torch, "__version__", "99")
    pictures(tmp_path, max_rows=2)
    assert len(measured) == before + count, "another torch"


def test_a_damaged_file_is_as_good_as_none(tmp_path: Path, measured: list[object]) -> None:
    pictures(tmp_path, max_rows=2)
    count = len(measured)
    (file,) = tmp_path.iterdir()
    for content in (b"{", b'{"x": {"seconds": 1}}'):
        file.write_bytes(content)
        assert len(pictures(tmp_path, max_rows=2)) == 4
    assert len(measured) == 3 * count


@pytest.mark.asyncio
async def test_a_client_says_where_its_worker_keeps_them_and_what_it_may_take(
    directory: Path, tmp_path: Path
) -> None:
    async with InlineClient(directory, profiles=tmp_path / "kept", memory=10**9) as client:
        events = [event async for event in client.generate(request("one", steps=1))]
        while not client.stats().memory_budget:  # noqa: ASYNC110  # its next beat
            await asyncio.sleep(0.01)
        assert client.stats().memory_budget == 10**9
    assert isinstance(events[-1], Finished)
    assert [file.suffix for file in (tmp_path / "kept").iterdir()] == [".json"]


def test_a_directory_that_cannot_be_written_is_no_failure(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert len(pictures(tmp_path / "file" / "below", max_rows=2)) == 4


def test_sizes_that_failed_for_a_reason_of_the_moment_are_not_kept(tmp_path: Path) -> None:
    pipeline = tiny.flux()
    real = pipeline.transformer.forward

    def forward(hidden_states: torch.Tensor, **rest: object) -> object:
        if len(hidden_states) > 1:
            raise torch.OutOfMemoryError("out of memory")
        return real(hidden_states, **rest)

    pipeline.transformer.forward = forward
    with Engine(tiny.model(pipeline), profiles=tmp_path, max_rows=3) as engine:
        list(engine.generate([request("one")]))
        assert [k.rows for k in engine.stats().knees] == [1]
    kept = [name for file in tmp_path.iterdir() for name in file.read_text().split('"knee"')[1:]]
    with Engine(tiny.model(tiny.flux()), profiles=tmp_path, max_rows=3, gain=0.02) as engine:
        list(engine.generate([request("one")]))
        assert len(engine.stats().knees) == 1
    again = [name for file in tmp_path.iterdir() for name in file.read_text().split('"knee"')[1:]]
    assert len(again) == len(kept) + 1, "the denoiser was measured by the second engine"
