"""`friendli models`: what a server can draw with."""

from __future__ import annotations

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


def _json(entry: object) -> str:
    import json  # noqa: PLC0415

    return json.dumps(entry, ensure_ascii=False)


def _line(entry: object) -> str:
    """The id, and what else the server tells of it."""
    told = dict(entry) if isinstance(entry, dict) else {}
    name = str(told.pop("id"))
    common = ("object", "created", "owned_by")
    rest = [f"{key} {_text(value)}" for key, value in told.items() if key not in common and value]
    return f"{name}  {', '.join(rest)}".rstrip()


def _text(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)
