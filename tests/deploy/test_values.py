"""What needs no Helm: values fit their schema, and whatever files name exists in the code."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Mapping
from typing import Any

import pytest
import yaml
from friendli_server.container import metrics as container_metrics
from friendli_server.dedicated.settings import GatewaySettings
from friendli_server.settings import ContainerSettings

from .rendering import CHART, ROOT, SETS


def text(name: str) -> str:
    return (CHART / name).read_text(encoding="utf-8")


def merged(values: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """As Helm does: maps into one another, anything else replaced."""
    both = {
        key: merged(values[key], over[key])
        for key in values.keys() & over.keys()
        if isinstance(values[key], Mapping) and isinstance(over[key], Mapping)
    }
    return {**values, **over, **both}


@pytest.mark.parametrize("name", SETS)
def test_values_fit_the_schema(name: str) -> None:
    jsonschema = pytest.importorskip("jsonschema", reason="the group dev is not installed")
    schema = json.loads(text("values.schema.json"))
    jsonschema.Draft7Validator.check_schema(schema)
    values = merged(yaml.safe_load(text("values.yaml")), SETS[name])
    assert [e.message for e in jsonschema.Draft7Validator(schema).iter_errors(values)] == []


def test_the_schema_knows_every_value() -> None:
    schema = json.loads(text("values.schema.json"))
    for name, given in yaml.safe_load(text("values.yaml")).items():
        known = schema["properties"][name]
        if isinstance(given, Mapping):
            assert given.keys() == known["properties"].keys(), name


@pytest.mark.parametrize(
    ("file", "settings"), [("_gateway", GatewaySettings), ("_container", ContainerSettings)]
)
def test_templates_name_settings_that_there_are(file: str, settings: Any) -> None:
    named = re.findall(r'^ +"([A-Z_]+)" ', text(f"templates/{file}.tpl"), re.MULTILINE)
    assert len(named) >= 6
    assert {name.lower() for name in named} <= settings.model_fields.keys()


def test_containers_are_scaled_by_what_prometheus_makes_of_their_numbers() -> None:
    adapter = (ROOT / "deploy/helm/prometheus-adapter.yaml").read_text(encoding="utf-8")
    [rule] = yaml.safe_load(adapter)["rules"]["custom"]
    assert f"metric: {{name: {rule['name']['as']}}}" in text("templates/containers.yaml")
    series = set(re.findall(r"(friendli_\w+){", rule["metricsQuery"]))
    assert series == {"friendli_current_items", "friendli_seconds_per_picture"}
    assert rule["seriesQuery"].partition("{")[0] in series
    for name in series:
        assert f'"{name}"' in inspect.getsource(container_metrics)
