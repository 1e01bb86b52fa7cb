"""A real container around the fake engine, in a thread, and the command line in this process."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread

import msgspec
import pytest
from friendli import cli
from friendli_engine.request import Event as EngineEvent
from friendli_engine.request import ImageRequest
from friendli_server.container.serve import Server, listen, url
from friendli_server.container.service import Service
from friendli_server.settings import ContainerSettings
from pydantic import SecretStr
from server.fakes import INFO, FakeEngine

PATIENCE = 60.0
"""Seconds that an expected event may take on a busy machine."""


@dataclass
class Watched(FakeEngine):
    """The fake engine, telling other threads when work begins and when it was given up."""

    began: Event = field(default_factory=Event)
    left: Event = field(default_factory=Event)

    async def generate(self, request: ImageRequest) -> AsyncIterator[EngineEvent]:
        self.began.set()
        try:
            async with aclosing(super().generate(request)) as events:  # type: ignore[type-var]
                async for event in events:
                    yield event
        finally:
            if request.id in self.cancelled:
                self.left.set()


@pytest.fixture
def engine() -> Watched:
    return Watched(info=msgspec.structs.replace(INFO, edits=True))


@pytest.fixture
def keys() -> list[str]:
    """Overridden by tests of a server that wants one."""
    return []


@pytest.fixture
def container(engine: Watched, keys: list[str]) -> Iterator[str]:
    """The URL of the container."""
    settings = ContainerSettings(metrics_port=None, api_key=[SecretStr(key) for key in keys])
    server = Server(Service(engine, settings))
    listener = listen("127.0.0.1", 0)
    thread = Thread(target=lambda: asyncio.run(server.serve([listener])), daemon=True)
    thread.start()
    yield url(listener)
    server.should_exit = server.force_exit = True
    thread.join()


@pytest.fixture(autouse=True)
def history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in, and a history of its own."""
    for name in ("FRIENDLI_TOKEN", "FRIENDLI_BASE_URL", "FRIENDLI_HISTORY_KEEP"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "history"
    monkeypatch.setenv("FRIENDLI_HISTORY", str(folder))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return folder


@dataclass(frozen=True)
class Ran:
    """How a command ended."""

    status: int
    out: str
    err: str


Friendli = Callable[..., Ran]


@pytest.fixture
def friendli(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Friendli:
    """Run `friendli ARGUMENTS…` in this process."""

    def friendli(*arguments: str) -> Ran:
        capsys.readouterr()
        monkeypatch.setattr(sys, "argv", ["friendli", *arguments])
        with pytest.raises(SystemExit) as left:
            cli.main()
        told = capsys.readouterr()
        return Ran(
            int(left.value.code or 0), told.out, " ".join(told.err.replace("│", " ").split())
        )

    return friendli


@pytest.fixture
def ask(friendli: Friendli, container: str) -> Friendli:
    """The same, with `--server` naming the container."""
    return lambda *arguments: friendli(*arguments, "--server", container)
