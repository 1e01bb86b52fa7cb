"""A PostgreSQL server of the test's own, which can be stopped and started."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from friendli_server.dedicated.database import Database
from friendli_server.dedicated.replicas.ports import free_port
from sqlalchemy import text


class Postgres:
    """A server with its data in one folder; not for keeping anything."""

    def __init__(self, binaries: Path, folder: Path) -> None:
        self._binaries = binaries
        self._folder = folder
        self._user = "postgres" if os.geteuid() == 0 else None
        self.port = free_port("127.0.0.1")
        self._run("initdb", "--auth=trust", "--username=test", "--no-sync", "--encoding=UTF8")

    @property
    def url(self) -> str:
        """For SQLAlchemy."""
        return f"postgresql+asyncpg://test@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        """Start, and wait until it answers."""
        options = f"-p {self.port} -k {self._folder} -h 127.0.0.1 -F"
        self._run("pg_ctl", "start", "-w", "-o", options, "-l", str(self._folder / "log"))

    def stop(self) -> None:
        """Stop at once; sessions are broken off."""
        self._run("pg_ctl", "stop", "-w", "-m", "fast")

    def freeze(self) -> None:
        """Stop answering without closing anything, as a machine does that lost its disk."""
        self._signal("STOP")

    def thaw(self) -> None:
        """Go on."""
        self._signal("CONT")

    def _signal(self, name: str) -> None:
        postmaster = (self._folder / "data" / "postmaster.pid").read_text().split()[0]
        found = subprocess.run(
            ["pgrep", "-P", postmaster], check=False, capture_output=True, text=True
        )
        subprocess.run(["kill", f"-{name}", postmaster, *found.stdout.split()], check=True)

    async def empty(self) -> None:
        """Drop every table."""
        database = Database(self.url)
        async with database.engine.begin() as connection:
            await connection.execute(text("DROP SCHEMA public CASCADE"))
            await connection.execute(text("CREATE SCHEMA public"))
        await database.close()

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [self._binaries / program, "-D", self._folder / "data", *arguments],
            check=True,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            user=self._user,
            cwd=self._folder,
        )


def binaries() -> Path | None:
    """Where initdb and pg_ctl are: Debian keeps them off the path."""
    found = [Path(p).parent for p in [shutil.which("initdb") or ""] if p]
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((folder for folder in found if (folder / "pg_ctl").exists()), None)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A running server; tests that need one are skipped where there is none, except in CI."""
    where = binaries()
    if where is None:
        if os.environ.get("CI"):
            pytest.fail("PostgreSQL is not installed")
        pytest.skip("PostgreSQL is not installed")
    with serving(where) as server:
        yield server


@contextmanager
def serving(where: Path) -> Iterator[Postgres]:
    """A server that runs while the block does."""
    folder = Path(tempfile.mkdtemp(prefix="friendli-postgres-"))
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
    server = Postgres(where, folder)
    server.start()
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)
