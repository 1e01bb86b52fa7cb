"""`friendli dedicated team|token|migrate`: accounts on the database itself."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from friendli_server.dedicated.cli import app
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


def test_a_bad_setting_is_refused_by_name() -> None:
    result = CliRunner().invoke(app, ["serve", "--link-seconds", "0"])
    assert result.exit_code == 2
    assert "link_seconds" in result.stderr


def test_teams_and_tokens_are_verbs_of_the_command_line_too() -> None:
    points = {point.name: point.value for point in entry_points(group="friendli.commands")}
    assert points["team"] == "friendli_server.dedicated.cli:team"
    assert points["token"] == "friendli_server.dedicated.cli:token"
