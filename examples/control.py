"""Steer a picture: edges of a sketch go to the server's first ControlNet."""

from friendli import SyncFriendli
from PIL import Image, ImageDraw


def sketch() -> Image.Image:
    """White lines on black: a house."""
    image = Image.new("RGB", (256, 256))
    draw = ImageDraw.Draw(image)
    draw.rectangle((70, 120, 186, 210), outline="white", width=2)
    draw.polygon((56, 120, 128, 60, 200, 120), outline="white", width=2)
    draw.rectangle((115, 160, 141, 210), outline="white", width=2)
    return image


def main() -> None:
    with SyncFriendli() as friendli:
        for weight in (0.0, 0.5, 1.0):
            res = friendli.container.image.generate(
                prompt="A red house in a meadow during the day",
                seed=3,
                control_images=[sketch()],
                controlnet_weights=[weight],
            )
            print(res.save(f"house-{weight}.jpg"))


if __name__ == "__main__":
    main()
