"""A picture from a dedicated endpoint, waiting at a signed address.

Set FRIENDLI_TOKEN, and ENDPOINT to `ENDPOINT_ID` or `ENDPOINT_ID:ADAPTER_ROUTE`.
"""

import os

from friendli import SyncFriendli


def main() -> None:
    with SyncFriendli() as friendli:
        res = friendli.dedicated.image.generate(
            model=os.environ["ENDPOINT"], prompt="A balloon flying over the hills"
        )
        for item in res.data:
            print(item.save(f"balloon-{item.seed}.jpg"))


if __name__ == "__main__":
    main()
