"""The history: picture files in a folder, and an index of them in SQLite.

Files that wishes were made from (to edit, to steer) are copied into `inputs/` by their content, so
that a picture can be made again after they are gone. Several processes may use it at once. Knows
no server and no screen.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from friendli.cli.outputs import write
from friendli.cli.wish import Made, Wish

_SCHEMA = """
create table if not exists pictures (
  id integer primary key autoincrement,
  made text not null,
  file text not null,
  prompt text not null,
  wish text not null,
  model text not null,
  server text not null,
  width integer not null,
  height integer not null,
  seconds real not null
) strict
"""
_LONGEST_WAIT = 10.0
"""Seconds to wait for another process that writes."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One kept picture."""

    id: int
    made: datetime
    path: Path
    wish: Wish
    model: str
    server: str
    width: int
    height: int
    seconds: float


class History:
    """A folder of pictures; use it as a context manager.

    Args:
        folder: made if it is not there, readable for its owner only.
        keep: pictures beyond which `prune` deletes the oldest; 0 keeps all.
    """

    def __init__(self, folder: Path, *, keep: int = 0) -> None:
        self.folder, self.keep = folder, keep
        for needed in (folder, folder / "pictures", folder / "inputs"):
            needed.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._index = sqlite3.connect(folder / "index.sqlite", timeout=_LONGEST_WAIT)
        self._index.row_factory = sqlite3.Row
        with self._index:
            self._index.execute(_SCHEMA)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._index.close()

    def add(self, made: Made, *, at: datetime | None = None) -> int:
        """Keep a picture, made now or at another time; its number."""
        wish = replace(
            made.wish,
            image=tuple(map(self._copied, made.wish.image)),
            mask=tuple(map(self._copied, made.wish.mask)),
            control=tuple(map(self._copied, made.wish.control)),
        )
        with self._index:
            row = {
                "made": (at or datetime.now(UTC)).isoformat(),
                "file": "",
                "prompt": wish.prompt,
                "wish": json.dumps(wish.to_json(), ensure_ascii=False),
                "model": made.model,
                "server": made.server,
                "width": made.width,
                "height": made.height,
                "seconds": made.seconds,
            }
            names = ", ".join(row)
            marks = ", ".join(f":{name}" for name in row)
            done = self._index.execute(f"insert into pictures ({names}) values ({marks})", row)  # noqa: S608  # our own names
            number = int(done.lastrowid or 0)
            name = f"{number:06}{'.png' if made.raw else '.jpg'}"
            write(made, self.folder / "pictures" / name)
            self._index.execute("update pictures set file = ? where id = ?", (name, number))
        return number

    def entries(self, *, limit: int | None = None, search: str = "") -> list[Entry]:
        """Kept pictures, newest first; `search` is part of the prompt, in any case."""
        pattern = "%" + search.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_") + "%"
        found = self._index.execute(
            r"select * from pictures where prompt like ? escape '\' order by id desc limit ?",
            (pattern, -1 if limit is None else limit),
        )
        return [self._entry(row) for row in found]

    def get(self, number: int) -> Entry | None:
        """The picture of this number."""
        found = self._index.execute("select * from pictures where id = ?", (number,)).fetchone()
        return self._entry(found) if found else None

    def remove(self, numbers: Iterable[int]) -> int:
        """Delete pictures and what only they were made from; how many there were."""
        count = 0
        with self._index:
            for number in numbers:
                if entry := self.get(number):
                    entry.path.unlink(missing_ok=True)
                    self._index.execute("delete from pictures where id = ?", (number,))
                    count += 1
        self._sweep()
        return count

    def prune(self) -> int:
        """Delete the oldest pictures beyond `keep`; how many."""
        if not self.keep:
            return 0
        old = self._index.execute(
            "select id from pictures order by id desc limit -1 offset ?", (self.keep,)
        )
        numbers = [int(row["id"]) for row in old]
        return self.remove(numbers) if numbers else 0

    def _entry(self, row: sqlite3.Row) -> Entry:
        kept: dict[str, Any] = dict(row)
        return Entry(
            id=kept["id"],
            made=datetime.fromisoformat(kept["made"]),
            path=self.folder / "pictures" / kept["file"],
            wish=Wish.from_json(json.loads(kept["wish"])),
            model=kept["model"],
            server=kept["server"],
            width=kept["width"],
            height=kept["height"],
            seconds=kept["seconds"],
        )

    def _copied(self, source: str) -> str:
        """A local picture under the name of its content; anything else as it is."""
        path = Path(source)
        if "://" in source or not path.is_file() or path.parent == self.folder / "inputs":
            return source
        return self.keep_input(path.read_bytes(), path.suffix.lower())

    def keep_input(self, content: bytes, suffix: str) -> str:
        """Keep a picture that another was made from, under the name of its content; its path."""
        copy = self.folder / "inputs" / (hashlib.sha256(content).hexdigest()[:32] + suffix)
        if not copy.exists():
            copy.write_bytes(content)
        return str(copy)

    def _sweep(self) -> None:
        """Delete inputs that no picture was made from."""
        used = set(self._used())
        for path in (self.folder / "inputs").iterdir():
            if str(path) not in used:
                path.unlink(missing_ok=True)

    def _used(self) -> Iterator[str]:
        with closing(self._index.execute("select wish from pictures")) as rows:
            for row in rows:
                wish = json.loads(row["wish"])
                yield from (
                    path for kind in ("image", "mask", "control") for path in wish.get(kind, ())
                )
