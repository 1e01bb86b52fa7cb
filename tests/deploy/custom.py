"""What custom resources may look like, as far as ours go: fields that their definitions know.

Their full definitions are megabytes of other projects; only the part that we use is here, written
from their documentation. An unknown field is a fault: the API server would drop it in silence.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

_TEXT, _COUNT = {"type": "string"}, {"type": "integer", "minimum": 0}
_LABELS = {"type": "object", "additionalProperties": _TEXT}


def _object(required: Mapping[str, Any], **optional: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {**required, **optional},
        "required": list(required),
        "additionalProperties": False,
    }


def _list(of: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": of, "minItems": 1}


def _resource(version: str, kind: str, spec: Mapping[str, Any]) -> dict[str, Any]:
    head = {"apiVersion": {"const": version}, "kind": {"const": kind}}
    return _object({**head, "metadata": _object({"name": _TEXT}, labels=_LABELS), "spec": spec})


_TEMPLATE = _object({"spec": {"type": "object"}}, metadata=_object({}, labels=_LABELS))
"""Of pods, which are judged as pods."""
_HEAD = _object({"template": _TEMPLATE}, rayStartParams=_LABELS, serviceType=_TEXT)
_WORKERS = _object(
    {"groupName": _TEXT, "template": _TEMPLATE, "rayStartParams": _LABELS},
    replicas=_COUNT,
    minReplicas=_COUNT,
    maxReplicas=_COUNT,
    idleTimeoutSeconds=_COUNT,
)
_SECRET = _object({"valueFrom": _object({"secretKeyRef": _object({"name": _TEXT, "key": _TEXT})})})
SCHEMAS = {
    "ServiceMonitor": _resource(
        "monitoring.coreos.com/v1",
        "ServiceMonitor",
        _object(
            {
                "selector": _object({"matchLabels": _LABELS}),
                "endpoints": _list(
                    _object({"port": _TEXT}, path=_TEXT, interval={"pattern": r"^\d+(ms|s|m)$"})
                ),
            },
        ),
    ),
    "RayCluster": _resource(
        "ray.io/v1",
        "RayCluster",
        _object(
            {"headGroupSpec": _HEAD, "workerGroupSpecs": _list(_WORKERS), "rayVersion": _TEXT},
            enableInTreeAutoscaling={"type": "boolean"},
            autoscalerOptions=_object(
                {},
                version={"enum": ["v1", "v2"]},
                idleTimeoutSeconds=_COUNT,
                resources=_object({"requests": _LABELS, "limits": _LABELS}),
            ),
            gcsFaultToleranceOptions=_object(
                {"redisAddress": _TEXT}, redisPassword=_SECRET, externalStorageNamespace=_TEXT
            ),
        ),
    ),
}


def faults(resource: Mapping[str, Any]) -> list[str]:
    """What is wrong with a custom resource: where, and what."""
    jsonschema = pytest.importorskip("jsonschema", reason="the group dev is not installed")
    judge = jsonschema.Draft202012Validator(SCHEMAS[resource["kind"]])
    found = judge.iter_errors(resource)
    return [f"{'.'.join(map(str, fault.absolute_path))}: {fault.message}" for fault in found]
