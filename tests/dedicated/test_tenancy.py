"""Who may do what: tokens, teams, and two teams that must not see each other."""

from __future__ import annotations

from typing import Any

import pytest
from friendli_server.dedicated.accounts import auth
from friendli_server.dedicated.accounts import services as accounts
from friendli_server.dedicated.accounts.models import Role, Token
from sqlalchemy import select

from .conftest import BODY, ENDPOINTS, Tenant, World

GENERATE = "/dedicated/v1/images/generations"
EDIT = "/dedicated/v1/images/edits"
IMAGE = {"image": "aGk="}

VERBS: list[tuple[str, str, Any]] = [
    ("POST", GENERATE, {**BODY, "model": "{id}"}),
    ("POST", GENERATE, {**BODY, "model": "{id}:ink"}),
    ("POST", EDIT, {**BODY, "model": "{id}", "image": IMAGE}),
    ("GET", ENDPOINTS + "/{id}", None),
    ("PUT", ENDPOINTS + "/{id}", {"name": "mine now"}),
    ("DELETE", ENDPOINTS + "/{id}", None),
    ("GET", ENDPOINTS + "/{id}/status", None),
    ("GET", ENDPOINTS + "/{id}/version", None),
    *(("PUT", f"{ENDPOINTS}/{{id}}/{verb}", None) for verb in ("sleep", "wake", "restart")),
    ("PUT", ENDPOINTS + "/{id}/terminate", None),
]


async def ask(world: World, tenant: Tenant, verb: tuple[str, str, Any], endpoint: str) -> Any:
    method, path, body = verb
    if isinstance(body, dict) and "model" in body:
        body = {**body, "model": body["model"].format(id=endpoint)}
    return await world.client.request(
        method, path.format(id=endpoint), json=body, headers=tenant.headers
    )


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: f"{verb[0]} {verb[1]}")
async def test_another_teams_endpoint_looks_exactly_like_a_missing_one(
    world: World, verb: tuple[str, str, Any]
) -> None:
    owner, stranger = await world.tenant("owner"), await world.tenant("stranger")
    endpoint = await world.endpoint(owner, adapters={"ink": "org/ink"})
    answers = [
        await ask(world, stranger, verb, endpoint),
        await ask(world, stranger, verb, "depzzzzzzzzzzzz"),
    ]
    bodies = [{**answer.json(), "request_id": None} for answer in answers]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert bodies[0] == bodies[1]
    assert (await ask(world, owner, VERBS[6], endpoint)).json()["status"] == "RUNNING"
    assert world.launcher.launched[0].bodies == []


async def test_lists_hold_ones_own_endpoints_only(world: World) -> None:
    one, two = await world.tenant("one"), await world.tenant("two")
    mine = await world.endpoint(one, running=False)
    await world.endpoint(two, running=False)
    listed = await world.client.get(ENDPOINTS, headers=one.headers)
    assert set(listed.json()["data"]) == {mine}


async def test_anothers_project_is_no_place_for_an_endpoint(world: World) -> None:
    one, two = await world.tenant("one"), await world.tenant("two")
    async with world.gateway.database.transaction() as session:
        project = await accounts.first_project(session, two.id)
    body = {
        "projectId": project.id,
        "name": "n",
        "instanceOptionId": "i",
        "advanced": {},
        "hfModelRepo": "fake",
    }
    answer = await world.client.post(ENDPOINTS, json=body, headers=one.headers)
    assert answer.status_code == 404
    assert answer.json()["error"]["param"] == "projectId"


@pytest.mark.requirement("S2.team")
@pytest.mark.parametrize("team", ["{other}", "nosuchteam12", "x'; --"])
async def test_a_team_that_is_not_mine_is_forbidden_whether_it_exists_or_not(
    world: World, team: str
) -> None:
    one, other = await world.tenant("one"), await world.tenant("other")
    answer = await world.client.get(
        ENDPOINTS, headers=one.headers | {"x-friendli-team": team.format(other=other.id)}
    )
    assert answer.status_code == 403
    assert answer.json()["error"]["code"] == "team_forbidden"


async def test_a_user_of_two_teams_chooses_by_header(world: World) -> None:
    one, two = await world.tenant("one"), await world.tenant("two")
    endpoint = await world.endpoint(two)
    async with world.gateway.database.transaction() as session:
        await accounts.set_member(session, team_id=two.id, user_id=one.user_id, role=Role.MEMBER)
    assert (await world.generate(one, endpoint)).status_code == 404
    answer = await world.client.post(
        GENERATE,
        json={**BODY, "model": endpoint},
        headers=one.headers | {"x-friendli-team": two.id},
    )
    assert answer.status_code == 200


async def test_an_empty_team_header_is_no_team_header(world: World) -> None:
    tenant = await world.tenant()
    answer = await world.client.get(ENDPOINTS, headers=tenant.headers | {"x-friendli-team": ""})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("authorization", "")],
        [("authorization", "Bearer")],
        [("authorization", "Bearer ")],
        [("authorization", "Bearer flp_0000000000000000000000000000000000000000")],
        [("authorization", "Bearer {upper}")],
        [("authorization", "Bearer {cut}")],
        [("authorization", "Basic {token}")],
        [("authorization", "{token}")],
        [("authorization", "Bearer {token}, Bearer {token}")],
        [("authorization", "Bearer {token}"), ("authorization", "Bearer {token}")],
        [("cookie", "authorization=Bearer {token}; token={token}")],
        [("x-api-key", "{token}")],
        [("authorization", "Bearer " + "f" * 100_000)],
    ],
)
async def test_anything_but_one_valid_bearer_token_is_a_401(
    world: World, headers: list[tuple[str, str]]
) -> None:
    tenant = await world.tenant()
    forms = {"token": tenant.token, "upper": tenant.token.upper(), "cut": tenant.token[:-1]}
    sent = [(name, value.format(**forms)) for name, value in headers]
    answer = await world.client.get(ENDPOINTS, headers=sent)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_a_token_in_the_query_is_no_token(world: World) -> None:
    tenant = await world.tenant()
    answer = await world.client.get(ENDPOINTS, params={"token": tenant.token})
    assert answer.status_code == 401


async def test_no_route_but_health_and_results_answers_without_a_token(world: World) -> None:
    public = {"/health", "/health/live", "/openapi.json", "/dedicated/results/{team}/{file}"}
    seen = set()
    for path, verbs in world.app.openapi()["paths"].items():
        for method in verbs:
            if path in public:
                continue
            seen.add(path)
            answer = await world.client.request(method, path.replace("{", "").replace("}", ""))
            assert answer.status_code == 401, (method, path)
    assert {GENERATE, EDIT, ENDPOINTS} < seen


async def test_the_database_holds_digests_and_never_a_token(world: World) -> None:
    tenant = await world.tenant()
    async with world.gateway.database.transaction() as session:
        [kept] = await session.scalars(select(Token).where(Token.team_id == tenant.id))
    secret = tenant.token.removeprefix("flp_")
    assert len(secret) == 40
    assert all(secret not in str(value) for value in vars(kept).values())
    assert kept.hint == f"{tenant.token[:6]}…{tenant.token[-4:]}"


async def test_a_revoked_token_works_nowhere_once_what_nodes_remember_is_old(
    make_world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert auth.FRESH_SECONDS <= 5
    clock = [1000.0]
    monkeypatch.setattr(auth, "_clock", lambda: clock[0])
    here, there = await make_world(), await make_world()
    tenant = await here.tenant()
    for node in (here, there):
        assert (await node.client.get(ENDPOINTS, headers=tenant.headers)).status_code == 200
    async with here.gateway.database.transaction() as session:
        [token] = await accounts.tokens(session, tenant.id)
        assert await accounts.revoke_token(session, team_id=tenant.id, token_id=token.id)
    clock[0] += auth.FRESH_SECONDS
    for node in (here, there):
        assert (await node.client.get(ENDPOINTS, headers=tenant.headers)).status_code == 401
