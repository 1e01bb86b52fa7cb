"""The chart rendered once for each set of values."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from .rendering import SETS, Release, helm, manifests


@pytest.fixture(scope="session")
def answers() -> dict[str, Any]:
    """What Helm makes of every set in `values/`."""
    return helm(SETS)


@pytest.fixture(scope="session")
def releases(answers: dict[str, Any]) -> dict[str, Release]:
    """What each set of values installs, by its name."""
    assert answers["refused"] == {}
    return {name: Release(manifests(files)) for name, files in answers["rendered"].items()}


@pytest.fixture(scope="session")
def kubernetes() -> Iterator[Any]:
    """The schemas of Kubernetes; by itself the package reads them anew for each object."""
    package = pytest.importorskip("kubernetes_validate", reason="the group dev is not installed")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(package.utils, "schema_contents", cache(package.utils.schema_contents))
        yield package


@pytest.fixture(params=SETS)
def release(releases: dict[str, Release], request: pytest.FixtureRequest) -> Release:
    """Each of them in turn."""
    return releases[request.param]
