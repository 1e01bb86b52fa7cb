"""The command line and how packages add verbs to it."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import EntryPoint
from typing import Any

import pytest
import typer
from friendli import VERSION, cli


def greet(name: str = "you") -> None:
    """Say hello."""
    typer.echo(f"hello {name}")


nested = typer.Typer()
nested.command("one")(greet)
nested.command("two")(greet)


@pytest.fixture
def verbs(monkeypatch: pytest.MonkeyPatch) -> None:
    here = f"{__name__}"
    monkeypatch.setitem(sys.modules, here, sys.modules[here])
    found = [
        EntryPoint("greet", f"{here}:greet", cli.GROUP),
        EntryPoint("nested", f"{here}:nested", cli.GROUP),
        EntryPoint("broken", "no_such_package_here:verb", cli.GROUP),
    ]
    monkeypatch.setattr(cli, "entry_points", lambda group: found)


def friendli(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["friendli", *arguments])
    with pytest.raises(SystemExit) as caught:
        cli.main()
    code = caught.value.code
    return code if isinstance(code, int) else 1


def run_verb(monkeypatch: pytest.MonkeyPatch, capsys: Any, *arguments: str) -> str:
    assert friendli(monkeypatch, *arguments) == 0
    return str(capsys.readouterr().out)


def test_version_prints_the_version(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    assert run_verb(monkeypatch, capsys, "version").strip() == VERSION


@pytest.mark.usefixtures("verbs")
def test_a_function_becomes_a_verb(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    out = run_verb(monkeypatch, capsys, "greet", "--name", "me")
    assert out == "hello me\n"


@pytest.mark.usefixtures("verbs")
def test_a_typer_app_becomes_a_verb_with_verbs(
    monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    assert run_verb(monkeypatch, capsys, "nested", "two") == "hello you\n"


@pytest.mark.usefixtures("verbs")
def test_a_broken_verb_does_not_disturb_the_others(
    monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    out = run_verb(monkeypatch, capsys, "--help")
    assert "Say hello." in out
    assert "Cannot be loaded" in out
    assert all(f" {name} " in out for name in ("greet", "nested", "broken", "version"))
    assert friendli(monkeypatch, "broken") != 0


def test_an_unknown_verb_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert friendli(monkeypatch, "nonsense") != 0


def test_without_typer_one_line_says_what_to_install() -> None:
    code = "import sys; sys.modules['typer'] = None; from friendli.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.strip() == (
        "The friendli command needs typer: pip install 'friendli-image[cli]'"
    )
