"""The compose file and the guide ask for what there is: settings, commands, flags, ports, files.

Neither Docker nor a registry is needed: what the containers would run is parsed by our own command
line, to the last flag.
"""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from friendli_server import cli
from friendli_server.dedicated.cli import app
from friendli_server.dedicated.settings import GatewaySettings
from friendli_server.settings import ContainerSettings
from typer.main import get_command

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
SECRETS = {"POSTGRES_PASSWORD": "p", "S3_KEY": "k", "S3_SECRET": "s"}


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    """The file, its variables filled in as compose does."""
    text = (DEPLOY / "dedicated.compose.yaml").read_text(encoding="utf-8")
    for name, value in SECRETS.items():
        text = text.replace(f"${{{name}:?}}", value)
    text = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text)
    assert "${" not in text
    return dict(yaml.safe_load(text))


def test_gateways_start_with_the_settings_it_names(
    compose: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = compose["services"]["gateway"]["environment"]
    ours = {k: v for k, v in environment.items() if k.startswith("FRIENDLI_DEDICATED_")}
    for name, value in ours.items():
        monkeypatch.setenv(name, value)
    settings = GatewaySettings()
    named = {name.removeprefix("FRIENDLI_DEDICATED_").lower() for name in ours}
    assert named <= GatewaySettings.model_fields.keys()
    assert settings.replica == ["postcard=http://container:8000"]
    assert not settings.serves_admin
    assert compose["services"]["gateway-2"]["environment"] == environment


def test_commands_ports_and_dependencies_exist(compose: dict[str, Any]) -> None:
    services = compose["services"]
    commands = get_command(app).commands  # type: ignore[attr-defined]  # it is a group
    for name in ("migrate", "gateway", "gateway-2"):
        assert services[name]["command"][0] in commands
    port = GatewaySettings.model_fields["port"].default
    for name in ("gateway", "gateway-2"):
        assert services[name]["ports"][0].endswith(f":{port}")
        assert f":{port}/health" in services[name]["healthcheck"]["test"][-1]
    for service in services.values():
        assert set(service.get("depends_on", {})) <= services.keys()
        for volume in service.get("volumes", []):
            source = volume.partition(":")[0]
            assert source in compose["volumes"] or (DEPLOY / source).exists()


def parse(words: list[str]) -> None:
    """Let the command line judge words without running anything.

    Raises:
        click.UsageError: there is no such command, flag or argument.
    """
    command: Any = get_command(app)
    while hasattr(command, "commands"):
        assert words[0] in command.commands, words
        command = command.commands[words.pop(0)]
    command.make_context(command.name, words)


def guide() -> list[list[str]]:
    """The words behind `friendli dedicated` on every line of the guides' shell blocks."""
    texts = [(ROOT / f"docs/{page}.md").read_text("utf-8") for page in ("dedicated", "production")]
    blocks = re.findall(r"```sh\n(.*?)```", "\n".join(texts), re.DOTALL)
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    given = [shlex.split(line, comments=True) for line in lines]
    return [words[2:] for words in given if words[:2] == ["friendli", "dedicated"]]


@pytest.mark.parametrize("words", guide(), ids=" ".join)
def test_every_command_of_the_guide_is_one(words: list[str]) -> None:
    parse(words)


def test_every_command_of_the_compose_file_is_one(compose: dict[str, Any]) -> None:
    for name in ("migrate", "gateway", "gateway-2"):
        service = compose["services"][name]
        assert service["entrypoint"] == ["python", "-m", "friendli_server.dedicated"]
        parse(list(service["command"]))
    text = (DEPLOY / "dedicated.compose.yaml").read_text(encoding="utf-8")
    told = re.sub(r"\\\n#", "", text)
    said = re.findall(r"python -m friendli_server\.dedicated (.*)", told)
    assert len(said) == 2
    for line in said:
        parse(shlex.split(line))


def test_a_flag_that_does_not_exist_would_be_noticed() -> None:
    with pytest.raises(Exception, match="No such option"):
        parse(["serve", "--prot", "8080"])


def test_the_image_is_built_from_what_there_is(compose: dict[str, Any]) -> None:
    server = tomllib.loads((ROOT / "packages/server/pyproject.toml").read_text(encoding="utf-8"))
    for name in ("gateway", "container"):
        build = compose["services"][name]["build"]
        dockerfile = (DEPLOY / build["context"] / build["dockerfile"]).read_text(encoding="utf-8")
        for source in re.findall(r"^COPY (?!--)(\S+)", dockerfile, re.MULTILINE):
            assert (ROOT / source).exists()
        for package, extra in re.findall(r"(packages/\w+)(?:\[(\w+)\])?", dockerfile):
            assert (ROOT / package / "pyproject.toml").exists()
            assert not extra or extra in server["project"]["optional-dependencies"]
        [(program, verb)] = re.findall(r'ENTRYPOINT \["(\S+)", "(\w+)"\]', dockerfile)
        assert server["project"]["scripts"][program] == "friendli_server.cli:main"
        assert hasattr(cli, verb)


def test_settings_of_both_compose_files_are_known() -> None:
    for file in ("compose.yaml", "dedicated.compose.yaml"):
        text = (DEPLOY / file).read_text(encoding="utf-8")
        for name in re.findall(r"\b(FRIENDLI_[A-Z_]+):", text):
            gateway = name.startswith("FRIENDLI_DEDICATED_")
            field = name.removeprefix("FRIENDLI_DEDICATED_" if gateway else "FRIENDLI_").lower()
            assert field in (GatewaySettings if gateway else ContainerSettings).model_fields


def test_prometheus_asks_every_server_where_it_tells(compose: dict[str, Any]) -> None:
    scraped = yaml.safe_load((DEPLOY / "dedicated.prometheus.yml").read_text(encoding="utf-8"))
    targets = {
        target
        for job in scraped["scrape_configs"]
        for config in job["static_configs"]
        for target in config["targets"]
    }
    gateway = GatewaySettings.model_fields["metrics_port"].default
    container = ContainerSettings.model_fields["metrics_port"].default
    assert targets == {f"gateway:{gateway}", f"gateway-2:{gateway}", f"container:{container}"}
    assert {target.partition(":")[0] for target in targets} <= compose["services"].keys()


def test_the_bucket_it_makes_is_the_one_it_uses(compose: dict[str, Any]) -> None:
    made = compose["services"]["bucket"]["command"][-1]
    environment = compose["services"]["gateway"]["environment"]
    bucket = environment["FRIENDLI_DEDICATED_RESULTS"].removeprefix("s3://")
    assert made == f"{environment['AWS_ENDPOINT']}/{bucket}"
