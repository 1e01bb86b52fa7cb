"""The documentation's reference pages, written from the code itself: they cannot be out of date.

Knows no site; `scripts/docs.py` puts the pages where they belong.
"""

from __future__ import annotations

import asyncio
import inspect
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from friendli import SyncFriendli, cli
from friendli._sync.container import SyncContainerImage
from friendli._sync.dedicated import SyncDedicatedImage
from friendli._sync.endpoint import SyncEndpoint
from friendli_server.container import app as container
from friendli_server.container.serve import engine_of
from friendli_server.container.service import Service
from friendli_server.dedicated import app as gateway
from friendli_server.dedicated import operator
from friendli_server.dedicated.gateway import open_gateway
from friendli_server.dedicated.metrics import Metrics
from friendli_server.dedicated.settings import GatewaySettings
from friendli_server.settings import ContainerSettings
from prometheus_client.core import Metric
from pydantic_settings import BaseSettings

SDK = {
    "SyncFriendli": SyncFriendli,
    "container.image": SyncContainerImage,
    "dedicated.image": SyncDedicatedImage,
    "dedicated.endpoint": SyncEndpoint,
}


def pages() -> dict[str, str]:
    """Every reference page by its file name."""
    service = asyncio.run(_service())
    return {
        "cli.md": command_line(),
        "sdk.md": sdk(),
        "api-container.md": api("Container API", container.application(service).openapi()),
        "api-gateway.md": api("Gateway API", asyncio.run(_gateway_api())),
        "settings.md": settings(),
        "metrics.md": metrics(service),
    }


async def _service() -> Service:
    given = ContainerSettings()
    return Service(engine_of(given), given)


async def _gateway_api() -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        database = f"sqlite+aiosqlite:///{folder}/docs.db"
        await operator.migrate(database)
        settings = GatewaySettings(database=database, results="memory:///")
        async with open_gateway(settings) as opened:
            return gateway.create_app(opened).openapi()


def table(*head: str, rows: Iterable[Iterable[object]]) -> str:
    """A Markdown table; its cells may hold anything."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def _cell(value: object) -> str:
    return str(value).replace("\n", " ").replace("|", "\\|")


def command_line() -> str:
    """Every verb with its options, as `--help` tells them."""
    parts = ["# Every verb and option\n\nFrom `--help`. See [the command line](../cli.md)."]
    for point in sorted(entry_points(group=cli.GROUP), key=lambda point: point.name):
        made = cli.command(point.load(), point.name)
        parts += _verb(made, f"friendli {point.name}")
    return "\n\n".join(parts)


def _verb(command: Any, name: str) -> Iterator[str]:
    """One verb, and the verbs below it."""
    yield f"## `{name}`\n\n{inspect.cleandoc(command.help or '')}"
    given = [p for p in command.params if p.name != "help"]
    rows = [(f"`{_spelled(p)}`", getattr(p, "help", "") or "", _default(p)) for p in given]
    if rows:
        yield table("option", "meaning", "default", rows=rows)
    for below, child in sorted(getattr(command, "commands", {}).items()):
        yield from _verb(child, f"{name} {below}")


def _spelled(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return str(parameter.metavar or parameter.name.upper())
    flags = "/".join([*parameter.opts, *parameter.secondary_opts])
    return flags if parameter.is_flag else f"{flags} {parameter.metavar or ''}".strip()


def _default(parameter: Any) -> str:
    value = parameter.default
    shown = value is not None and value is not False and isinstance(value, str | int | float | bool)
    return f"`{value}`" if shown and value != "" else ""


def sdk() -> str:
    """Signatures and docstrings of the blocking client; the asynchronous one has the same."""
    parts = ["# SDK\n\nFrom the docstrings. `AsyncFriendli` has the same methods, awaited."]
    for name, owner in SDK.items():
        parts.append(f"## {name}\n\n{_block(owner.__doc__)}")
        methods = inspect.getmembers(owner, inspect.isfunction)
        parts += [_method(name, *item) for item in methods if not item[0].startswith("_")]
    return "\n\n".join(parts)


def _method(owner: str, name: str, method: Callable[..., Any]) -> str:
    signature = inspect.signature(method)
    arguments = ", ".join(list(signature.parameters)[1:])
    return f"### {owner}.{name}\n\n`{name}({arguments})`\n\n{_block(method.__doc__)}"


def _block(text: str | None) -> str:
    return f"```text\n{inspect.cleandoc(text or '')}\n```"


def api(title: str, document: Mapping[str, Any]) -> str:
    """Every route of an OpenAPI document, with the fields of its bodies."""
    parts = [f"# {title}\n\nFrom the server's own `/openapi.json`."]
    for path, methods in document["paths"].items():
        for verb, route in methods.items():
            parts += _route(f"{verb.upper()} {path}", route, document["components"]["schemas"])
    return "\n\n".join(parts)


def _route(name: str, route: Mapping[str, Any], schemas: Mapping[str, Any]) -> Iterator[str]:
    yield f"## {name}\n\n{route.get('summary', '')}. {route.get('description', '')}".strip(" .")
    content = route.get("requestBody", {}).get("content", {})
    reference = content.get("application/json", {}).get("schema", {}).get("$ref", "")
    body = schemas.get(reference.rpartition("/")[2], {})
    if body.get("properties"):
        needed = body.get("required", [])
        rows = [
            (f"`{field}`", "yes" if field in needed else "", _kind(about), _default_of(about))
            for field, about in body["properties"].items()
        ]
        yield table("field", "required", "type", "default", rows=rows)
    answers = [(status, answer["description"]) for status, answer in route["responses"].items()]
    yield table("status", "meaning", rows=answers)


def _kind(about: Mapping[str, Any]) -> str:
    if "anyOf" in about:
        return " or ".join(_kind(one) for one in about["anyOf"])
    if "enum" in about:
        return ", ".join(f"`{value}`" for value in about["enum"])
    if about.get("type") == "array":
        return f"list of {_kind(about['items'])}"
    return str(about.get("type") or about.get("$ref", "any").rpartition("/")[2])


def _default_of(about: Mapping[str, Any]) -> str:
    return f"`{about['default']}`" if about.get("default") is not None else ""


def settings() -> str:
    """Every setting of both servers: flag, variable, meaning."""
    parts = ["# Settings\n\nA flag wins over the variable, the variable over the TOML file."]
    kinds: dict[str, type[BaseSettings]] = {
        "friendli serve": ContainerSettings,
        "friendli dedicated serve": GatewaySettings,
    }
    for title, kind in kinds.items():
        parts.append(f"## {title}\n\n{_settings(kind)}")
    return "\n\n".join(parts)


def _settings(kind: type[BaseSettings]) -> str:
    prefix = str(kind.model_config["env_prefix"])
    rows = [
        (
            f"`--{name.replace('_', '-')}`",
            f"`{prefix}{name.upper()}`",
            field.description or "",
            f"`{field.default}`" if field.default not in (None, [], {}, "") else "",
        )
        for name, field in kind.model_fields.items()
    ]
    return table("flag", "variable", "meaning", "default", rows=rows)


def metrics(service: Service) -> str:
    """Every number that Prometheus can scrape."""
    served: Mapping[str, Iterable[Metric]] = {
        "Container": service.metrics.collect(),
        "Gateway": Metrics().registry.collect(),
    }
    parts = ["# Metrics\n\nFor Prometheus; `deploy/grafana.json` is a dashboard."]
    for title, found in served.items():
        rows = [(f"`{metric.name}`", metric.documentation) for metric in found]
        parts.append(f"## {title}\n\n{table('name', 'meaning', rows=rows)}")
    return "\n\n".join(parts)


def write(folder: Path) -> None:
    """Write all pages."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (folder / name).write_text(text + "\n", encoding="utf-8")
