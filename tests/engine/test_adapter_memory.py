"""Adapters come and go within a budget of memory, while other requests run, and change no bit."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from engine import tiny
from engine.lora import lora, plain_with
from engine.weaving import ANY_GAIN, joining_one_by_one, plainly, request
from friendli_engine.engine import Engine
from friendli_engine.errors import AdapterRefusedError
from friendli_engine.request import Failed, Finished, ImageRequest

pytestmark = [
    pytest.mark.filterwarnings("ignore::FutureWarning:diffusers"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:diffusers"),
]
ROUTES = ("ink", "oil", "chalk", "words")


@pytest.fixture(scope="module")
def loras(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("loras")
    return {
        route: lora(folder / f"{route}.safetensors", i, text=route == "words")
        for i, route in enumerate(ROUTES)
    }


@pytest.fixture(scope="module")
def expected(loras: dict[str, Path]) -> dict[str | None, bytes]:
    """What each adapter makes of the same request, the stock way."""
    return {
        route: plainly(plain_with(loras.get(str(route))), request("r", steps=6))
        for route in (None, *ROUTES)
    }


def one_adapter(loras: dict[str, Path]) -> int:
    """Bytes of one adapter of the transformer."""
    with Engine(tiny.model(tiny.flux())) as engine:
        engine.load_adapter("ink", loras["ink"])
        return engine.stats().adapter_bytes


def asking(*routes: str | None) -> list[ImageRequest]:
    return [request(f"{i}-{route}", steps=6, adapter=route) for i, route in enumerate(routes)]


@pytest.mark.requirement("engine.adapters")
def test_loading_and_unloading_while_a_mixed_batch_runs_changes_no_bit(
    loras: dict[str, Path], expected: dict[str | None, bytes]
) -> None:
    left = asking(None, "ink", "words", None, "oil", "ink", "words", "chalk", None)
    got: dict[str, bytes] = {}
    with Engine(tiny.model(tiny.flux()), gain=ANY_GAIN) as engine:
        turn = 0
        while left or engine.busy:
            route = ROUTES[turn % 4]
            if route in engine.info.adapters:
                engine.unload_adapter(route)
            wanted = left[0].adapter if left else route
            if wanted and wanted not in engine.info.adapters:
                engine.load_adapter(wanted, loras[wanted])
            if left:
                engine.submit(left.pop(0))
            got |= {e.id: e.pixels.data for e in engine.step() if isinstance(e, Finished)}
            turn += 1
        stats = engine.stats()
        assert stats.forwards < stats.rows, "nothing was shared"
        assert stats.adapter_loads > 4, "nothing was loaded anew"
    assert len(set(expected.values())) == 5
    assert {name: expected[None if "None" in name else name[2:]] for name in got} == got
    assert len(got) == 9


def test_a_route_may_be_loaded_anew_while_requests_still_wear_the_old_file(
    loras: dict[str, Path], expected: dict[str | None, bytes]
) -> None:
    with Engine(tiny.model(tiny.flux())) as engine:
        engine.load_adapter("brush", loras["ink"])
        engine.submit(request("old", steps=6, adapter="brush"))
        waiting = request("waiting", steps=6, adapter="brush")
        engine.step()
        engine.submit(waiting)
        engine.unload_adapter("brush")
        engine.load_adapter("brush", loras["oil"])
        got = joining_one_by_one(engine, [request("new", steps=6, adapter="brush")])
        assert engine.info.adapters == ("brush",)
        assert engine.stats().adapter_bytes == one_adapter(loras)
    assert got == {"old": expected["ink"], "waiting": expected["ink"], "new": expected["oil"]}


def test_what_was_not_used_longest_leaves_memory_and_comes_back_when_asked_for(
    loras: dict[str, Path], expected: dict[str | None, bytes]
) -> None:
    size = one_adapter(loras)
    with Engine(tiny.model(tiny.flux()), adapter_memory=2 * size) as engine:
        for route in ("ink", "oil", "chalk"):
            engine.load_adapter(route, loras[route])
            assert engine.stats().adapter_bytes <= 2 * size
        assert engine.info.adapters == ("ink", "oil", "chalk"), "all are on offer"
        assert engine.stats().adapter_evictions == 1
        for route in ("oil", "ink", "oil"):  # the first finds oil, the second puts chalk out
            got = joining_one_by_one(engine, [request("r", steps=6, adapter=route)])
            assert got["r"] == expected[route]
        stats = engine.stats()
        assert (stats.adapter_loads, stats.adapter_evictions) == (4, 2)


def test_requests_wait_until_their_adapters_fit_in_and_none_waits_for_ever(
    loras: dict[str, Path], expected: dict[str | None, bytes]
) -> None:
    size = one_adapter(loras)
    asked = asking("ink", "oil", None, "ink", "chalk", "oil", None, "chalk")
    with Engine(tiny.model(tiny.flux()), adapter_memory=size) as engine:
        for route in ("ink", "oil", "chalk"):
            engine.load_adapter(route, loras[route])
        for one in asked:
            engine.submit(one)
        ended: list[str] = []
        while engine.busy:
            for event in engine.step():
                if isinstance(event, Finished):
                    ended.append(event.id)
                    assert event.pixels.data == expected[asked[int(event.id[0])].adapter]
            assert engine.stats().adapter_bytes <= size
    assert sorted(ended) == sorted(one.id for one in asked)
    assert ended.index("2-None") < ended.index("1-oil"), "the base model waits for no adapter"
    assert ended.index("1-oil") < ended.index("4-chalk"), "memory goes to who waits longest"


def test_an_adapter_larger_than_the_budget_is_refused(loras: dict[str, Path]) -> None:
    with Engine(tiny.model(tiny.flux()), adapter_memory=100) as engine:
        with pytest.raises(AdapterRefusedError, match="memory"):
            engine.load_adapter("ink", loras["ink"])
        assert engine.info.adapters == ()


def test_a_file_that_changed_since_it_was_loaded_fails_its_requests_and_no_others(
    loras: dict[str, Path], expected: dict[str | None, bytes], tmp_path: Path
) -> None:
    size = one_adapter(loras)
    with Engine(tiny.model(tiny.flux()), adapter_memory=size) as engine:
        engine.load_adapter("brush", lora(tmp_path / "brush", 7))
        engine.load_adapter("ink", loras["ink"])
        lora(tmp_path / "brush", 8)
        asked = asking("brush", None, "ink")
        for one in asked:
            engine.submit(one)
        events = []
        while engine.busy:
            events += engine.step()
    (failed,) = (event for event in events if isinstance(event, Failed))
    assert (failed.id, failed.kind) == ("0-brush", "AdapterRefusedError")
    pictures = {e.id: e.pixels.data for e in events if isinstance(e, Finished)}
    assert pictures == {"1-None": expected[None], "2-ink": expected["ink"]}


def test_attaching_draws_nothing_from_the_ambient_randomness(loras: dict[str, Path]) -> None:
    with Engine(tiny.model(tiny.flux())) as engine:
        before = torch.get_rng_state()
        engine.load_adapter("ink", loras["ink"])
        assert torch.equal(torch.get_rng_state(), before)
