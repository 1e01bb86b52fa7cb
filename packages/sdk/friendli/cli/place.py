"""Where pictures are made: a server that was named, the one on this machine, or in this process.

Asks for health and models; knows nothing of pictures.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.metadata import entry_points
from typing import Any

from friendli.cli.trouble import REFUSED, UNREACHABLE, Trouble

DEFAULT = "http://localhost:8000"
GROUP = "friendli.embedded"
"""Entry points here give context managers that yield the URL and key of a server in-process."""
DEDICATED = "/dedicated"
"""What the URL of a gateway ends in."""
_PATIENCE = 30.0
"""Seconds for an answer about health and models; a busy machine answers late."""

_LOADING = ("starting", "restarting")
_PAUSE = 0.3
"""Seconds between looks at a server that loads its model."""


@dataclass(frozen=True)
class Place:
    """A server, and how to ask it.

    `inside` is one that lives in this process, `dedicated` a gateway, which acts for `team`.
    """

    url: str
    token: str | None
    inside: bool = False
    dedicated: bool = False
    team: str | None = None

    def get(self, path: str) -> Any:
        """The JSON at `path`; None if what answers is none.

        Raises:
            Trouble: nothing answers, or a key is needed.
        """
        import httpx2  # noqa: PLC0415  # only commands that ask need it

        headers = {"authorization": f"Bearer {self.token}"} if self.token else {}
        try:
            answer = httpx2.get(self.url + path, headers=headers, timeout=_PATIENCE)
        except httpx2.HTTPError as failure:
            raise Trouble(
                f"no server answers at {self.url}.",
                why=f"{type(failure).__name__}: {failure}",
                then="Start one with `friendli serve`, or name another with --server URL.",
                status=UNREACHABLE,
            ) from failure
        if answer.status_code == 401:
            then = "Give a key with --token or the variable FRIENDLI_TOKEN."
            raise Trouble("the server wants a key.", then=then, status=REFUSED)
        try:
            return answer.json()
        except ValueError:
            return None

    def health(self) -> Mapping[str, Any]:
        """`{"status", "model"}` of a container; empty if what answers is none."""
        found = self.get("/health")
        return found if isinstance(found, dict) and "status" in found else {}

    def models(self) -> list[Mapping[str, Any]]:
        """The base model and its adapters, as `GET /v1/models` lists them; may be empty."""
        found = self.get("/v1/models")
        listed = found.get("data") if isinstance(found, dict) else None
        return [model for model in listed or [] if isinstance(model, dict) and "id" in model]


def named(server: str | None, token: str | None, *, team: str | None = None) -> Place:
    """The place that flags and environment name, whether or not it answers."""
    url = (server or os.environ.get("FRIENDLI_BASE_URL") or DEFAULT).rstrip("/")
    return Place(
        url.removesuffix(DEDICATED),
        token or os.environ.get("FRIENDLI_TOKEN") or None,
        dedicated=url.endswith(DEDICATED),
        team=team or os.environ.get("FRIENDLI_TEAM") or None,
    )


@contextmanager
def found(
    server: str | None, token: str | None, *, say: Callable[[str], None], team: str | None = None
) -> Iterator[Place]:
    """The named place; where none was named and none answers, one in this process.

    Raises:
        Trouble: there is neither.
    """
    place = named(server, token, team=team)
    if place.dedicated:  # an endpoint that sleeps wakes when it is asked
        yield place
    elif server or os.environ.get("FRIENDLI_BASE_URL") or _answers(place):
        _await_ready(place, say)
        yield place
    else:
        with _inside(say) as place:
            yield place


def _await_ready(place: Place, say: Callable[[str], None]) -> None:
    """Return once the server would take a request, or says that it will not."""
    said = False
    while place.health().get("status") in _LOADING:
        if not said:
            say(f"The model at {place.url} is loading; Ctrl-C gives up.")
            said = True
        time.sleep(_PAUSE)


def _answers(place: Place) -> bool:
    try:
        return bool(place.health())
    except Trouble as trouble:
        return trouble.status != UNREACHABLE


@contextmanager
def _inside(say: Callable[[str], None]) -> Iterator[Place]:
    serves = list(entry_points(group=GROUP))
    if not serves:
        raise Trouble(
            f"no server answers at {DEFAULT}, and no model is installed here.",
            then="pip install friendli-image-server, or name a server with --server URL.",
            status=UNREACHABLE,
        )
    say(f"No server answers at {DEFAULT}: making it in this process, with the embedded model.")
    say("It loads for each command; `friendli serve` keeps it ready.")
    with serves[0].load()() as (url, key):
        yield Place(url, key, inside=True)


def unknown(place: Place, model: str) -> Trouble:
    """What to say of a model or adapter that the server does not have."""
    known = [str(entry["id"]) for entry in place.models()]
    near = get_close_matches(model, known, n=1)
    return Trouble(
        f"there is no model or adapter {model!r}.",
        why=f"The server has: {', '.join(known)}.",
        then=f"Did you mean --model {near[0]}?" if near else "`friendli models` lists them.",
        status=REFUSED,
    )
