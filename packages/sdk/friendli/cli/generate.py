"""`friendli generate` and `friendli edit`: options in, `run` does the rest."""

from __future__ import annotations

from typing import Annotated

import typer

from friendli.cli import options
from friendli.cli.trouble import told


def generate(
    prompt: Annotated[str, typer.Argument(help="What the picture should show.", metavar="PROMPT")],
    *,
    out: options.Out = None,
    steps: options.Steps = None,
    guidance: options.Guidance = None,
    seed: options.Seed = None,
    model: options.Model = None,
    control: options.Control = None,
    weight: options.Weight = None,
    n: options.Count = 1,
    server: options.Server = None,
    token: options.Token = None,
    team: options.Team = None,
    json: options.Json = False,
    show: options.Show = True,
    history: options.Keep = True,
) -> None:
    """Make a picture from a text.

    Without a server it is made in this process, with the embedded model. The path is printed;
    Ctrl-C stops the work on the server too. Exit statuses: 0 done, 1 failed, 2 wrong usage,
    3 refused by the server, 4 no server, 5 server busy, 130 cancelled.
    """
    with told("generate"):
        from friendli.cli import run  # noqa: PLC0415  # loads HTTP and the terminal
        from friendli.cli.wish import Wish  # noqa: PLC0415

        wish = Wish(
            prompt=prompt,
            steps=steps,
            guidance=guidance,
            seed=seed,
            model=model,
            control=run.pictures(control or ()),
            weight=tuple(weight or ()),
        )
        run.run(
            wish,
            run.Choices(
                server=server,
                token=token,
                team=team,
                out=out,
                count=n,
                json=json,
                show=show,
                keep=history,
            ),
        )


def edit(
    image: Annotated[str, typer.Argument(help="Path or URL of the picture.", metavar="IMAGE")],
    prompt: Annotated[str, typer.Argument(help="What to change.", metavar="PROMPT")],
    *,
    also: Annotated[
        list[str] | None,
        typer.Option("--also", metavar="PICTURE", help="A further picture; may be repeated."),
    ] = None,
    mask: Annotated[
        str | None,
        typer.Option(
            "--mask",
            metavar="PICTURE",
            help="Where to paint: transparent there, or white if it is opaque everywhere.",
        ),
    ] = None,
    out: options.Out = None,
    steps: options.Steps = None,
    guidance: options.Guidance = None,
    seed: options.Seed = None,
    model: options.Model = None,
    n: options.Count = 1,
    server: options.Server = None,
    token: options.Token = None,
    team: options.Team = None,
    json: options.Json = False,
    show: options.Show = True,
    history: options.Keep = True,
) -> None:
    """Change a picture as a text says.

    Like generate in everything else; see there.
    """
    with told("edit"):
        from friendli.cli import run  # noqa: PLC0415  # loads HTTP and the terminal
        from friendli.cli.wish import Wish  # noqa: PLC0415

        wish = Wish(
            prompt=prompt,
            image=run.pictures([image, *(also or ())]),
            mask=run.pictures([mask] if mask else ()),
            steps=steps,
            guidance=guidance,
            seed=seed,
            model=model,
        )
        run.run(
            wish,
            run.Choices(
                server=server,
                token=token,
                team=team,
                out=out,
                count=n,
                json=json,
                show=show,
                keep=history,
            ),
        )
