"""Settings classes as command-line options, so that no setting is written down twice.

Knows no setting by name but `model`, which is the argument.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Annotated, Any, get_args, get_origin

import typer
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings


def flags_of(settings: type[BaseSettings]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command one option for each field of `settings`; options not given stay None."""

    def with_flags(command: Callable[..., None]) -> Callable[..., None]:
        signature = inspect.signature(command, eval_str=True)
        own = [p for p in signature.parameters.values() if p.kind != p.VAR_KEYWORD]
        flags = [_parameter(*item) for item in settings.model_fields.items()]
        command.__signature__ = inspect.Signature([*flags, *own])  # type: ignore[attr-defined]
        command.__annotations__ |= {flag.name: flag.annotation for flag in flags}
        return command

    return with_flags


def _parameter(name: str, field: FieldInfo) -> inspect.Parameter:
    extra: Any = field.json_schema_extra or {}
    text = f"{field.description}{_default(field.default)}"
    option = typer.Argument(help=text, show_default=False)
    if name != "model":
        option = typer.Option(
            _flag(name, field),
            help=text,
            metavar=extra.get("metavar"),
            rich_help_panel=extra.get("panel"),
            show_default=False,
        )
    annotation: Any = Annotated[_type(field), option]
    kind = inspect.Parameter.KEYWORD_ONLY
    return inspect.Parameter(name, kind, default=None, annotation=annotation)


def _type(field: FieldInfo) -> Any:
    kind: Any = field.annotation
    return (list[str] if get_origin(kind) in (list, dict) else kind) | None


def _flag(name: str, field: FieldInfo) -> str:
    word = name.replace("_", "-")
    on_off = bool in (field.annotation, *get_args(field.annotation))
    return f"--{word}/--no-{word}" if on_off else f"--{word}"


def _default(value: object) -> str:
    if value in (None, [], {}, "") or isinstance(value, bool):
        return ""
    return f" Default: {', '.join(value) if isinstance(value, list) else value}."
