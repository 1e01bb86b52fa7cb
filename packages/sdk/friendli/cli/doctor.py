"""`friendli doctor`: what is here, what is wrong, and how to mend it.

Each package examines itself: the entry-point group `friendli.doctor` gives functions that return
findings `(level, what, found, fix)`, where the level is `ok`, `note` or `fault`. This module knows
the SDK's own: versions, the server, the history.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, entry_points, version
from typing import Annotated

import typer

from friendli.cli import options
from friendli.cli.trouble import FAILED, Trouble, told

GROUP = "friendli.doctor"
OK, NOTE, FAULT = "ok", "note", "fault"
Finding = tuple[str, str, str, str]
PARTS = {
    "friendli-image": "",
    "friendli-image-server": "to serve pictures",
    "friendli-image-engine": "to make pictures here",
    "friendli-image-postcard": "the model that works without a download",
}
_MARKS = {OK: "✓", NOTE: "–", FAULT: "✗"}


def doctor(
    *,
    server: options.Server = None,
    token: options.Token = None,
    json: options.Json = False,
    quick: Annotated[bool, typer.Option(help="Leave out what loads torch.")] = False,
) -> None:
    """Examine this machine and the server: device, memory, model, ports, versions.

    Every finding that is not well comes with its fix. Exits with 1 if there is a fault.
    """
    with told("doctor"):
        levels = set()
        for finding in examine(server, token, quick=quick):
            levels.add(finding[0])
            print(_json(finding) if json else _line(finding), flush=True)  # noqa: T201
        if FAULT in levels:
            sys.exit(FAILED)


def examine(server: str | None, token: str | None, *, quick: bool) -> Iterator[Finding]:
    """All findings, as they come."""
    yield from _versions()
    yield from _server(server, token)
    yield from _history()
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        if not (quick and point.name == "engine"):
            yield from _others(point.name, point.load)


def _versions() -> Iterator[Finding]:
    python = ".".join(map(str, sys.version_info[:3]))
    yield OK, "python", python, ""
    for name, purpose in PARTS.items():
        try:
            yield OK, name, version(name), ""
        except PackageNotFoundError:
            yield NOTE, name, f"not installed ({purpose})", f"pip install {name}"
    try:
        official = version("friendli")
    except PackageNotFoundError:
        return
    fix = "pip uninstall friendli && pip install --force-reinstall friendli-image"
    yield FAULT, "friendli", f"the official package {official} has the same import name", fix


def _server(server: str | None, token: str | None) -> Iterator[Finding]:
    from friendli.cli import place  # noqa: PLC0415  # loads HTTP

    where = place.named(server, token)
    try:
        health = where.health()
        models = where.models() if health.get("status") == "ready" else []
    except Trouble as trouble:
        level = FAULT if server else NOTE
        yield level, "server", f"{trouble.what} {trouble.why}".strip(), trouble.then
        return
    if not health:
        fix = "Name another with --server URL, or serve on a free port: friendli serve --port 0"
        yield FAULT, "server", f"{where.url} is no image server", fix
        return
    status = str(health["status"])
    level, fix = (OK, "") if status == "ready" else (NOTE, "Wait; its log tells what it does.")
    yield level, "server", f"{where.url} is {status}", fix
    if models:
        yield OK, "models", ", ".join(str(entry["id"]) for entry in models), ""


def _history() -> Iterator[Finding]:
    from friendli.cli.history import place, settings  # noqa: PLC0415

    try:
        history = settings.opened()
    except (OSError, ImportError) as failure:
        yield FAULT, "history", str(failure), f"Set {place.FOLDER} to a folder, or to off."
        return
    if history is None:
        yield NOTE, "history", "off", f"Unset {place.FOLDER} to keep pictures."
        return
    with history:
        count, limit = len(history.entries()), history.keep or "all"
        yield OK, "history", f"{count} pictures in {history.folder}, {limit} kept", ""


def _others(name: str, load: Callable[[], Callable[[], list[Finding]]]) -> Iterator[Finding]:
    try:
        yield from load()()
    except Exception as failure:  # a package that cannot even be examined is a finding
        fix = f"Install it anew: pip install --force-reinstall friendli-image-{name}"
        yield FAULT, name, f"{type(failure).__name__}: {failure}", fix


def _line(finding: Finding) -> str:
    level, what, found, fix = finding
    line = f"{_MARKS[level]} {what}: {found}"
    return f"{line}\n    fix: {fix}" if fix else line


def _json(finding: Finding) -> str:
    import json  # noqa: PLC0415

    return json.dumps(dict(zip(("level", "what", "found", "fix"), finding, strict=True)))
