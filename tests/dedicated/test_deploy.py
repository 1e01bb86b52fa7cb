"""The compose file asks for what there is: settings, commands, ports, files, names."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from friendli_server.dedicated.cli import app
from friendli_server.dedicated.settings import GatewaySettings
from friendli_server.settings import ContainerSettings
from typer.main import get_command

DEPLOY = Path(__file__).parents[2] / "deploy"
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
