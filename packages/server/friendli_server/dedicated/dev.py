"""`serve --dev`: a team, a token and an endpoint, made once, and a snippet to paste.

The endpoint's replicas start with the gateway. Knows no route.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import select

from friendli_server.dedicated.accounts import services as accounts
from friendli_server.dedicated.accounts.models import Role
from friendli_server.dedicated.database import Database
from friendli_server.dedicated.endpoints import services as endpoints
from friendli_server.dedicated.endpoints.models import Endpoint, Goal
from friendli_server.dedicated.endpoints.wire import (
    AdvancedConfig,
    AutoscalingPolicy,
    EndpointCreateBody,
)

_NAME: Final = "dev"


@dataclass(frozen=True, kw_only=True)
class DevSetup:
    """What was made, or found from an earlier start; the token is always a new one."""

    token: str
    team_id: str
    endpoint_id: str


async def prepare(database: Database, *, model: str) -> DevSetup:
    """The team `dev` with an endpoint of `model`; tokens of earlier starts are revoked."""
    async with database.transaction() as session:
        team = await accounts.find_team(session, _NAME)
        team = team or await accounts.create_team(session, _NAME)
        user = await accounts.user_named(session, _NAME)
        await accounts.set_member(session, team_id=team.id, user_id=user.id, role=Role.OWNER)
        for old in await accounts.tokens(session, team.id):
            if old.name == _NAME:
                await accounts.revoke_token(session, team_id=team.id, token_id=old.id)
        _, secret = await accounts.create_token(
            session, name=_NAME, user_id=user.id, team_id=team.id
        )
        endpoint = await session.scalar(
            select(Endpoint).where(Endpoint.team_id == team.id, Endpoint.goal != Goal.TERMINATED)
        )
        if endpoint is None:
            endpoint = await endpoints.create(
                session, team_id=team.id, creator_id=user.id, body=_endpoint(model)
            )
        return DevSetup(token=secret, team_id=team.id, endpoint_id=endpoint.id)


def snippet(setup: DevSetup, url: str) -> str:
    """A program that makes a picture with this gateway."""
    return f'''
from friendli import SyncFriendli

with SyncFriendli(token="{setup.token}", server_url="{url}") as friendli:
    res = friendli.dedicated.image.generate(
        model="{setup.endpoint_id}",
        num_inference_steps=10,
        prompt="An orange Lamborghini driving down a hill road at night with a beautiful ocean "
        "view in the background.",
    )
    print(res.data[0].url)
'''


def _endpoint(model: str) -> EndpointCreateBody:
    return EndpointCreateBody(
        project_id="",
        name=_NAME,
        instance_option_id="local",
        advanced=AdvancedConfig(),
        autoscaling_policy=AutoscalingPolicy(min_replica=1, max_replica=1),
        hf_model_repo=model,
    )
