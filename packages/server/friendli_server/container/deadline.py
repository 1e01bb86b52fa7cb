"""How long a caller will wait, as its `x-request-timeout` says in seconds. Knows no clock."""

from __future__ import annotations

from typing import Any

from starlette.datastructures import Headers

from friendli_server.errors import ApiError

HEADER = "x-request-timeout"
MOST = 3600.0
PARAMETER: dict[str, Any] = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "description": "Seconds after which the answer is 504 and the work stops; streams ignore it.",
    "schema": {"type": "number", "exclusiveMinimum": 0, "maximum": MOST},
}


def seconds(headers: Headers) -> float | None:
    """The seconds that `headers` leave; None is no limit.

    Raises:
        ApiError: 422, it is no number of seconds up to an hour.
    """
    given = headers.get(HEADER)
    if given is None:
        return None
    try:
        limit = float(given)
    except ValueError:
        limit = 0.0
    if not 0 < limit <= MOST:  # NaN fails this too
        text = f"{HEADER}: Must be a number of seconds up to {MOST:.0f}."
        raise ApiError("invalid_request", text, param=HEADER)
    return limit
