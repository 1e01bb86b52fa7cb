"""Every setting is a flag, a variable and a TOML key, in that order of precedence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from friendli_server import settings
from friendli_server.cli import app
from friendli_server.settings import ContainerSettings, load
from pydantic import ValidationError
from typer.testing import CliRunner

FIELDS = ContainerSettings.model_fields


def started_with(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> ContainerSettings:
    """What `friendli serve` would run with."""
    seen: list[ContainerSettings] = []

    def run(given: ContainerSettings) -> int:
        seen.append(given)
        return 0

    monkeypatch.setattr("friendli_server.container.serve.run", run)
    result = CliRunner().invoke(app, ["serve", *arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return seen[0]


def test_without_anything_the_defaults_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    given = started_with(monkeypatch)
    assert (given.model, given.port, given.metrics_port) == ("postcard", 8000, 8281)


def test_flags_reach_their_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    words = "m --adapter a=x --adapter b=y --controlnet edges=z --size 64x32 --port 0 "
    words += "--no-image-urls --api-key k --allow-image-host 127.0.0.1:9 --drain-seconds 5"
    given = started_with(monkeypatch, *words.split())
    assert given.adapter == {"a": "x", "b": "y"}
    assert given.controlnet == {"edges": "z"}
    assert (given.model, given.sides, given.port) == ("m", (64, 32), 0)
    assert (given.image_urls, given.drain_seconds) == (False, 5.0)
    assert [key.get_secret_value() for key in given.api_key] == ["k"]
    assert given.allow_image_host == ["127.0.0.1:9"]


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("PORT", "9000", 9000),
        ("ADAPTER", "a=x,b=y", {"a": "x", "b": "y"}),
        ("ALLOW_IMAGE_HOST", "h:1,i:2", ["h:1", "i:2"]),
        ("IMAGE_URLS", "false", False),
        ("DETERMINISTIC", "true", True),
        ("MODEL", "other", "other"),
    ],
)
def test_variables_reach_their_settings(
    monkeypatch: pytest.MonkeyPatch, name: str, text: str, value: Any
) -> None:
    monkeypatch.setenv(f"FRIENDLI_{name}", text)
    assert getattr(started_with(monkeypatch), name.lower()) == value


EXAMPLES: dict[str, str] = {
    "model": "other", "adapter": "ink=ink.safetensors", "controlnet": "edges=./edges",
    "adapter_dir": "s3://bucket/loras", "adapter_seconds": "0.5",
    "alias": "mine", "size": "64x32", "device": "cpu", "dtype": "float16", "deterministic": "true",
    "spare": "false", "metadata": "false", "host": "0.0.0.0", "port": "9000", "log_format": "json",
    "metrics_port": "9001", "max_queue": "7", "max_per_client": "3", "drain_seconds": "1.5",
    "watchdog_seconds": "2.5", "api_key": "k", "image_urls": "false", "allow_image_host": "h:1",
    "allow_origin": "https://app.example",
}  # fmt: skip


@pytest.mark.parametrize("name", FIELDS)
def test_every_setting_is_a_flag_a_variable_and_a_key_of_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    text = EXAMPLES[name]
    flag = [text] if name == "model" else [f"--{name.replace('_', '-')}", text]
    if text in ("true", "false"):
        flag = [f"--{'no-' * (text == 'false')}{name.replace('_', '-')}"]
    file = tmp_path / "serve.toml"
    file.write_text(f'{name} = "{text}"\n', encoding="utf-8")
    by_flag = started_with(monkeypatch, *flag)
    by_file = started_with(monkeypatch, "--config", str(file))
    monkeypatch.setenv(f"FRIENDLI_{name.upper()}", text)
    by_variable = started_with(monkeypatch)
    default = FIELDS[name].default
    for given in (by_flag, by_file, by_variable):
        assert getattr(given, name) == getattr(by_flag, name) != default
        others = FIELDS.keys() - {name}
        assert {key: getattr(given, key) for key in others} == {
            key: FIELDS[key].default for key in others
        }


def test_a_flag_wins_over_the_variable_and_the_variable_over_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "serve.toml"
    file.write_text('port = 1\nmax_queue = 2\ndevice = "cpu"\n[adapter]\nink = "ink.safetensors"\n')
    monkeypatch.setenv("FRIENDLI_PORT", "3")
    monkeypatch.setenv("FRIENDLI_MAX_QUEUE", "4")
    given = started_with(monkeypatch, "--port", "5", "--config", str(file))
    assert (given.port, given.max_queue, given.device) == (5, 4, "cpu")
    assert given.adapter == {"ink": "ink.safetensors"}


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--port", "70000"], "port"),
        (["--size", "big"], "size"),
        (["--adapter", "nameless"], "adapter"),
        (["--config", "/no/such.toml"], "/no/such.toml"),
    ],
)
def test_a_wrong_setting_is_refused_by_name(arguments: list[str], named: str) -> None:
    result = CliRunner().invoke(app, ["serve", *arguments])
    assert result.exit_code == 2
    assert named in result.stderr


def test_a_misspelt_key_in_the_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "serve.toml"
    file.write_text("prot = 1\n")
    with pytest.raises(ValidationError, match="prot"):
        load({}, file)


def test_keys_are_not_shown_when_settings_are_printed() -> None:
    assert "hunter2" not in repr(load({"api_key": ["hunter2"]}, None))


@pytest.mark.parametrize("name", FIELDS)
def test_the_help_page_and_the_documentation_name_every_setting(name: str) -> None:
    page = CliRunner().invoke(app, ["serve", "--help"], env={"COLUMNS": "160"}).output
    word = "model" if name == "model" else f"--{name.replace('_', '-')}"
    assert word in page
    documented = (Path(__file__).parents[2] / "docs" / "container.md").read_text(encoding="utf-8")
    assert (word.upper() if name == "model" else word) in documented


def test_settings_are_read_only() -> None:
    with pytest.raises(ValidationError):
        settings.ContainerSettings().port = 1
