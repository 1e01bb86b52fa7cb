"""`friendli serve` as a process: its help, its light imports, its failures."""

from __future__ import annotations

import subprocess
import sys

import pytest


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, timeout=300, check=False
    )


@pytest.mark.requirement("design.lazy")
def test_neither_the_command_nor_the_server_loads_torch() -> None:
    modules = "friendli_server.cli, friendli_server.container.serve"
    code = f"import {modules}, sys; print(sorted({{'torch', 'diffusers'}} & sys.modules.keys()))"
    assert run("-c", code).stdout == "[]\n"


@pytest.mark.requirement("S4.port")
def test_the_help_page_names_the_default_port() -> None:
    page = run("-m", "friendli_server", "serve", "--help")
    assert page.returncode == 0
    assert "8000" in page.stdout


def test_a_model_that_cannot_be_loaded_ends_the_process_with_its_reason() -> None:
    ended = run("-m", "friendli_server", "serve", "/no/such/model", "--port", "0")
    assert ended.returncode == 1
    assert "Listening" not in ended.stdout
    assert "/no/such/model" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["s3://bucket/model#sha256=short"], "s3://bucket/model: #sha256= must be"),
        (["--adapter-dir", "/no/such/folder"], "/no/such/folder: "),
    ],
)
def test_a_place_that_cannot_be_ends_the_process_with_one_line(
    arguments: list[str], named: str
) -> None:
    ended = run("-m", "friendli_server", "serve", *arguments, "--port", "0", "--metrics-port", "0")
    assert ended.returncode == 1
    *_, last = ended.stderr.splitlines()
    assert last.startswith(f"friendli serve: {named}")
    assert "Traceback" not in ended.stderr
