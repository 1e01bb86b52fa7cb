"""`friendli doctor`, `models` and `endpoint`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from threading import Event

import pytest
from cli.conftest import Friendli, Watched
from friendli.cli import doctor
from friendli_server import doctor as server_doctor
from friendli_server.container.serve import listen
from sdk import live
from sdk.stub import Reply, serving


@pytest.mark.requirement("cli.doctor")
def test_all_is_well_with_a_server_that_is_ready(ask: Friendli, container: str) -> None:
    ran = ask("doctor", "--quick", "--json")
    findings = [json.loads(line) for line in ran.out.splitlines()]
    by_name = {finding["what"]: finding for finding in findings}
    assert ran.status == 0
    assert by_name["server"]["found"] == f"{container} is ready"
    assert by_name["models"]["found"] == "fake, ink, neon"
    assert by_name["friendli-image-postcard"]["level"] == "ok"
    assert "Postcard" in by_name["model"]["found"]
    assert all(finding["fix"] for finding in findings if finding["level"] != "ok")


def test_a_named_server_that_is_gone_is_a_fault_with_its_fix(friendli: Friendli) -> None:
    ran = friendli("doctor", "--quick", "--server", "http://127.0.0.1:9")
    assert ran.status == 1
    assert "✗ server: no server answers at http://127.0.0.1:9" in ran.out
    assert "fix: Start one with `friendli serve`" in ran.out


def test_something_else_at_the_address_is_a_fault(friendli: Friendli) -> None:
    with serving(lambda request: Reply({"asked": request.path}), Event()) as address:
        ran = friendli("doctor", "--quick", "--server", address)
    assert ran.status == 1
    assert "is no image server" in ran.out


def test_a_model_that_loads_is_noted(ask: Friendli, engine: Watched) -> None:
    engine.state = "starting"
    ran = ask("doctor", "--quick")
    assert "is starting" in ran.out
    assert ran.status == 0


def test_a_taken_port_is_noted_with_the_way_around(monkeypatch: pytest.MonkeyPatch) -> None:
    with listen("127.0.0.1", 0) as taken:
        monkeypatch.setenv("FRIENDLI_PORT", str(taken.getsockname()[1]))
        level, what, found, fix = server_doctor.findings()[0]
    assert (level, what) == ("note", "port")
    assert "in use" in found
    assert "friendli serve --port 0" in fix


def test_a_wrong_setting_in_the_environment_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRIENDLI_PORT", "eighty")
    [(level, _, found, fix)] = server_doctor.findings()
    assert level == "fault"
    assert "FRIENDLI_PORT" in found
    assert "FRIENDLI_PORT" in fix


def test_a_package_that_cannot_be_examined_is_a_fault(
    friendli: Friendli, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = EntryPoint("engine", "no_such_package_here:findings", doctor.GROUP)
    monkeypatch.setattr(doctor, "entry_points", lambda group: [broken])
    ran = friendli("doctor")
    assert ran.status == 1
    assert "✗ engine: ModuleNotFoundError" in ran.out
    assert "friendli-image-engine" in ran.out


@pytest.mark.slow
def test_the_engine_tells_device_dtype_and_memory() -> None:
    from friendli_engine.doctor import findings  # noqa: PLC0415  # loads torch

    found = {what: (level, text) for level, what, text, _ in findings()}
    assert set(found) == {"libraries", "device", "dtype", "memory"}
    assert "torch" in found["libraries"][1]
    assert "GiB free" in found["memory"][1]
    assert all(fix for level, _, _, fix in findings() if level != "ok")


def test_models_lists_base_and_adapters(ask: Friendli) -> None:
    assert [line.split()[0] for line in ask("models").out.splitlines()] == ["fake", "ink", "neon"]
    ids = [json.loads(line)["id"] for line in ask("models", "--json").out.splitlines()]
    assert ids == ["fake", "ink", "neon"]


@pytest.fixture
def gateway() -> Iterator[str]:
    with live.endpoints() as address:
        yield address


def test_endpoints_are_listed_shown_and_put_to_sleep(friendli: Friendli, gateway: str) -> None:
    reach = ("--server", gateway, "--token", "flp_x")
    listed = friendli("endpoint", "list", *reach)
    assert listed.status == 0
    assert "\t" in listed.out
    assert friendli("endpoint", "show", "dep1", *reach).status == 0
    slept = friendli("endpoint", "sleep", "dep1", *reach)
    assert json.loads(slept.out)["status"]
