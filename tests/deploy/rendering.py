"""What the chart comes to under each set of values, and how to look around in it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
CHART = ROOT / "deploy/helm/friendli-dedicated"
SETS = {
    path.stem: yaml.safe_load(path.read_text(encoding="utf-8"))
    for path in sorted((Path(__file__).parent / "values").glob("*.yaml"))
}
Manifest = Mapping[str, Any]


def helm(sets: Mapping[str, Any]) -> dict[str, Any]:
    """Helm's answer; the test is skipped where it is not installed."""
    pytest.importorskip("helm_python", reason="Helm has no wheel for this machine")
    done = subprocess.run(
        [sys.executable, str(Path(__file__).parent / "helm.py")],
        input=json.dumps({"chart": str(CHART), "sets": sets}),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def manifests(files: Mapping[str, str]) -> list[Manifest]:
    """The objects of rendered files; the notes are none."""
    texts = [text for path, text in files.items() if path.endswith(".yaml")]
    return [found for text in texts for found in yaml.safe_load_all(text) if found]


class Release:
    """What one set of values installs."""

    def __init__(self, objects: Iterable[Manifest]) -> None:
        self.objects = list(objects)

    def all(self, *kinds: str) -> list[Manifest]:
        """Every object of these kinds."""
        return [o for o in self.objects if o["kind"] in kinds]

    def the(self, kind: str, end: str) -> Manifest:
        """The one object of this kind whose name ends so."""
        [found] = [o for o in self.all(kind) if o["metadata"]["name"].endswith(end)]
        return found

    def workloads(self) -> list[Manifest]:
        """Everything that has pods."""
        return self.all("Deployment", "StatefulSet", "Job")

    def selected(self, labels: Mapping[str, str]) -> list[Manifest]:
        """The workloads whose pods have these labels."""
        return [w for w in self.workloads() if has(pod_labels(w), labels)]


def has(labels: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    """Whether a selector that wants these takes those."""
    return wanted.items() <= labels.items()


def pod_labels(workload: Manifest) -> Mapping[str, str]:
    """The labels of its pods."""
    return dict(workload["spec"]["template"]["metadata"]["labels"])


def pod(workload: Manifest) -> Mapping[str, Any]:
    """The specification of its pods."""
    return dict(workload["spec"]["template"]["spec"])


def container(workload: Manifest) -> Mapping[str, Any]:
    """The one container of its pods."""
    [only] = pod(workload)["containers"]
    return dict(only)


def variables(workload: Manifest, prefix: str) -> Iterator[tuple[str, str]]:
    """The plain variables of a container whose names begin so."""
    for given in container(workload)["env"]:
        if given["name"].startswith(prefix) and "value" in given:
            yield given["name"], given["value"]
