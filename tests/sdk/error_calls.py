"""Calls that fail, as a user would see them: `python error_calls.py BASE_URL`.

Run with the official client and with ours. Prints, as JSON, for each path of the server what was
raised: class names, message and attributes.
"""

from __future__ import annotations

import json
import logging
import sys
from typing import Any

from friendli import SyncFriendli, models

PATHS = ["422", "500-text", "404-empty", "200-html", "200-broken", "200-shape", "400-long"]


def told(error: Any) -> dict[str, Any]:
    return {
        "class": type(error).__name__,
        "core": isinstance(error, models.FriendliCoreError),
        "message": str(error),
        "same": str(error) == error.message,
        "status": error.status_code,
        "body": error.body[:50],
        "type": error.headers.get("content-type"),
        "raw": error.raw_response.status_code,
    }


def main() -> None:
    logging.disable()
    outcomes = {}
    with SyncFriendli(token="t", retry_config=None) as friendli:
        for path in PATHS:
            try:
                friendli.container.image.generate(prompt="p", server_url=f"{sys.argv[1]}/{path}")
            except models.FriendliCoreError as error:
                outcomes[path] = told(error)
    sys.stdout.write(json.dumps(outcomes))


if __name__ == "__main__":
    main()
