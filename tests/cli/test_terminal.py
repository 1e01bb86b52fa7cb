"""On a terminal: bars and pictures; in a pipe: neither. Ctrl-C. Real processes."""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli.conftest import PATIENCE, Friendli, Watched

CODE = "from friendli.cli import main; main()"
BLOCK = "▀"


def command(container: str, *arguments: str) -> list[str]:
    return [sys.executable, "-c", CODE, *arguments, "--server", container]


def on_a_terminal(arguments: list[str], **environment: str) -> tuple[int, str]:
    """Run a command on a terminal of 100 by 40 that knows no graphics; status and output."""
    child, terminal = pty.fork()
    if child == 0:
        kind = {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
        os.execvpe(arguments[0], arguments, {**os.environ, **kind, **environment})
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 1000, 800))
    output = b"".join(read(terminal))
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), output.decode()


def read(terminal: int) -> Iterator[bytes]:
    """What the command writes, until it ends; questions about the terminal are answered."""
    while True:
        try:
            written = os.read(terminal, 65536)
        except OSError:
            return
        if not written:
            return
        if b"\x1b[c" in written:
            os.write(terminal, b"\x1b[?62;c")
        yield written


@pytest.mark.requirement("cli.terminal")
def test_a_terminal_sees_steps_and_the_picture(container: str) -> None:
    status, seen = on_a_terminal(command(container, "generate", "a cat", "--seed", "1"))
    assert status == 0
    assert BLOCK in seen
    assert "20/20" in seen or "done" in seen
    assert "a-cat-1.jpg" in seen


def test_no_color_means_no_picture(container: str) -> None:
    arguments = command(container, "generate", "a cat", "--seed", "1")
    status, seen = on_a_terminal(arguments, NO_COLOR="1")
    assert (status, BLOCK in seen) == (0, False)


def test_the_history_has_thumbnails_on_a_terminal(ask: Friendli) -> None:
    assert ask("generate", "a cat").status == 0
    status, seen = on_a_terminal([sys.executable, "-c", CODE, "history"])
    assert status == 0, seen
    assert BLOCK in seen
    assert "a cat" in seen


def test_a_pipe_gets_the_path_and_no_escape_sequence(container: str) -> None:
    done = subprocess.run(
        command(container, "generate", "a cat", "--seed", "1"), capture_output=True, check=True
    )
    assert done.stdout == b"a-cat-1.jpg\n"
    assert not re.search(rb"\x1b|\xe2\x96\x80", done.stderr)


def test_a_dash_writes_the_bytes_and_nothing_else(container: str) -> None:
    done = subprocess.run(
        command(container, "generate", "a cat", "-o", "-"), capture_output=True, check=True
    )
    assert (done.stdout[:3], done.stdout[-2:]) == (b"\xff\xd8\xff", b"\xff\xd9")
    assert list(Path().iterdir()) == []


def test_bytes_are_not_written_to_a_terminal(container: str) -> None:
    status, seen = on_a_terminal(command(container, "generate", "a cat", "-o", "-"))
    assert status == 2
    assert "Pipe it" in seen


@pytest.mark.requirement("cli.cancel")
def test_ctrl_c_stops_the_work_on_the_server(container: str, engine: Watched) -> None:
    engine.gate = asyncio.Semaphore(0)
    listening = ("env", "--default-signal=INT")  # a shell's background jobs inherit deafness
    with subprocess.Popen(
        [*listening, *command(container, "generate", "a cat")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as running:
        assert engine.began.wait(PATIENCE)
        running.send_signal(signal.SIGINT)
        _, told = running.communicate(timeout=PATIENCE)
    assert running.returncode == 130
    assert b"cancelled" in told
    assert b"Traceback" not in told
    assert engine.left.wait(PATIENCE)
