"""From a wish to files: where to ask, what to show meanwhile, what to print and keep."""

from __future__ import annotations

import asyncio
import random
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from friendli.cli import outputs, place
from friendli.cli.asking import make
from friendli.cli.history import settings
from friendli.cli.screen import Screen
from friendli.cli.trouble import USAGE, Trouble
from friendli.cli.wish import Made, Wish

_SEEDS = 2**32


@dataclass(frozen=True, kw_only=True)
class Choices:
    """What a command was told beside the wish."""

    server: str | None = None
    token: str | None = None
    team: str | None = None
    out: str | None = None
    count: int = 1
    json: bool = False
    show: bool = True
    keep: bool = True


def run(wish: Wish, choices: Choices) -> None:
    """Make the pictures and hand them over.

    Raises:
        Trouble: something a person can be told; the SDK's errors otherwise.
    """
    raw = outputs.is_raw(choices.out)
    if choices.out == outputs.PIPE:
        outputs.check_pipe()
    screen = Screen(show=choices.show and not choices.json and choices.out != outputs.PIPE)
    wishes = _counted(wish, choices.count)
    with (
        place.found(choices.server, choices.token, say=screen.say, team=choices.team) as where,
        screen.watching([wish.prompt for wish in wishes]),
    ):
        made = asyncio.run(make(where, wishes, watch=screen, raw=raw))
    _hand_over(made, choices, screen)


def _counted(wish: Wish, count: int) -> list[Wish]:
    """Seeds count up from the given one, or from any."""
    if count == 1:
        return [wish]
    first = random.randrange(_SEEDS) if wish.seed is None else wish.seed  # noqa: S311
    return [replace(wish, seed=first + number) for number in range(count)]


def _hand_over(made: Sequence[Made], choices: Choices, screen: Screen) -> None:
    kept = _kept(made, choices)
    if choices.out == outputs.PIPE:
        outputs.pipe(made, sys.stdout.buffer)
        return
    seeds = [picture.wish.seed or 0 for picture in made]
    targets = outputs.paths(choices.out, [picture.wish for picture in made], seeds)
    for picture, target, number in zip(made, targets, kept, strict=True):
        path = outputs.save(picture, target)
        if choices.json:
            print(outputs.as_json(picture, path, kept=number))  # noqa: T201
            continue
        screen.show(outputs.image(picture))
        screen.say(_told(picture, number))
        print(path)  # noqa: T201


def _kept(made: Sequence[Made], choices: Choices) -> list[int | None]:
    """The numbers of the pictures in the history; None without one."""
    history = settings.opened() if choices.keep else None
    if history is None:
        return [None for _ in made]
    with history:
        numbers: list[int | None] = [history.add(picture) for picture in made]
        history.prune()
        return numbers


def _told(made: Made, number: int | None) -> str:
    wish = made.wish
    steps = f"{wish.steps} steps, " if wish.steps else ""
    kept = f", history {number}" if number else ""
    return f"{made.width}×{made.height}, seed {wish.seed}, {steps}{made.seconds:.1f} s{kept}"


def pictures(given: Sequence[str]) -> tuple[str, ...]:
    """Paths so that they can be asked for again from anywhere; URLs as they are."""
    return tuple(text if "://" in text else _absolute(text) for text in given)


def _absolute(text: str) -> str:
    path = Path(text).expanduser().resolve()
    if not path.is_file():
        raise Trouble(f"there is no picture {text}.", why=f"Looked at {path}.", status=USAGE)
    return str(path)
