"""`friendli models`: what a server can draw with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from friendli.cli import options
from friendli.cli.trouble import told


def models(
    *, server: options.Server = None, token: options.Token = None, json: options.Json = False
) -> None:
    """List the model of a server and its adapters."""
    with told("models"):
        from friendli.cli import place  # noqa: PLC0415  # loads HTTP

        where = place.named(server, token)
        for entry in where.models():
            print(_json(entry) if json else _line(entry))  # noqa: T201


def _json(entry: Mapping[str, Any]) -> str:
    import json  # noqa: PLC0415

    return json.dumps(entry, ensure_ascii=False)


def _line(entry: Mapping[str, Any]) -> str:
    """The id, what it is, and what else the server tells of it."""
    likes = entry.get("defaults") or {}
    told = [
        f"adapter of {entry['parent']}" if entry.get("parent") else "",
        f"{likes['num_inference_steps']} steps" if "num_inference_steps" in likes else "",
        f"guidance {likes['guidance_scale']:g}" if "guidance_scale" in likes else "",
        str(likes.get("size", "")),
        "edits" if entry.get("edits") else "",
        f"controls: {' '.join(entry['controls'])}" if entry.get("controls") else "",
    ]
    return f"{entry['id']}  {', '.join(filter(None, told))}".rstrip()
