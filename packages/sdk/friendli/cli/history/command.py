"""`friendli history`: look at kept pictures, make them again, vary them, delete them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from friendli.cli import options
from friendli.cli.trouble import FAILED, REFUSED, Trouble, told

if TYPE_CHECKING:
    from friendli.cli.history.store import Entry, History
    from friendli.cli.wish import Wish

app = typer.Typer(help="Pictures made here: list, show, make again, vary, delete.")

_Number = Annotated[int, typer.Argument(help="The picture's number.", metavar="NUMBER")]


@app.callback(invoke_without_command=True)
def _default(context: typer.Context) -> None:
    """Pictures made here: list, show, make again, vary, delete.

    FRIENDLI_HISTORY names the folder or is `off`; FRIENDLI_HISTORY_KEEP is how many are kept
    (1000; 0 for all).
    """
    if context.invoked_subcommand is None:
        list_()


@app.command("list")
def list_(
    *,
    search: Annotated[str, typer.Option("--search", help="Part of the prompt.")] = "",
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many, newest first.")] = 20,
    show: options.Show = True,
    json: options.Json = False,
) -> None:
    """List kept pictures, newest first, with thumbnails where the terminal can."""
    with told("history"):
        from friendli.cli.history import listing  # noqa: PLC0415

        with _opened() as history:
            entries = history.entries(limit=limit, search=search)
        listing.show(entries, pictures=show, json=json)


@app.command()
def show(number: _Number) -> None:
    """Show one picture and how it was made."""
    with told("history show"):
        from friendli.cli.history import listing  # noqa: PLC0415

        with _opened() as history:
            entry = _entry(history, number)
        listing.show_one(entry)


@app.command()
def again(
    number: _Number,
    *,
    out: options.Out = None,
    server: options.Server = None,
    token: options.Token = None,
    json: options.Json = False,
) -> None:
    """Make a picture again, with the same seed."""
    with told("history again"):
        with _opened() as history:
            wish = _entry(history, number).wish
        _run(wish, out=out, count=1, server=server, token=token, json=json)


@app.command()
def vary(
    number: _Number,
    *,
    n: options.Count = 1,
    out: options.Out = None,
    server: options.Server = None,
    token: options.Token = None,
    json: options.Json = False,
) -> None:
    """Make a picture again, with another seed."""
    with told("history vary"):
        with _opened() as history:
            wish = replace(_entry(history, number).wish, seed=None)
        _run(wish, out=out, count=n, server=server, token=token, json=json)


@app.command()
def delete(
    numbers: Annotated[
        list[int] | None, typer.Argument(help="Numbers of pictures.", metavar="NUMBER…")
    ] = None,
    *,
    every: Annotated[bool, typer.Option("--all", help="All of them.")] = False,
) -> None:
    """Delete pictures for good."""
    with told("history delete"), _opened() as history:
        chosen = [entry.id for entry in history.entries()] if every else (numbers or [])
        if not chosen:
            raise Trouble("name pictures by number, or say --all.", then="friendli history")
        count = history.remove(chosen)
        print(f"{count} deleted.")  # noqa: T201
        if count < len(set(chosen)):
            raise Trouble("some of these numbers are not there.", status=FAILED)


def _opened() -> History:
    from friendli.cli.history import place, settings  # noqa: PLC0415

    history = settings.opened()
    if history is None:
        raise Trouble(
            "the history is switched off.", then=f"Unset {place.FOLDER}, or name a folder."
        )
    return history


def _entry(history: History, number: int) -> Entry:
    found = history.get(number)
    if found is None:
        then = "`friendli history` lists them."
        raise Trouble(f"there is no picture {number}.", then=then, status=REFUSED)
    return found


def _run(
    wish: Wish,
    *,
    out: str | None,
    count: int,
    server: str | None,
    token: str | None,
    json: bool,
) -> None:
    from friendli.cli.run import Choices, run  # noqa: PLC0415

    run(wish, Choices(server=server, token=token, out=out, count=count, json=json))
