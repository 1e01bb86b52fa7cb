"""The published description of the gateway: what routes take and how they refuse.

Bodies and queries are read by hand (within limits of size and time), so they are named here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from friendli_wire import ErrorBody
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from starlette.routing import compile_path

_REF: Final = "#/components/schemas/{model}"
_TEAM: Final = {
    "name": "X-Friendli-Team",
    "in": "header",
    "schema": {"type": "string"},
    "description": "The team to act for, if not the token's own.",
}
_TEXTS: Final = {
    400: "The body is not valid JSON or no valid form.",
    401: "A token is required, and this is none.",
    403: "The team is not yours, or only an owner may.",
    404: "There is none, or it is not yours.",
    405: "This path does not take that method.",
    408: "The body came too slowly.",
    409: "What is there forbids it.",
    410: "The link has expired.",
    413: "The body is too large.",
    415: "The content type is not supported.",
    416: "The range lies outside of the picture.",
    422: "Unprocessable Entity",
    429: "A limit is reached; `retry-after` says when to come back.",
    500: "The picture could not be generated.",
    502: "The endpoint's model gave no usable answer.",
    503: "The service is briefly unavailable; `retry-after` says when to come back.",
    504: "The picture was not ready in time.",
}
_bodies: Final[dict[str, type[BaseModel]]] = {ErrorBody.__name__: ErrorBody}


def errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """How a route refuses, beside the ways in which any may."""
    content = {"application/json": {"schema": {"$ref": _REF.format(model=ErrorBody.__name__)}}}
    common = (400, 401, 403, 404, 408, 413, 415, 422, 503)
    return {
        status: {"description": _TEXTS[status], "content": content}
        for status in sorted({*common, *statuses})
    }


def takes(body: type[BaseModel], *, form: bool = False) -> dict[str, Any]:
    """The body of a route that reads it itself, as JSON and perhaps as a form."""
    _bodies[body.__name__] = body
    kinds = ["application/json", "multipart/form-data"][: 1 + form]
    schema = {"$ref": _REF.format(model=body.__name__)}
    return {"requestBody": {"required": True, "content": {k: {"schema": schema} for k in kinds}}}


def query(**schemas: Mapping[str, Any]) -> dict[str, Any]:
    """The query parameters of a route that reads them itself."""
    return {
        "parameters": [
            {"name": name, "in": "query", "required": False, "schema": schema}
            for name, schema in schemas.items()
        ]
    }


def methods_of(app: FastAPI, path: str) -> list[str]:
    """The methods that `path` takes, by the description; none if it is not in there."""
    found = [
        operations
        for template, operations in app.openapi()["paths"].items()
        if compile_path(template)[0].fullmatch(path)
    ]
    return sorted({method.upper() for operations in found for method in operations})


def publish(app: FastAPI) -> None:
    """Make `app` serve the whole description."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app)
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]  # FastAPI's documented way


def _document(app: FastAPI) -> dict[str, Any]:
    made = get_openapi(
        title=app.title, version=app.version, description=app.description, routes=app.routes
    )
    _, schemas = models_json_schema(
        [(body, "validation") for body in _bodies.values()], ref_template=_REF
    )
    made["components"]["schemas"] |= schemas["$defs"]
    made["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    for path, operations in made["paths"].items():
        if path.startswith(("/dedicated/v1", "/dedicated/beta", "/dedicated/admin")):
            for operation in operations.values():
                operation["security"] = [{"token": []}]
                operation.setdefault("parameters", []).append(_TEAM)
    return made
