"""A team looks after itself; the operator looks after teams, and leaves a trace."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest
from friendli_server.dedicated.accounts import services as accounts
from friendli_server.dedicated.settings import GatewaySettings

from .conftest import ENDPOINTS, Tenant, World

TEAM = "/dedicated/v1/team"
ADMIN = "/dedicated/admin/v1"


async def ask(world: World, who: Tenant, method: str, path: str, **kwargs: Any) -> httpx2.Response:
    return await world.client.request(method, TEAM + path, headers=who.headers, **kwargs)


@pytest.fixture
async def admin(world: World) -> dict[str, str]:
    async with world.gateway.database.transaction() as session:
        _, secret = await accounts.create_token(session, name="operator")
    return {"authorization": f"Bearer {secret}"}


async def member_of(world: World, team: Tenant, name: str) -> Tenant:
    """A plain member of a team, with a token."""
    assert (await ask(world, team, "PUT", "/member", json={"name": name})).status_code == 200
    async with world.gateway.database.transaction() as session:
        user = await accounts.user_named(session, name)
        _, secret = await accounts.create_token(
            session, name="own", user_id=user.id, team_id=team.id
        )
    return Tenant(team.id, secret, user.id)


async def test_a_token_is_shown_once_and_works_until_revoked(world: World) -> None:
    tenant = await world.tenant()
    made = (await ask(world, tenant, "POST", "/token", json={"name": "laptop"})).json()
    secret, token_id = made.pop("token"), made["id"]
    fresh = Tenant(tenant.id, secret, tenant.user_id)
    assert (await ask(world, fresh, "GET", "")).status_code == 200
    listed = (await ask(world, tenant, "GET", "/token")).json()
    assert made in listed
    assert secret not in str(listed)
    assert (await ask(world, tenant, "DELETE", f"/token/{token_id}")).status_code == 200
    revoked = {t["id"]: t["revoked_at"] for t in (await ask(world, tenant, "GET", "/token")).json()}
    assert revoked[token_id] is not None


async def test_members_use_endpoints_but_only_owners_change_people(world: World) -> None:
    owner = await world.tenant()
    member = await member_of(world, owner, "bee")
    assert (await world.client.get(ENDPOINTS, headers=member.headers)).status_code == 200
    for method, path, body in [
        ("PUT", "/member", {"name": "cee"}),
        ("DELETE", f"/member/{owner.user_id}", None),
    ]:
        answer = await ask(world, member, method, path, json=body)
        assert answer.json()["error"]["code"] == "owner_required"
    assert len((await ask(world, member, "GET", "/token")).json()) == 1
    assert len((await ask(world, owner, "GET", "/token")).json()) == 2


async def test_a_members_token_is_not_anothers_to_revoke(world: World) -> None:
    owner, stranger = await world.tenant(), await world.tenant("stranger")
    member = await member_of(world, owner, "bee")
    [own] = (await ask(world, member, "GET", "/token")).json()
    tokens = (await ask(world, owner, "GET", "/token")).json()
    [owners] = [token for token in tokens if token["id"] != own["id"]]
    for who, token in [(member, owners), (stranger, own)]:
        assert (await ask(world, who, "DELETE", f"/token/{token['id']}")).status_code == 404
    assert (await ask(world, owner, "DELETE", f"/token/{own['id']}")).status_code == 200


async def test_a_team_keeps_an_owner(world: World) -> None:
    owner = await world.tenant()
    answer = await ask(world, owner, "DELETE", f"/member/{owner.user_id}")
    assert answer.status_code == 409
    answer = await ask(world, owner, "PUT", "/member", json={"name": "alpha-owner"})
    assert answer.status_code == 409
    assert [m["role"] for m in (await ask(world, owner, "GET", "/member")).json()] == ["owner"]


async def test_endpoints_live_in_projects(world: World) -> None:
    tenant = await world.tenant()
    project = (await ask(world, tenant, "POST", "/project", json={"name": "kites"})).json()
    names = [p["name"] for p in (await ask(world, tenant, "GET", "/project")).json()]
    assert names == ["default", "kites"]
    inside = await world.endpoint(tenant, running=False, projectId=project["id"])
    await world.endpoint(tenant, running=False)
    listed = await world.client.get(
        ENDPOINTS, params={"project_id": project["id"]}, headers=tenant.headers
    )
    assert set(listed.json()["data"]) == {inside}


async def test_the_operator_makes_a_team_whose_owner_can_work(
    world: World, admin: dict[str, str]
) -> None:
    body = {"name": "kites", "requests_per_minute": 7}
    team = (await world.client.post(ADMIN + "/team", json=body, headers=admin)).json()
    path = f"{ADMIN}/team/{team['id']}"
    person = {"name": "ada", "role": "owner"}
    await world.client.put(path + "/member", json=person, headers=admin)
    token = {"name": "first", "user": "ada"}
    secret = (await world.client.post(path + "/token", json=token, headers=admin)).json()["token"]
    ada = {"authorization": f"Bearer {secret}"}
    seen = (await world.client.get(TEAM, headers=ada)).json()
    assert (seen["name"], seen["requests_per_minute"]) == ("kites", 7)
    taken = await world.client.post(ADMIN + "/team", json=body, headers=admin)
    assert taken.json()["error"]["code"] == "name_taken"


async def test_a_deleted_team_takes_endpoints_tokens_and_pictures_along(
    world: World, admin: dict[str, str]
) -> None:
    tenant = await world.tenant()
    url = (await world.generate(tenant, await world.endpoint(tenant))).json()["data"][0]["url"]
    await world.client.delete(f"{ADMIN}/team/{tenant.id}", headers=admin)
    assert (await world.client.get(url)).status_code == 404

    async def stopped() -> bool:
        return len(world.launcher.stopped) == 1

    await world.until(stopped)
    async with world.gateway.database.transaction() as session:
        assert await accounts.tokens(session, tenant.id) == []


async def test_every_change_of_the_operator_is_in_the_audit_and_no_secret(
    world: World, admin: dict[str, str]
) -> None:
    tenant = await world.tenant()
    path = f"{ADMIN}/team/{tenant.id}"
    await world.client.put(path + "/quota", json={"concurrency": 3}, headers=admin)
    await world.client.put(path + "/member", json={"name": "ada"}, headers=admin)
    token = {"name": "t", "user": "ada"}
    secret = (await world.client.post(path + "/token", json=token, headers=admin)).json()["token"]
    await world.client.delete(path, headers=admin)
    trace = (await world.client.get(ADMIN + "/audit", headers=admin)).json()
    actions = ["delete team", "create token", "set member", "set quota"]
    assert [entry["action"] for entry in trace] == actions
    assert {entry["subject"] for entry in trace} == {tenant.id}
    assert trace[3]["detail"]["concurrency"] == 3
    assert secret not in str(trace)


async def test_admin_tokens_and_user_tokens_do_not_replace_each_other(
    world: World, admin: dict[str, str]
) -> None:
    tenant = await world.tenant()
    assert (await world.client.get(ADMIN + "/team", headers=tenant.headers)).status_code == 401
    assert (await world.client.get(ENDPOINTS, headers=admin)).status_code == 401
    answer = await world.client.get(ENDPOINTS, headers=admin | {"x-friendli-team": tenant.id})
    assert answer.status_code == 401


async def test_the_admin_api_can_be_off_and_is_off_by_default_off_loopback(
    make_world: Any,
) -> None:
    world: World = await make_world(admin=False)
    assert (await world.client.get(ADMIN + "/team")).status_code == 404
    assert GatewaySettings(host="127.0.0.1").serves_admin
    assert not GatewaySettings(host="0.0.0.0").serves_admin
    assert GatewaySettings(host="0.0.0.0", admin=True).serves_admin
