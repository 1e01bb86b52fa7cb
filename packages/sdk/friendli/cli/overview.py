"""The page of all verbs, in a fraction of a second: verbs are read as text, never imported."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from importlib.metadata import EntryPoint
from importlib.util import find_spec
from pathlib import Path

_PAGE = """\
Make pictures, here or on a server.

Usage: friendli VERB [ARGS]…         friendli VERB --help tells more

  friendli generate "a red car in the snow"

Verbs:
{verbs}

friendli --install-completion teaches your shell to complete all of this.
Documentation: friendli generate --help, docs/cli.md"""


def page(verbs: Mapping[str, EntryPoint], *, version: str) -> str:
    """The overview: what `friendli` alone prints."""
    told = {"version": version, **{name: about(point) for name, point in verbs.items()}}
    width = max(map(len, told))
    bold = "\033[1m{}\033[0m" if sys.stdout.isatty() else "{}"
    lines = [f"  {bold.format(name.ljust(width))}  {text}" for name, text in sorted(told.items())]
    return _PAGE.format(verbs="\n".join(lines))


def about(point: EntryPoint) -> str:
    """The first sentence of what an entry point names, from its source."""
    module, _, name = point.value.partition(":")
    try:
        spec = find_spec(module)
        tree = ast.parse(Path(spec.origin).read_bytes()) if spec and spec.origin else None
    except (ImportError, OSError, SyntaxError, ValueError) as failure:
        return f"Cannot be loaded: {failure}"
    if tree is None:
        return f"Cannot be loaded: no module named {module!r}"
    return "".join(_told(tree, name)).strip().partition("\n")[0]


def _told(tree: ast.Module, name: str) -> Iterable[str]:
    """The docstring of a function, or the `help=` of an application."""
    for node in tree.body:
        match node:
            case ast.FunctionDef(name=found) if found == name:
                yield ast.get_docstring(node) or ""
            case ast.Assign(targets=[ast.Name(id=found)], value=ast.Call(keywords=given)):
                if found == name:
                    yield from (
                        ast.literal_eval(word.value) for word in given if word.arg == "help"
                    )


def unknown(name: str, known: Iterable[str]) -> str:
    """What to say of a verb that does not exist."""
    near = get_close_matches(name, list(known), n=1)
    hint = f" Did you mean {near[0]!r}?" if near else " `friendli --help` lists the verbs."
    return f"There is no verb {name!r}.{hint}"
