"""A team that sends many requests at once waits for itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from friendli_server.dedicated.images import turns as module
from friendli_server.dedicated.images.turns import Turns
from friendli_server.dedicated.joined import Joined

from .conftest import World, WorldMaker


class Round:
    """Blocks that run until they are told to end, in the order in which they began."""

    def __init__(self, turns: Turns) -> None:
        self._turns = turns
        self.began: list[str] = []
        self._ends: list[asyncio.Event] = []

    async def block(self, team: str) -> None:
        async with self._turns.of(team):
            self.began.append(team)
            end = asyncio.Event()
            self._ends.append(end)
            await end.wait()

    async def end_one(self) -> None:
        self._ends.pop(0).set()
        await settle()


async def settle() -> None:
    """Let everything that can run do so."""
    for _ in range(10):
        await asyncio.sleep(0)


async def start(round_: Round, teams: str) -> list[asyncio.Task[None]]:
    tasks = [asyncio.create_task(round_.block(team)) for team in teams]
    await settle()
    return tasks


@pytest.mark.requirement("gateway.fair")
async def test_teams_take_turns_however_many_one_of_them_sends() -> None:
    round_ = Round(Turns(1))
    tasks = await start(round_, "aaaaabbc")
    for _ in tasks:
        await round_.end_one()
    assert "".join(round_.began) == "aabcabaa"
    await asyncio.gather(*tasks)


async def test_as_many_run_at_once_as_it_says() -> None:
    round_ = Round(Turns(2))
    tasks = await start(round_, "aaab")
    assert len(round_.began) == 2
    for _ in tasks:
        await round_.end_one()
    await asyncio.gather(*tasks)


async def test_who_leaves_while_waiting_loses_no_turn() -> None:
    round_ = Round(Turns(1))
    first, waiting, last = await start(round_, "aab")
    waiting.cancel()
    await round_.end_one()
    assert round_.began == ["a", "b"]
    await round_.end_one()
    await asyncio.gather(first, last)
    both = Round(Turns(1))
    holder, leaving = await start(both, "aa")
    both._ends.pop(0).set()
    await asyncio.sleep(0)  # the turn is on its way to the one who leaves
    leaving.cancel()
    await asyncio.gather(holder, leaving, return_exceptions=True)
    [after] = await start(both, "b")
    assert both.began[-1] == "b"
    await both.end_one()
    await after


async def test_what_takes_too_long_lets_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LONGEST_SECONDS", 0.01)
    round_ = Round(Turns(1))
    tasks = await start(round_, "ab")
    async with asyncio.timeout(30):
        while len(round_.began) < 2:  # noqa: ASYNC110 - a timer sends no event
            await asyncio.sleep(0.005)
    for _ in tasks:
        await round_.end_one()
    await asyncio.gather(*tasks)


async def test_callers_of_the_same_key_share_one_run_and_its_failure() -> None:
    runs: list[str] = []
    go = asyncio.Event()

    async def work(key: str) -> str:
        runs.append(key)
        await go.wait()
        if key == "bad":
            raise ValueError(key)
        return key.upper()

    joined = Joined(work)
    tasks = [asyncio.create_task(joined(key)) for key in ("a", "a", "b", "bad", "bad")]
    await settle()
    tasks[0].cancel()
    go.set()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert runs == ["a", "b", "bad"]
    assert results[1:3] == ["A", "B"]
    assert [type(result) for result in results[3:]] == [ValueError, ValueError]
    assert await joined("a") == "A"
    assert runs[-1] == "a"


@pytest.mark.requirement("gateway.fair")
async def test_a_flood_does_not_keep_another_team_waiting(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counted in transactions, not in seconds: the victim is through after a few of the flood's."""
    noisy, victim = await world.tenant("noisy"), await world.tenant("victim")
    theirs, mine = await world.endpoint(noisy), await world.endpoint(victim)
    await world.generate(noisy, theirs)
    await world.generate(victim, mine)
    ended: list[str] = []
    async with asyncio.TaskGroup() as group:
        for _ in range(30):
            group.create_task(note(ended, "noisy", world.generate(noisy, theirs)))
        await settle()
        await note(ended, "victim", world.generate(victim, mine))
        assert ended.index("victim") <= 8
    assert ended.count("noisy") == 30


async def note(ended: list[str], name: str, request: Any) -> None:
    answer = await request
    assert answer.status_code == 200
    ended.append(name)


@pytest.fixture
def transactions(world: World, monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """How many transactions requests have begun."""
    count = 0
    begin = type(world.gateway.database).transaction

    def counted(self: Any) -> Any:
        nonlocal count
        task = asyncio.current_task()
        count += task is None or task.get_name() != "keeper"
        return begin(self)

    monkeypatch.setattr(type(world.gateway.database), "transaction", counted)
    return lambda: count


@pytest.mark.requirement("gateway.fair")
async def test_a_refusal_that_is_certain_costs_no_transaction(
    make_world: WorldMaker, world: World, transactions: Callable[[], int]
) -> None:
    world.launcher.held = True
    tenant = await world.tenant(concurrency=1)
    endpoint = await world.endpoint(tenant)
    container = world.launcher.launched[-1]
    running = asyncio.create_task(world.generate(tenant, endpoint))

    async def one_in() -> bool:
        return len(container.bodies) == 1

    await world.until(one_in)
    before = transactions()
    for _ in range(5):
        refused = await world.generate(tenant, endpoint)
        assert refused.json()["error"]["code"] == "quota_concurrency"
    assert transactions() - before <= 1  # its token may be looked up again
    container.released.set()
    assert (await running).status_code == 200
    assert (await world.generate(tenant, endpoint)).status_code == 200
