"""`friendli endpoint`: the life of dedicated endpoints, by the gateway's API."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from friendli.cli.trouble import told

if TYPE_CHECKING:
    from friendli import SyncFriendli

app = typer.Typer(help="Endpoints of a gateway: list, show, wake, sleep, restart, end.")

_Id = Annotated[str, typer.Argument(help="Id of the endpoint.", metavar="ENDPOINT")]
_Server = Annotated[
    str | None, typer.Option("--server", metavar="URL", help="Gateway; else FRIENDLI_BASE_URL.")
]
_Token = Annotated[str | None, typer.Option("--token", help="Token; else FRIENDLI_TOKEN.")]
_Team = Annotated[str | None, typer.Option("--team", help="Team to act for.")]


@app.command("list")
def list_(*, server: _Server = None, token: _Token = None, team: _Team = None) -> None:
    """List the team's endpoints: id and status."""

    def listed(friendli: SyncFriendli) -> None:
        for name, status in friendli.dedicated.endpoint.list(x_friendli_team=team).data.items():
            print(name, status.status, sep="\t")  # noqa: T201

    _ask("list", listed, server=server, token=token)


@app.command()
def show(
    endpoint: _Id, *, server: _Server = None, token: _Token = None, team: _Team = None
) -> None:
    """Show an endpoint's specification and status, as JSON."""

    def shown(friendli: SyncFriendli) -> None:
        of = friendli.dedicated.endpoint
        about: Any = {"endpoint_id": endpoint, "x_friendli_team": team}
        for found in (of.get_spec(**about), of.get_status(**about)):
            _print(found)

    _ask("show", shown, server=server, token=token)


def _act(name: str, about: str) -> None:
    """Add a verb that does one thing to one endpoint."""

    def act(
        endpoint: _Id, *, server: _Server = None, token: _Token = None, team: _Team = None
    ) -> None:
        def done(friendli: SyncFriendli) -> None:
            call = getattr(friendli.dedicated.endpoint, name)
            _print(call(endpoint_id=endpoint, x_friendli_team=team))

        _ask(name, done, server=server, token=token)

    app.command(name, help=about)(act)


for _name, _about in {
    "wake": "Wake a sleeping endpoint.",
    "sleep": "Let an endpoint sleep: it costs nothing and wakes at the next request.",
    "restart": "Start an endpoint's replicas anew.",
    "terminate": "End an endpoint; only a restart brings it back.",
    "delete": "Delete an endpoint.",
}.items():
    _act(_name, _about)


def _ask(
    verb: str, use: Callable[[SyncFriendli], None], *, server: str | None, token: str | None
) -> None:
    with told(f"endpoint {verb}"):
        from friendli import SyncFriendli  # noqa: PLC0415  # loads HTTP

        with SyncFriendli(server_url=server, token=token) as friendli:
            use(friendli)


def _print(found: Any) -> None:
    text = found.model_dump_json(by_alias=True) if hasattr(found, "model_dump_json") else found
    if text is not None:
        print(text)  # noqa: T201
