"""Change a picture: the first answer goes straight into the second call."""

from friendli import SyncFriendli


def main() -> None:
    with SyncFriendli() as friendli:
        house = friendli.container.image.generate(prompt="A blue house in a meadow", seed=2)
        house.save("house.jpg")
        evening = friendli.container.image.edit(image=house.content, prompt="Make it sunset")
        print(evening.save("evening.jpg"))


if __name__ == "__main__":
    main()
