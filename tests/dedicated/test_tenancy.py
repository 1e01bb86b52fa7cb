"""Who may do what: tokens, teams, and two teams that must not see each other."""

from __future__ import annotations

import base64
import re
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


TEAM = "/dedicated/v1/team"
OTHER_IDS: list[tuple[str, str, str]] = [
    ("DELETE", TEAM + "/token/{id}", "token"),
    ("DELETE", TEAM + "/member/{id}", "member"),
    ("POST", ENDPOINTS, "project"),
    ("GET", ENDPOINTS + "?project_id={id}", "project"),
    ("GET", ENDPOINTS + "?cursor={cursor}", "endpoint"),
]


async def ids_of(world: World, tenant: Tenant) -> dict[str, str]:
    """Every kind of id that a team has."""
    endpoint = await world.endpoint(tenant, running=False)
    async with world.gateway.database.transaction() as session:
        [token] = await accounts.tokens(session, tenant.id)
        project = await accounts.first_project(session, tenant.id)
    return {
        "token": token.id,
        "member": tenant.user_id,
        "project": project.id,
        "endpoint": endpoint,
    }


@pytest.mark.requirement("gateway.tenancy")
@pytest.mark.parametrize(("method", "path", "kind"), OTHER_IDS)
async def test_another_teams_token_member_or_project_looks_like_a_missing_one(
    world: World, method: str, path: str, kind: str
) -> None:
    owner, stranger = await world.tenant("owner"), await world.tenant("stranger")
    ids = await ids_of(world, owner)
    answers = []
    for name in (ids[kind], "zzzzzzzzzzzz"):
        body = {
            "projectId": name,
            "name": "n",
            "instanceOptionId": "i",
            "advanced": {},
            "hfModelRepo": "fake",
        }
        cursor = base64.urlsafe_b64encode(b"dep").decode()
        answers.append(
            await world.client.request(
                method,
                path.format(id=name, cursor=cursor),
                json=body if method == "POST" else None,
                headers=stranger.headers,
            )
        )
    bodies = [{**answer.json(), "request_id": None} for answer in answers]
    assert bodies[0] == bodies[1]
    if method == "GET":
        assert bodies[0]["data"] == {}
    else:
        assert {answer.status_code for answer in answers} == {404}
    # and nothing happened to the owner's
    assert (await world.client.get(TEAM, headers=owner.headers)).status_code == 200
    members = (await world.client.get(TEAM + "/member", headers=owner.headers)).json()
    assert [member["user_id"] for member in members] == [owner.user_id]
    tokens = (await world.client.get(TEAM + "/token", headers=owner.headers)).json()
    assert [token["revoked_at"] for token in tokens] == [None]


@pytest.mark.requirement("gateway.tenancy")
async def test_what_a_team_is_told_of_itself_holds_nothing_of_another(world: World) -> None:
    owner, stranger = await world.tenant("owner"), await world.tenant("stranger")
    ids = await ids_of(world, owner)
    endpoint = await world.endpoint(owner)
    await world.generate(owner, endpoint)
    for path in ("", "/project", "/member", "/token", "/usage"):
        told = (await world.client.get(TEAM + path, headers=stranger.headers)).text
        for secret in (*ids.values(), owner.id, endpoint):
            assert secret not in told


async def test_every_route_that_takes_an_id_is_in_the_matrix(world: World) -> None:
    described = {
        (method.upper(), path)
        for path, operations in world.app.openapi()["paths"].items()
        for method in operations
        if "{" in path and not path.startswith(("/dedicated/admin", "/dedicated/results"))
    }
    names = {"{endpoint_id}", "{token_id}", "{user_id}"}
    normal = {
        (method, re.sub("|".join(map(re.escape, names)), "{id}", path))
        for method, path in described
    }
    shown = {(method, path) for method, path, _ in [*VERBS, *OTHER_IDS]}
    assert normal <= shown


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
