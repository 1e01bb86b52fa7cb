"""Same request and seed, same bytes: a thousand pictures, each in company drawn at random."""

from __future__ import annotations

from random import Random

import pytest
import torch
from engine import tiny
from engine.weaving import ANY_GAIN, PROMPTS, plainly, request
from friendli_engine.engine import Engine
from friendli_engine.request import Finished
from msgspec.structs import replace

DTYPES = pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32], ids=["bf16", "fp32"])
MENU = [
    request(str(i), prompt=PROMPTS[i % 3], seed=i, steps=1 + i % 4, guidance=float(i))
    for i in range(12)
]


def in_random_company(dtype: torch.dtype, count: int) -> None:
    """So many pictures, of which up to eight are under way at once, all as if made alone."""
    model, dice = tiny.model(tiny.flux(), dtype=dtype), Random(4)
    expected = {one.id: plainly(model, one) for one in MENU}
    assert len(set(expected.values())) == len(MENU)
    arrived, ended = 0, 0
    with Engine(model, gain=ANY_GAIN, max_rows=8) as engine:
        while arrived < count or engine.busy:
            under_way = arrived - ended
            for _ in range(min(dice.randint(0, 3), count - arrived, 8 - under_way)):
                one = dice.choice(MENU)
                engine.submit(replace(one, id=f"{one.id} {arrived}"))
                arrived += 1
            for event in engine.step():
                if isinstance(event, Finished):
                    assert event.pixels.data == expected[event.id.split()[0]], event.id
                    ended += 1
        stats = engine.stats()
    assert ended == stats.finished == count
    assert stats.rows > 1.2 * stats.forwards, "hardly a forward was shared"


@pytest.mark.requirement("engine.reproducible")
@DTYPES
def test_sixty_pictures_in_random_company_have_the_bytes_of_the_plain_pipeline(
    dtype: torch.dtype,
) -> None:
    in_random_company(dtype, 60)


@pytest.mark.slow
@DTYPES
def test_a_thousand_pictures_in_random_company_have_the_bytes_of_the_plain_pipeline(
    dtype: torch.dtype,
) -> None:
    in_random_company(dtype, 1000)
