"""schemathesis against a gateway's description: whatever it sends is answered as declared."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from friendli_server.dedicated import operator

from .conftest import World
from .fakes import FakeContainer
from .processes import GatewayProcess, start_gateway
from .processes import serving as container_serving

pytest.importorskip("schemathesis")
LEFT_OUT = "positive_data_acceptance"
"""The public schema says its ranges in prose only, and an endpoint's id cannot be guessed."""


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[tuple[GatewayProcess, dict[str, str]]]:
    """A gateway process, and a token of a team and one of the operator's."""
    database = f"sqlite+aiosqlite:///{tmp_path / 'gateway.db'}"
    await operator.migrate(database)
    team = await operator.create_team(database, "kites", owner="ada")
    tokens = {
        "team": await operator.create_token(database, "t", team=team, user="ada") or "",
        "admin": await operator.create_token(database, "a", team="", user="") or "",
    }
    flags = ("--database", database, "--results", str(tmp_path / "results"))
    async with container_serving(FakeContainer()) as address:
        gateway = await start_gateway(
            tmp_path / "log",
            *flags,
            *("--replica", f"fake={address}", "--metrics-port", "0"),
            *("--wake-seconds", "0.2", "--log-format", "json"),
        )
        yield gateway, tokens
        assert await gateway.stop() == 0


async def fuzz(url: str, token: str, *flags: str) -> int:
    """Run schemathesis; how many cases it tried, all of which were answered as declared."""
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "run", f"{url}/openapi.json"),
        *("--header", f"Authorization: Bearer {token}", "--exclude-checks", LEFT_OUT),
        *("--phases", "examples,coverage,fuzzing", "--generation-database", "none"),
        *("--no-color", "--warnings", "off", "--seed", "20261121", *flags),
    ]
    done = await asyncio.to_thread(
        subprocess.run, command, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr
    return int((re.search(r"(\d+) generated", done.stdout) or [0, 0])[1])


@pytest.mark.requirement("gateway.contract")
async def test_what_is_sent_to_the_image_routes_is_answered_as_declared(
    served: tuple[GatewayProcess, dict[str, str]],
) -> None:
    gateway, tokens = served
    flags = ("--include-tag", "Dedicated.Image", "--max-examples", "3")
    assert await fuzz(gateway.url, tokens["team"], *flags) >= 50


@pytest.mark.slow
@pytest.mark.requirement("gateway.contract")
async def test_thousands_of_requests_are_answered_as_declared(
    served: tuple[GatewayProcess, dict[str, str]],
) -> None:
    gateway, tokens = served
    everything = ("--exclude-tag", "Dedicated.Admin", "--max-examples", "150")
    cases = await fuzz(gateway.url, tokens["team"], *everything)
    admin = ("--include-tag", "Dedicated.Admin", "--max-examples", "60")
    cases += await fuzz(gateway.url, tokens["admin"], *admin)
    assert cases >= 2000
    assert "Traceback" not in gateway.log


async def test_every_refusal_of_a_method_names_all_that_the_path_takes(world: World) -> None:
    answer = await world.client.options("/dedicated/beta/endpoint/dep")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "DELETE, GET, PUT"
