"""The guard against requests into the own network, where such addresses would answer."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

UNSHARED = ["unshare", "--net", "--map-root-user"]


@pytest.mark.requirement("S4.hostile")
def test_nothing_private_is_dialled_even_where_it_would_answer() -> None:
    try:
        subprocess.run([*UNSHARED, "ip", "link"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no right to make a network namespace here, or no `ip`")
    program = Path(__file__).with_name("in_namespace.py")
    done = subprocess.run(
        [*UNSHARED, sys.executable, str(program)],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) >= 20
