"""The published schema is the public API's, field by field (seeds S4 and S5)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from fastapi import FastAPI
from friendli_wire import (
    ContainerImageEditBody,
    ContainerImageGenerateSuccess,
    ContainerImageGenerationBody,
    DedicatedImageEditBody,
    DedicatedImageGenerationBody,
)

SEED = yaml.safe_load((Path(__file__).parent / "seed_s4_openapi.yaml").read_text())["components"][
    "schemas"
]
# Seed S5, older: (field, required there).
S5_FIELDS = [
    ("guidance_scale", True),
    ("num_inference_steps", True),
    ("prompt", True),
    ("model", False),
    ("response_format", False),
    ("seed", False),
]
PROPERTIES = [(name, field) for name in SEED for field in SEED[name].get("properties", {})]


@pytest.fixture(scope="module")
def served() -> dict[str, Any]:
    """The schemas that a FastAPI server publishes for our models."""
    app = FastAPI()

    @app.post("/v1/images/generations", response_model=ContainerImageGenerateSuccess)
    def generate(body: ContainerImageGenerationBody) -> None: ...

    schemas: dict[str, Any] = app.openapi()["components"]["schemas"]
    return schemas


@pytest.mark.requirement("S4.schema")
@pytest.mark.parametrize("name", SEED)
def test_schema_equals_the_seed(served: dict[str, Any], name: str) -> None:
    assert served[name] == SEED[name]


@pytest.mark.parametrize("name", [name for name in SEED if "properties" in SEED[name]])
def test_fields_come_in_the_order_of_the_seed(served: dict[str, Any], name: str) -> None:
    assert list(served[name]["properties"]) == list(SEED[name]["properties"])


@pytest.mark.parametrize(("name", "field"), PROPERTIES)
def test_description_states_the_facts_of_the_seed(
    served: dict[str, Any], name: str, field: str
) -> None:
    said = served[name]["properties"][field]["description"]
    assert said == SEED[name]["properties"][field]["description"]


@pytest.mark.requirement("S5.fields")
@pytest.mark.parametrize(("field", "required"), S5_FIELDS)
def test_field_of_the_older_table_exists(field: str, required: bool) -> None:
    info = ContainerImageGenerationBody.model_fields[field]
    described = SEED["ContainerImageGenerationBody"]["properties"][field]["description"]
    assert info.description == described
    assert not info.is_required() or required


@pytest.mark.requirement("S5.requiredness")
@pytest.mark.parametrize(
    "given",
    [
        {"prompt": "p"},
        {"prompt": "p", "guidance_scale": 3.5, "num_inference_steps": 10},
        {
            "prompt": "p",
            "guidance_scale": 0.0,
            "num_inference_steps": 20,
            "response_format": "jpeg",
        },
        {"prompt": "p", "model": None, "seed": None, "response_format": None},
    ],
)
def test_explicit_and_omitted_values_are_both_accepted(given: dict[str, Any]) -> None:
    body = ContainerImageGenerationBody.model_validate(given, strict=True)
    assert body.model_dump(exclude_unset=True) == given


@pytest.mark.parametrize(
    ("body", "order", "required"),
    [
        (
            ContainerImageEditBody,
            "image prompt model num_inference_steps guidance_scale seed response_format",
            ["image", "prompt"],
        ),
        (
            DedicatedImageGenerationBody,
            (
                "model prompt num_inference_steps guidance_scale seed response_format"
                " control_images controlnet_weights"
            ),
            ["model", "prompt"],
        ),
        (
            DedicatedImageEditBody,
            "image prompt model num_inference_steps guidance_scale seed response_format",
            ["image", "prompt", "model"],
        ),
    ],
)
def test_other_bodies_have_the_fields_of_the_public_api(
    body: type[ContainerImageEditBody], order: str, required: list[str]
) -> None:
    schema = body.model_json_schema()
    assert list(schema["properties"]) == order.split()
    assert schema["required"] == required
