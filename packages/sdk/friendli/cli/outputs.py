"""Where pictures go: file names, formats, standard output. Knows no server and no screen."""

from __future__ import annotations

import io
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from friendli.cli.trouble import FAILED, USAGE, Trouble
from friendli.cli.wish import Made, Wish

if TYPE_CHECKING:
    from PIL.Image import Image

JPEG = (".jpg", ".jpeg")
OTHERS = {".png": "png", ".webp": "webp"}
"""Formats that are made of the exact pixels."""
PIPE = "-"


def is_raw(out: str | None) -> bool:
    """Whether `out` wants a format that is made of pixels.

    Raises:
        Trouble: it has a suffix that no picture has.
    """
    suffix = Path(out).suffix.lower() if out and out != PIPE and not Path(out).is_dir() else ""
    if suffix in ("", *JPEG):
        return False
    if suffix in OTHERS:
        return True
    known = ", ".join((*JPEG, *OTHERS))
    raise Trouble(f"-o: {suffix} is no format of ours.", why=f"There are {known}.", status=USAGE)


def paths(out: str | None, wishes: Sequence[Wish], seeds: Sequence[int]) -> list[Path]:
    """A file for each picture: numbered if there are several of one name, named if none was.

    Existing files that were not named are never written over.
    """
    if out is None or Path(out).is_dir():
        found: list[Path] = []
        for wish, seed in zip(wishes, seeds, strict=True):
            found.append(_free(Path(out or ".") / f"{slug(wish.prompt)}-{seed}.jpg", found))
        return found
    path = Path(out)
    if len(wishes) == 1:
        return [path]
    return [path.with_stem(f"{path.stem}-{number}") for number in range(1, len(wishes) + 1)]


def slug(prompt: str) -> str:
    """A file name of the first words."""
    words = re.findall(r"\w+", prompt.lower()) or ["picture"]
    return "-".join(words[:6])[:60].rstrip("-")


def _free(path: Path, taken: Sequence[Path]) -> Path:
    tried, number = path, 2
    while tried in taken or tried.exists():
        tried, number = path.with_stem(f"{path.stem}-{number}"), number + 1
    return tried


def save(made: Made, path: Path) -> Path:
    """Write a picture; the suffix decides the format.

    Raises:
        Trouble: it cannot be written.
    """
    try:
        write(made, path)
    except OSError as failure:
        why = failure.strerror or str(failure)
        raise Trouble(f"cannot write {path}.", why=why, status=FAILED) from failure
    return path


def write(made: Made, path: Path) -> None:
    """Write a JPEG as it came, or pixels in the format of the suffix, without loss."""
    if not made.raw:
        path.write_bytes(made.content)
        return
    kind = OTHERS[path.suffix.lower()]
    image(made).save(path, kind, **_text(made, kind))


def image(made: Made) -> Image:
    """The picture as a Pillow image."""
    from PIL import Image  # noqa: PLC0415  # an extra's

    if made.raw:
        return Image.frombytes("RGB", (made.width, made.height), made.content)
    return Image.open(io.BytesIO(made.content))


def _text(made: Made, kind: str) -> dict[str, Any]:
    """How it was made, in the text that tools of the field read back; lossless where it can be."""
    if kind != "png":
        return {"lossless": True}
    from PIL.PngImagePlugin import PngInfo  # noqa: PLC0415

    wish, info = made.wish, PngInfo()
    pairs = {
        "Steps": wish.steps,
        "CFG scale": wish.guidance,
        "Seed": wish.seed,
        "Size": f"{made.width}x{made.height}",
        "Model": made.model or None,
        "Adapter": wish.model,
    }
    told = ", ".join(f"{key}: {value}" for key, value in pairs.items() if value is not None)
    info.add_itxt("parameters", f"{wish.prompt}\n{told}")
    return {"pnginfo": info}


def pipe(made: Sequence[Made], stream: IO[bytes]) -> None:
    """Write the pictures' bytes one after the other."""
    for picture in made:
        stream.write(picture.content)
    stream.flush()


def check_pipe() -> None:
    """Refuse to fill a terminal with bytes."""
    if sys.stdout.isatty():
        raise Trouble(
            "-o - writes the picture's bytes, and standard output is a terminal.",
            then="Pipe it: friendli generate … -o - | other-program",
            status=USAGE,
        )


def as_json(made: Made, path: Path | None, *, kept: int | None) -> str:
    """One line for programs."""
    wish = made.wish
    told = {
        "path": str(path) if path else None,
        **wish.to_json(),
        "width": made.width,
        "height": made.height,
        "seconds": round(made.seconds, 3),
        "server": made.server,
        "history": kept,
    }
    return json.dumps(told, ensure_ascii=False)
