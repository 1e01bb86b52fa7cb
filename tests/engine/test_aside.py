"""Decoding in a second thread: the same bytes, while the steps of others go on."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from functools import wraps
from typing import Any

import pytest
import torch
from engine import tiny
from engine.weaving import assert_equal_to_plain, joining_one_by_one, mixed, request
from friendli_engine.aside import divided
from friendli_engine.engine import Engine
from friendli_engine.model import Model
from friendli_engine.network import NetworkSpec
from friendli_engine.request import Event, Failed, Finished, Progress

LIMIT = 60.0
"""Seconds after which a thread that waits for another has waited in vain."""


@pytest.fixture
def model() -> Model:
    return tiny.model(tiny.flux())


def decoding(model: Model, around: Callable[[Callable[[], Any]], Any]) -> None:
    """Let every decoding of `model` be done by `around`."""
    vae = model.pipelines["generate"].vae
    real = vae.decode

    @wraps(real)  # its signature is read
    def decode(*args: Any, **kwargs: Any) -> Any:
        return around(lambda: real(*args, **kwargs))

    vae.decode = decode


def aside() -> bool:
    """Whether this is the second thread."""
    return threading.current_thread().name.startswith("aside")


def test_pictures_decoded_aside_have_the_bytes_of_the_plain_pipeline(model: Model) -> None:
    places: Counter[bool] = Counter()

    def around(decode: Callable[[], Any]) -> Any:
        places[aside()] += 1
        return decode()

    decoding(model, around)
    assert_equal_to_plain(model, mixed(8), aside=True)
    assert places[True], "none was decoded aside"


def test_steps_of_others_go_on_while_a_picture_is_decoded(model: Model) -> None:
    went_on = threading.Event()

    def around(decode: Callable[[], Any]) -> Any:
        assert not aside() or went_on.wait(LIMIT), "the engine waited for the decoder"
        return decode()

    decoding(model, around)
    with Engine(model, aside=True) as engine:
        joining_one_by_one(engine, [request("measured", steps=1)])
        events: list[Event] = [engine.submit(request("short", steps=1))]
        engine.submit(request("long", steps=9, seed=2))
        while engine.busy:
            events += engine.step()
            if any(isinstance(e, Progress) and (e.id, e.step) == ("long", 5) for e in events):
                went_on.set()
    assert {e.id for e in events if isinstance(e, Finished)} == {"short", "long"}


def test_two_pictures_are_decoded_at_once_when_nothing_else_is_to_do(model: Model) -> None:
    both, measured = threading.Barrier(2, timeout=LIMIT), False

    def around(decode: Callable[[], Any]) -> Any:
        if measured:
            both.wait()
        return decode()

    decoding(model, around)
    with Engine(model, aside=True) as engine:
        joining_one_by_one(engine, [request("measured", steps=1)])
        measured = True
        ended = list(engine.generate([request(name, seed=ord(name)) for name in "ab"]))
    assert {e.id for e in ended if isinstance(e, Finished)} == {"a", "b"}


def test_a_network_with_a_state_is_never_called_by_both_threads(model: Model) -> None:
    """Not even for a shape that is new, whose memory only the engine's own thread can measure."""
    go, decoding_aside, overlaps = threading.Event(), threading.Event(), []

    def around(decode: Callable[[], Any]) -> Any:
        if aside():
            decoding_aside.set()
            assert go.wait(LIMIT)
            decoding_aside.clear()
        overlaps.append(decoding_aside.is_set())
        go.set()
        return decode()

    decoding(model, around)
    with Engine(model, aside=True) as engine:
        model.pipelines["generate"].vae.decode.spec = NetworkSpec()
        joining_one_by_one(engine, [request("measured", steps=1)])
        go.clear()
        engine.submit(request("short", steps=1))
        engine.submit(request("other shape", steps=3, width=64, height=32))
        while engine._crowd.all["other shape"].step < 3:
            engine.step()
        for _ in range(5):
            engine.step()
        go.set()
        ended = joining_one_by_one(engine, [])
    assert set(map(type, ended.values())) == {bytes}
    assert overlaps == [False] * 3


def test_a_request_cancelled_while_it_is_decoded_disturbs_nobody(model: Model) -> None:
    cancelled = threading.Event()

    def around(decode: Callable[[], Any]) -> Any:
        assert not aside() or cancelled.wait(LIMIT)
        return decode()

    decoding(model, around)
    ended: list[str] = []
    with Engine(model, aside=True) as engine:
        joining_one_by_one(engine, [request("measured", steps=1)])
        engine.submit(request("short", steps=1))
        engine.submit(request("long", steps=6, seed=2))
        while engine.busy:
            for event in engine.step():
                if isinstance(event, Progress) and (event.id, event.step) == ("long", 4):
                    engine.cancel("short")
                    cancelled.set()
                if isinstance(event, Finished | Failed):
                    ended.append(event.id)
    assert ended == ["long"]
    assert engine.stats().cancelled == 1


def test_a_decoder_that_fails_aside_fails_one_request(model: Model) -> None:
    def around(decode: Callable[[], Any]) -> Any:
        if aside():
            raise RuntimeError("broken")
        return decode()

    decoding(model, around)
    with Engine(model, aside=True) as engine:
        joining_one_by_one(engine, [request("measured", steps=1)])
        engine.submit(request("short", steps=1))
        ended = joining_one_by_one(engine, [request("long", steps=6, seed=2)])
    assert ended["short"] == "GenerationError"
    assert isinstance(ended["long"], bytes)


def test_closing_waits_for_what_is_decoded(model: Model) -> None:
    closing, finished = threading.Event(), []

    def around(decode: Callable[[], Any]) -> Any:
        assert not aside() or closing.wait(LIMIT)
        decoded = decode()
        finished.append(aside())
        return decoded

    decoding(model, around)
    with Engine(model, aside=True) as engine:
        joining_one_by_one(engine, [request("measured", steps=1)])
        engine.submit(request("short", steps=1))
        engine.submit(request("long", steps=9, seed=2))
        while engine.stats().active < 2 or engine._crowd.all["long"].step < 4:
            engine.step()
        closing.set()
    assert finished == [False, True]
    assert not any(thread.name.startswith("aside") for thread in threading.enumerate())


def test_a_few_threads_are_divided_and_many_are_not() -> None:
    assert [divided(threads) for threads in (1, 2, 3, 4, 5, 16)] == [
        (1, False), (1, True), (1, True), (2, True), (5, False), (16, False),
    ]  # fmt: skip


def test_a_second_thread_computes_with_as_many_of_torchs_as_the_engine(model: Model) -> None:
    seen: set[int] = set()

    def around(decode: Callable[[], Any]) -> Any:
        seen.add(torch.get_num_threads())
        return decode()

    decoding(model, around)
    with Engine(model, aside=True) as engine:
        joining_one_by_one(engine, mixed(6))
    assert seen == {torch.get_num_threads()}
