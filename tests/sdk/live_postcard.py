"""A container with Postcard and a gateway in front of it, each a process, under the seeds' names.

The documentation calls an endpoint `(endpoint-id)`, an adapter `(adapter-route)` and a project
`(project-id)`; here those are what they are called, so that its examples run as they stand.
"""

from __future__ import annotations

import asyncio
import base64
import io
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from friendli_server.dedicated import operator
from friendli_server.dedicated.accounts import services as accounts
from friendli_server.dedicated.accounts.models import Project
from friendli_server.dedicated.database import Database
from friendli_server.dedicated.endpoints import services as endpoints
from friendli_server.dedicated.endpoints.wire import (
    AdvancedConfig,
    AutoscalingPolicy,
    EndpointCreateBody,
)
from PIL import Image, ImageDraw

CAT = "https://huggingface.co/datasets/huggingface/documentation-images/resolve/main/diffusers/cat.png"


def picture() -> str:
    """A drawing in place of the documentation's photograph, for there may be no network."""
    image = Image.new("RGB", (256, 256), "skyblue")
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 170, 256, 256), fill="seagreen")
    draw.rectangle((80, 100, 176, 200), fill="firebrick")
    draw.polygon((70, 100, 128, 50, 186, 100), fill="saddlebrown")
    out = io.BytesIO()
    image.save(out, "png")
    return "data:image/png;base64," + base64.b64encode(out.getvalue()).decode()


@contextmanager
def running(*words: str) -> Iterator[str]:
    """A server of ours as a process; yields the URL it says it listens on."""
    command = [sys.executable, "-m", *words, "--port", "0", "--metrics-port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            found = (re.search(r"Listening on (http://\S+)", line) for line in server.stdout)
            yield next(match[1] for match in found if match)
        finally:
            server.terminate()


@contextmanager
def container() -> Iterator[str]:
    """Postcard."""
    with running("friendli_server", "serve", "--alias", "(adapter-route)") as url:
        yield url


class Gateway(NamedTuple):
    """Where it listens, and what its team is known by."""

    url: str
    token: str
    team: str


@contextmanager
def gateway(container: str, folder: Path) -> Iterator[Gateway]:
    """A gateway whose endpoint is `container`."""
    database = f"sqlite+aiosqlite:///{folder / 'gateway.db'}"
    token, team = asyncio.run(_furnish(database))
    flags = ("--database", database, "--results", str(folder / "results"))
    replica = ("--replica", f"postcard={container}")
    with running("friendli_server.dedicated", "serve", *flags, *replica) as url:
        yield Gateway(url, token, team)


async def _furnish(url: str) -> tuple[str, str]:
    """A team with a token, and the documentation's project and endpoint."""
    await operator.migrate(url)
    team_id = await operator.create_team(url, "docs", owner="ada")
    token = await operator.create_token(url, "docs", team=team_id, user="ada")
    database = Database(url)
    async with database.transaction() as session:
        session.add(Project(id="(project-id)", team_id=team_id, name="docs"))
        user = await accounts.user_named(session, "ada")
        await session.flush()
        body = EndpointCreateBody(
            project_id="(project-id)",
            name="docs",
            instance_option_id="local",
            advanced=AdvancedConfig(),
            autoscaling_policy=AutoscalingPolicy(min_replica=1),
            hf_model_repo="postcard",
        )
        await endpoints.create(
            session, team_id=team_id, creator_id=user.id, body=body, endpoint_id="(endpoint-id)"
        )
    await database.close()
    return token or "", team_id
