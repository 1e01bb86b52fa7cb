"""Steer a picture by another one: a control image goes to the server's ControlNet."""

from friendli import SyncFriendli


def main() -> None:
    with SyncFriendli() as friendli:
        guide = friendli.container.image.generate(prompt="A truck in the city", seed=3)
        for weight in (0.0, 0.5, 1.0):
            res = friendli.container.image.generate(
                prompt="A truck in the desert",
                seed=3,
                control_images=[guide.to_pil()],
                controlnet_weights=[weight],
            )
            print(res.save(f"truck-{weight}.jpg"))


if __name__ == "__main__":
    main()
