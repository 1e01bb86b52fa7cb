"""One picture from a container, saved as a file."""

from friendli import SyncFriendli


def main() -> None:
    with SyncFriendli() as friendli:
        res = friendli.container.image.generate(
            prompt="A red sports car in the snow at night", num_inference_steps=10, seed=1
        )
        print(res.save("car.jpg"), f"{res.width}x{res.height}, seed {res.seed}")


if __name__ == "__main__":
    main()
