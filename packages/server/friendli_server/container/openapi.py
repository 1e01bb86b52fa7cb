"""The published description of the API: the seed's schemas, plus what the server answers besides.

Bodies are read by hand (within limits of size and time), so their schemas are named here.
"""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.encoders import jsonable_encoder
from fastapi.openapi.utils import get_openapi
from friendli_wire import ContainerImageEditBody, ContainerImageGenerationBody, ErrorBody
from pydantic import BaseModel

from friendli_server import images
from friendli_server.container import deadline
from friendli_server.container.huggingface import HuggingFaceBody

_REF = "#/components/schemas/{model}"
SCHEMAS = (ContainerImageGenerationBody, ContainerImageEditBody, HuggingFaceBody, ErrorBody)
_ERROR = {"$ref": _REF.format(model=ErrorBody.__name__)}
_ERRORS = {
    400: "The body is not valid JSON.",
    401: "A key is required, and this is none.",
    403: "Pages of that origin may not call this server.",
    404: "There is no such thing; for a model, the answer lists the known ones.",
    405: "This path does not take that method.",
    408: "The body came too slowly.",
    413: "The body is too large.",
    415: "The content type is not supported.",
    421: "This server does not answer for that host.",
    422: "Unprocessable Entity",
    429: "The queue is full; `retry-after` says when to come back.",
    500: "The picture could not be generated.",
    503: "The model is not ready or the server is shutting down.",
    504: "The picture was not ready within the seconds of `x-request-timeout`.",
}
ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"description": description, "content": {"application/json": {"schema": _ERROR}}}
    for status, description in _ERRORS.items()
}
FILE: dict[str, Any] = {
    "description": "The picture.",
    "content": {
        media: {"schema": {"type": "string", "format": "binary"}}
        for name, media in images.MEDIA_TYPES.items()
        if name != "raw"
    },
}
RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Successfully generated image.",
        "content": {
            "application/json": {
                "examples": {"Example": {"value": {"image": "<base64 encoded image>"}}}
            }
        },
    },
    **ERRORS,
}


def takes(body: type[BaseModel], *, form: bool = False) -> dict[str, Any]:
    """The `requestBody` of a route that reads `body` itself, as JSON and perhaps as a form."""
    kinds = ["application/json", "multipart/form-data"][: 1 + form]
    schema = {"$ref": _REF.format(model=body.__name__)}
    content = {kind: {"schema": schema} for kind in kinds}
    return {
        "requestBody": {"content": content, "required": True},
        "parameters": [deadline.PARAMETER],
    }


def publish(app: FastAPI) -> None:
    """Make `app` serve the whole description."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = get_openapi(
                title=app.title,
                version=app.version,
                description=app.description,
                routes=app.routes,
            )
            app.openapi_schema["components"]["schemas"] |= _schemas()
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]  # FastAPI's documented way


def _schemas() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for model in SCHEMAS:
        # Like FastAPI, leave out `"default": null`: the public schema says nullable and no more.
        schema = jsonable_encoder(model.model_json_schema(ref_template=_REF), exclude_none=True)
        found |= schema.pop("$defs", {})
        found[model.__name__] = schema
    return found
