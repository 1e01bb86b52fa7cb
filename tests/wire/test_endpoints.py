"""Bodies and answers of the endpoint API."""

from __future__ import annotations

from typing import Any

import pytest
from friendli_wire.endpoints import (
    AutoscalingPolicy,
    DedicatedEndpointCreateBody,
    DedicatedEndpointListResponse,
    DedicatedEndpointSpec,
    DedicatedEndpointStatus,
    DedicatedEndpointUpdateBody,
)
from pydantic import BaseModel, ValidationError

ADVANCED = {"tokenizer_skip_special_tokens": True, "tokenizer_add_special_tokens": False}
STATUS = {"status": "RUNNING", "createdAt": "2025-01-01T00:00:00Z"}


@pytest.mark.parametrize(
    ("model", "order", "required"),
    [
        (
            DedicatedEndpointCreateBody,
            "projectId name instanceOptionId advanced simplescale autoscalingPolicy hfModelRepo",
            ["projectId", "name", "instanceOptionId", "advanced"],
        ),
        (DedicatedEndpointUpdateBody, "name advanced simplescale autoscalingPolicy", None),
        (
            DedicatedEndpointStatus,
            "status errorCode createdAt updatedAt phase",
            ["status", "createdAt"],
        ),
        (DedicatedEndpointSpec, "name gpuType numGpu instanceId projectId", None),
    ],
)
def test_json_has_the_names_and_order_of_the_public_api(
    model: type[BaseModel], order: str, required: list[str] | None
) -> None:
    schema = model.model_json_schema()
    names = order.split()
    assert list(schema["properties"])[: len(names)] == names
    if required is not None:
        assert schema["required"] == required


def test_python_and_json_names_are_both_understood() -> None:
    body: dict[str, Any] = {"name": "n", "advanced": ADVANCED}
    camel = body | {"projectId": "p", "instanceOptionId": "i"}
    snake = body | {"project_id": "p", "instance_option_id": "i"}
    made = [DedicatedEndpointCreateBody.model_validate(given) for given in (camel, snake)]
    assert made[0] == made[1]
    dumped = made[1].model_dump(by_alias=True, exclude_unset=True)
    assert dumped == camel


def test_autoscaling_sleeps_when_idle_by_default() -> None:
    dumped = AutoscalingPolicy().model_dump(by_alias=True)
    assert dumped == {"minReplica": 0, "maxReplica": 1, "cooldownPeriod": 300}


def test_a_status_beyond_the_list_is_refused() -> None:
    with pytest.raises(ValidationError, match="status"):
        DedicatedEndpointStatus.model_validate(STATUS | {"status": "DANCING"})


def test_a_list_maps_ids_to_statuses() -> None:
    page = DedicatedEndpointListResponse.model_validate({"data": {"a": STATUS}, "nextCursor": "c"})
    assert page.data["a"].status == "RUNNING"
    assert page.next_cursor == b"c"
