"""The command line and how packages add verbs to it."""

from __future__ import annotations

import os
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


nested = typer.Typer(help="A little tree.")
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
    assert "A little tree." in out
    assert "Cannot be loaded" in out
    assert all(f" {name} " in out for name in ("greet", "nested", "broken", "version"))
    assert friendli(monkeypatch, "broken") != 0


def test_an_unknown_verb_is_refused_with_the_nearest(
    monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    assert friendli(monkeypatch, "generat") == 2
    assert "Did you mean 'generate'?" in " ".join(capsys.readouterr().err.split())


def test_an_unknown_option_is_refused_with_the_nearest(
    monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    assert friendli(monkeypatch, "generate", "a cat", "--stepps", "3") == 2
    assert "--steps" in capsys.readouterr().err


@pytest.mark.requirement("cli.light")
@pytest.mark.parametrize("arguments", [[], ["--help"]])
def test_the_overview_names_every_verb_and_imports_next_to_nothing(arguments: list[str]) -> None:
    code = f"""
import sys
sys.argv = ["friendli", *{arguments}]
from friendli.cli import main
try:
    main()
finally:
    heavy = {{"typer", "rich", "pydantic", "httpx2", "PIL", "torch", "asyncio"}} & set(sys.modules)
    print("heavy:", sorted(heavy))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "heavy: []"
    for verb in ("generate", "edit", "serve", "dedicated", "models", "history", "doctor", "token"):
        assert f"\n  {verb} " in done.stdout


def test_a_shell_is_told_the_verbs_that_fit() -> None:
    environment = {
        **os.environ,
        "_FRIENDLI_COMPLETE": "complete_bash",
        "COMP_WORDS": "friendli ge",
        "COMP_CWORD": "1",
    }
    code = "import sys; sys.argv = ['friendli']; from friendli.cli import main; main()"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.stdout.split() == ["generate"]


def test_without_typer_one_line_says_what_to_install() -> None:
    code = (
        "import sys; sys.modules['typer'] = None; sys.argv = ['friendli', 'generate'];"
        "from friendli.cli import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.strip() == (
        "The friendli command needs typer: pip install 'friendli-image[cli]'"
    )
