"""Renders charts with Helm itself, in a process of its own: a Go runtime lives in the library.

Reads `{"chart": PATH, "sets": {NAME: VALUES}}`, writes for each name either the `rendered` files by
path or what it was `refused` with. Run by `rendering.py`; knows no test.
"""

from __future__ import annotations

import json
import sys
from importlib import import_module
from typing import Any

_RELEASE = {"name": "demo", "namespace": "pictures"}


def answer(question: dict[str, Any]) -> dict[str, Any]:
    """What Helm makes of every set of values, and what it has to say about the chart."""
    helm: Any = import_module("helm_python")
    told: dict[str, Any] = {"rendered": {}, "refused": {}, "complaints": {}}
    with helm.Chart.load(question["chart"]) as chart:
        for name, values in question["sets"].items():
            try:
                told["rendered"][name] = chart.render(values, **_RELEASE)
            except helm.HelmError as error:
                told["refused"][name] = str(error)
                continue
            messages = helm.lint(question["chart"], values, strict=True)["messages"]
            told["complaints"][name] = [m["error"] for m in messages if m["severity"] > 1]
    return told


if __name__ == "__main__":
    json.dump(answer(json.load(sys.stdin)), sys.stdout)
