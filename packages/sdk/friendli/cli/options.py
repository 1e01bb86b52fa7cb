"""Options that several verbs share, each written down once."""

from __future__ import annotations

from typing import Annotated

import typer

Server = Annotated[
    str | None,
    typer.Option(
        "--server",
        metavar="URL",
        help="Server to ask; else FRIENDLI_BASE_URL, localhost:8000, or this process. "
        "A gateway's ends in /dedicated.",
    ),
]
Team = Annotated[
    str | None, typer.Option("--team", metavar="TEAM", help="Team to act for, at a gateway.")
]
Token = Annotated[
    str | None, typer.Option("--token", metavar="KEY", help="API key; else FRIENDLI_TOKEN.")
]
Json = Annotated[bool, typer.Option("--json", help="One JSON object a line, for programs.")]
Out = Annotated[
    str | None,
    typer.Option(
        "-o",
        "--out",
        metavar="PATH",
        help="File (.jpg, .png, .webp) or folder; - writes bytes to standard output.",
    ),
]
Steps = Annotated[
    int | None, typer.Option("--steps", min=1, max=50, help="Denoising steps; else the model's.")
]
Guidance = Annotated[
    float | None,
    typer.Option(
        "--guidance", min=0, max=100, help="How closely to follow the prompt; else the model's."
    ),
]
Seed = Annotated[
    int | None, typer.Option("--seed", help="The same seed gives the same picture; else any.")
]
Model = Annotated[
    str | None,
    typer.Option(
        "--model",
        metavar="ROUTE",
        help="Adapter; else the base model. At a gateway: ENDPOINT or ENDPOINT:ADAPTER.",
    ),
]
Control = Annotated[
    list[str] | None,
    typer.Option("--control", metavar="PICTURE", help="One for each ControlNet; may be repeated."),
]
Weight = Annotated[
    list[float] | None,
    typer.Option("--weight", min=0, max=1, help="One for each control picture."),
]
Count = Annotated[
    int, typer.Option("--n", "-n", min=1, max=64, help="Pictures, with seeds that count up.")
]
Show = Annotated[bool, typer.Option(help="Draw the picture in the terminal.")]
Keep = Annotated[bool, typer.Option("--history/--no-history", help="Keep it in the history.")]
