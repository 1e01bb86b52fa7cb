"""Nine pictures at once: the server lets them share the work."""

import asyncio

from friendli import AsyncFriendli

COLOURS = ("red", "orange", "yellow", "green", "blue", "purple", "pink", "white", "black")


async def picture(friendli: AsyncFriendli, colour: str) -> None:
    res = await friendli.container.image.generate(prompt=f"A {colour} car by the sea", seed=1)
    print(res.save(f"{colour}.jpg"))


async def main() -> None:
    async with AsyncFriendli() as friendli:
        await asyncio.gather(*(picture(friendli, colour) for colour in COLOURS))


if __name__ == "__main__":
    asyncio.run(main())
