"""The same picture plain, and through every adapter that the server has."""

import os

import httpx2
from friendli import SyncFriendli

URL = os.environ.get("FRIENDLI_BASE_URL", "http://localhost:8000")


def main() -> None:
    base, *adapters = httpx2.get(f"{URL}/v1/models").json()["data"]
    print(f"{base['id']} has {len(adapters)} adapters")
    with SyncFriendli(server_url=URL) as friendli:
        for route in (None, *(adapter["id"] for adapter in adapters)):
            res = friendli.container.image.generate(
                prompt="A castle in the forest at sunset", model=route, seed=4
            )
            print(res.save(f"{route or 'plain'}.jpg"))


if __name__ == "__main__":
    main()
