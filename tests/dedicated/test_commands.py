"""`friendli dedicated team|token|migrate`: accounts on the database itself."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from friendli_server.dedicated.cli import app
from friendli_server.dedicated.results.store import StorePlaceError, open_store
from friendli_server.dedicated.serve import serve
from friendli_server.dedicated.settings import GatewaySettings
from typer.testing import CliRunner, Result

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs a command on a migrated database of its own."""
    database = f"sqlite+aiosqlite:///{tmp_path / 'accounts.db'}"

    def command(*words: str) -> Result:
        return CliRunner().invoke(app, [*words, "--database", database])

    assert command("migrate").exit_code == 0
    return command


def test_a_team_with_an_owner_gets_a_token_that_is_listed_and_revoked(run: Run) -> None:
    team = run("team", "create", "kites", "--owner", "ada").stdout.strip()
    assert run("team", "list").stdout == f"{team}\tkites\tada (owner)\n"
    secret = run("token", "create", "laptop", "--team", "kites", "--user", "ada").stdout.strip()
    assert secret.startswith("flp_")
    [line] = run("token", "list", "--team", team).stdout.splitlines()
    token_id, hint, name, state = line.split("\t")
    assert (name, state) == ("laptop", "valid")
    assert hint.endswith(secret[-4:])
    assert secret not in line
    assert run("token", "revoke", token_id).exit_code == 0
    assert run("token", "list", "--team", team).stdout.strip().endswith("revoked")


def test_without_a_team_it_is_an_admin_token(run: Run) -> None:
    assert run("token", "create", "operator").stdout.startswith("fla_")
    assert "operator" in run("token", "list").stdout


@pytest.mark.parametrize(
    "words",
    [
        ("token", "create", "x", "--team", "nobody", "--user", "ada"),
        ("token", "create", "x", "--team", "kites", "--user", "bob"),
        ("token", "revoke", "nothing"),
    ],
)
def test_what_does_not_exist_is_an_error(run: Run, words: tuple[str, ...]) -> None:
    run("team", "create", "kites", "--owner", "ada")
    assert run(*words).exit_code == 1


def test_every_setting_is_a_flag_of_serve() -> None:
    help_page = CliRunner().invoke(app, ["serve", "--help"], env={"COLUMNS": "200"}).stdout
    assert "--dev" in help_page
    assert "--wake-seconds" in help_page


@pytest.mark.parametrize(
    ("flag", "value"),
    [
        ("--link-seconds", "0"),
        ("--replica", "kite"),
        ("--replica", "kite=10.0.0.7:8000"),
        ("--offer", "kite"),
        ("--database", "postgresql://db/friendli"),
    ],
)
def test_a_bad_setting_is_refused_by_name(flag: str, value: str) -> None:
    result = CliRunner().invoke(app, ["serve", flag, value])
    assert result.exit_code == 2
    assert flag.removeprefix("--").replace("-", "_") in result.stderr


@pytest.mark.parametrize("place", ["az://container/pictures", "ftp://host/pictures", "/dev/null/x"])
def test_a_store_that_cannot_be_opened_says_which(place: str) -> None:
    with pytest.raises(StorePlaceError, match=f"^{place}: .+"):
        open_store(place)


async def test_a_gateway_without_a_store_ends_with_a_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = GatewaySettings(
        port=0,
        metrics_port=None,
        migrate=True,
        database=f"sqlite+aiosqlite:///{tmp_path / 'gateway.db'}",
        results="ftp://host/pictures",
    )
    assert await serve(settings) == 1
    assert capsys.readouterr().err.startswith("Pictures cannot be kept in ftp://host/pictures: ")


@pytest.mark.parametrize("words", [("team", "list"), ("token", "create", "operator")])
def test_a_database_without_tables_says_what_to_do(words: tuple[str, ...], tmp_path: Path) -> None:
    new = ("--database", f"sqlite+aiosqlite:///{tmp_path / 'new.db'}")
    result = CliRunner().invoke(app, [*words, *new])
    assert result.exit_code == 1
    assert "friendli dedicated migrate" in result.stderr


def test_a_database_out_of_reach_is_one_line() -> None:
    away = ("--database", "postgresql+asyncpg://friendli@127.0.0.1:9/friendli")
    result = CliRunner().invoke(app, ["migrate", *away])
    assert (result.exit_code, result.stderr) == (1, "The database cannot be reached.\n")


def test_a_database_of_another_kind_is_refused_by_name() -> None:
    result = CliRunner().invoke(app, ["team", "list", "--database", "mysql://db/friendli"])
    assert result.exit_code == 2
    assert "--database" in result.stderr


def test_a_team_has_its_name_to_itself(run: Run) -> None:
    run("team", "create", "kites", "--owner", "ada")
    again = run("team", "create", "kites", "--owner", "bob")
    assert (again.exit_code, again.stderr) == (1, "There is such a team already.\n")


def test_teams_and_tokens_are_verbs_of_the_command_line_too() -> None:
    points = {point.name: point.value for point in entry_points(group="friendli.commands")}
    assert points["team"] == "friendli_server.dedicated.cli:team"
    assert points["token"] == "friendli_server.dedicated.cli:token"
