"""The five-minute tour: a real server, the documentation's first picture, then nine at once.

Everything goes through the public door: `friendli serve` in a process of its own and the SDK. It
knows nothing about the engine or the model, and it needs no network.
"""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from friendli import AsyncFriendli, SyncFriendli
from PIL import Image
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

OUT = Path("demo")
PROMPTS = (
    "A red sports car in the desert during the day",
    "A penguin in the forest on a sunny day",
    "A red sailboat on the ocean at sunset",
    "An elephant in a green meadow at night",
    "A green bus in the mountains at night",
    "A purple car in the city at sunset",
    "A blue rocket over the forest at night",
    "A cactus in the desert at sunset",
    "A snowman in a meadow during the day",
)
console = Console()


@contextmanager
def server() -> Iterator[str]:
    """Start `friendli serve` on a free port; yield its URL; stop it."""
    with tempfile.TemporaryFile("w+") as log:
        command = [sys.executable, "-m", "friendli_server", "serve", "--port", "0"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True) as process:
            try:
                yield wait_for_url(process)
            except StopIteration:
                log.seek(0)
                sys.exit(f"The server did not start:\n{log.read()}")
            finally:
                process.terminate()


def wait_for_url(process: subprocess.Popen[str]) -> str:
    """The address in the server's start line; raises StopIteration if it ends without one."""
    assert process.stdout is not None
    found = (re.search(r"http://\S+", line) for line in process.stdout)
    return next(match for match in found if match).group()


def bars() -> Progress:
    """Progress bars: name, bar, step count, time."""
    return Progress(
        TextColumn("  {task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
    )


def first_picture(url: str) -> Path:
    """The documentation's example call, word for word, with a progress bar."""
    with SyncFriendli(server_url=url) as friendli, bars() as progress:
        task = progress.add_task("lamborghini", total=10)
        res = friendli.container.image.generate(
            guidance_scale=3.5,
            num_inference_steps=10,
            prompt="An orange Lamborghini driving down a hill road at night with a beautiful ocean view in the background.",  # noqa: E501
            response_format="jpeg",
            on_progress=lambda event: progress.update(task, completed=event.step),
        )
    return res.save(OUT / "lamborghini.jpg")


async def picture(
    friendli: AsyncFriendli, prompt: str, *, seed: int, progress: Progress
) -> Image.Image:
    """One of the nine, its bar moving while the others move too."""
    task = progress.add_task(prompt, total=20)
    res = await friendli.container.image.generate(
        prompt=prompt,
        num_inference_steps=20,
        seed=seed,
        on_progress=lambda event: progress.update(task, completed=event.step),
    )
    return res.to_pil()


async def nine_at_once(url: str) -> list[Image.Image]:
    """All prompts together: the engine lets them share forwards."""
    async with AsyncFriendli(server_url=url) as friendli:
        with bars() as progress:
            jobs = (
                picture(friendli, prompt, seed=seed, progress=progress)
                for seed, prompt in enumerate(PROMPTS)
            )
            return await asyncio.gather(*jobs)


def contact_sheet(pictures: list[Image.Image], *, columns: int = 3, gap: int = 8) -> Path:
    """Lay the pictures out on one sheet."""
    side = pictures[0].width
    rows = -(-len(pictures) // columns)
    size = [n * side + (n + 1) * gap for n in (columns, rows)]
    sheet = Image.new("RGB", (size[0], size[1]), "white")
    for index, image in enumerate(pictures):
        row, column = divmod(index, columns)
        sheet.paste(image, (gap + column * (side + gap), gap + row * (side + gap)))
    path = OUT / "contact-sheet.jpg"
    sheet.save(path, quality=92)
    return path


def main() -> None:
    """Run the tour."""
    OUT.mkdir(exist_ok=True)
    started = time.perf_counter()
    console.print("Starting [bold]friendli serve[/] with the embedded model, Postcard …")
    with server() as url:
        console.print(f"  ready at {url} after {time.perf_counter() - started:.1f} s\n")

        console.print("The first picture, through the SDK:")
        asked = time.perf_counter()
        path = first_picture(url)
        console.print(f"  [green]{path}[/]  {time.perf_counter() - asked:.2f} s\n")

        console.print("Nine more, all at once:")
        asked = time.perf_counter()
        path = contact_sheet(asyncio.run(nine_at_once(url)))
        console.print(f"  [green]{path}[/]  {time.perf_counter() - asked:.2f} s\n")
    console.print(
        f"Done in {time.perf_counter() - started:.1f} s. Your own server: [bold]./x serve[/]"
    )


if __name__ == "__main__":
    main()
