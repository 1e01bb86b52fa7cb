"""What goes wrong, told to a person: what happened, why, and what to do next.

Exit statuses: 0 all is well, 1 the work failed, 2 wrong usage, 3 the server refused the request,
4 no server can be reached, 5 the server is busy or not ready, 130 cancelled by Ctrl-C.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

FAILED, USAGE, REFUSED, UNREACHABLE, BUSY, CANCELLED = 1, 2, 3, 4, 5, 130


class Trouble(Exception):  # noqa: N818  # told to a person, who has no errors
    """Ends a command.

    Args:
        what: what happened, one sentence.
        why: more about it.
        then: what to do next, best a command.
        status: how the command exits.
    """

    def __init__(self, what: str, *, why: str = "", then: str = "", status: int = FAILED) -> None:
        super().__init__(what)
        self.what, self.why, self.then, self.status = what, why, then, status


@contextmanager
def told(verb: str) -> Iterator[None]:
    """Print any failure inside the block as a person wants it, and exit with its status."""
    try:
        yield
    except KeyboardInterrupt:
        _say(verb, Trouble("cancelled.", status=CANCELLED))
    except Trouble as trouble:
        _say(verb, trouble)
    except Exception as failure:
        _say(verb, translated(failure))


def _say(verb: str, trouble: Trouble) -> None:
    told = f"friendli {verb}: {trouble.what}"
    lines = [told, *(f"  {text}" for text in (trouble.why, trouble.then) if text)]
    print("\n".join(lines), file=sys.stderr)  # noqa: T201
    sys.exit(trouble.status)


def translated(failure: BaseException) -> Trouble:
    """The SDK's errors in our words, a group's by its first.

    Anything else is a bug and keeps its traceback.
    """
    from pydantic import ValidationError  # noqa: PLC0415  # loaded by now, if it was raised

    from friendli.errors import FriendliCoreError, NoResponseError  # noqa: PLC0415

    match failure:
        case Trouble():
            return failure
        case BaseExceptionGroup(exceptions=[first, *_]):
            return translated(first)
        case FriendliCoreError():
            return _refused(failure)
        case NoResponseError():
            return Trouble(
                "the server cannot be reached.",
                why=failure.message.partition("\n")[0],
                then="Start one with `friendli serve`, or name another with --server URL.",
                status=UNREACHABLE,
            )
        case ValidationError():
            at = failure.errors()[0]
            where = ".".join(str(part) for part in at["loc"])
            return Trouble(f"{_flag(where)}: {at['msg']}.", then=_help(where), status=USAGE)
    raise failure


def _refused(failure: Any) -> Trouble:
    status = REFUSED if 400 <= failure.status_code < 500 else FAILED
    then = ""
    if failure.status_code in (429, 503):
        after = failure.headers.get("retry-after", "a few")
        status, then = BUSY, f"Try again in {after} seconds."
    if failure.status_code in (401, 403):
        then = "Give a key with --token or the variable FRIENDLI_TOKEN."
    error = failure.error
    message = error.get("message") or f"the server answered {failure.status_code}."
    if param := str(error.get("param") or ""):
        message = f"{_flag(param)}: {message.removeprefix(f'{param}: ')}"
    why = f"request {failure.request_id}" if failure.request_id else ""
    return Trouble(message, why=why, then=then, status=status)


_FLAGS = {
    "num_inference_steps": "--steps",
    "guidance_scale": "--guidance",
    "control_images": "--control",
    "controlnet_weights": "--weight",
    "seed": "--seed",
    "model": "--model",
}
"""The wire's names of what a person gave, where they have another here."""


def _flag(where: str) -> str:
    field, _, rest = where.partition(".")
    return f"{_FLAGS.get(field, field)}{f' ({rest})' if rest else ''}"


def _help(where: str) -> str:
    del where
    return "`friendli generate --help` tells what each option takes."
