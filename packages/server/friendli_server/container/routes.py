"""The image routes: read, judge, run, answer. Each of those lives in a file of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter
from friendli_wire import (
    ContainerImageEditBody,
    ContainerImageGenerateSuccess,
    ContainerImageGenerationBody,
)
from msgspec.structs import replace
from starlette.requests import Request
from starlette.responses import Response

from friendli_server import body as bodies
from friendli_server.container import openapi, params
from friendli_server.container.desk import Desk
from friendli_server.container.order import GetPictures, Pictures, order
from friendli_server.container.repeats import key_of
from friendli_server.container.service import Service
from friendli_server.container.superset import EditBody, GenerationBody
from friendli_server.forms import is_form, parse_form

MAX_BODY = 70 * 2**20
"""A 50 MiB image as base64, and some."""


def router(service: Service, desk: Desk) -> APIRouter:
    """`/v1/images/…` of the container."""
    routes = APIRouter(tags=["Container.Image"])

    @routes.post(
        "/v1/images/generations",
        operation_id="containerImagesGenerate",
        summary="Image generations",
        description="Given a description, the model generates image.",
        response_model=ContainerImageGenerateSuccess,
        responses=openapi.RESPONSES,
        openapi_extra=openapi.takes(ContainerImageGenerationBody),
    )
    async def generate(request: Request) -> Response:
        given = await json_body(request)
        body = bodies.shape(GenerationBody, given)
        return await _Call(service, desk, request, given).generate(body)

    @routes.post(
        "/v1/images/edits",
        operation_id="containerImagesEdit",
        summary="Image edits",
        description="Given a description and an image, the model edits image.",
        response_model=ContainerImageGenerateSuccess,
        responses=openapi.RESPONSES,
        openapi_extra=openapi.takes(ContainerImageEditBody, form=True),
    )
    async def edit(request: Request) -> Response:
        form = is_form(request)
        given = await (parse_form(request, limit=MAX_BODY) if form else json_body(request))
        body = bodies.shape(EditBody, given, strict=not form)
        return await _Call(service, desk, request, given).edit(body)

    return routes


@dataclass(frozen=True)
class _Call:
    """One request to an image route, with what it takes to answer it."""

    service: Service
    desk: Desk
    request: Request
    given: dict[str, Any]

    async def generate(self, body: GenerationBody) -> Response:
        info = self.service.engine.info
        sources, weights = params.controls(body, info)

        async def pictures() -> Pictures:
            loaded = await self.service.intake.load(sources, param="control_images")
            return Pictures(control=loaded) if info.controlnets else Pictures(images=loaded)

        return await self.answer(body, pictures if sources else None, weights)

    async def edit(self, body: EditBody) -> Response:
        info, intake = self.service.engine.info, self.service.intake
        mask, sources = params.mask(body, info), params.edited(body, info)

        async def pictures() -> Pictures:
            return Pictures(
                images=await intake.load(sources, param="image"),
                mask=await intake.load(mask, param="mask", mask=True),
            )

        return await self.answer(body, pictures)

    async def answer(
        self,
        body: GenerationBody | EditBody,
        pictures: GetPictures | None,
        weights: tuple[float, ...] = (),
    ) -> Response:
        given, service = self.given, self.service
        form = body.form(given, self.request.headers.get("accept", ""))
        openai, info = form == "openai", service.engine.info
        asked = params.request(body, info, service.settings, given=given, openai=openai)
        asked = replace(asked, control_weights=weights, tenant=self.request.state.client)
        made = order(body, asked, form=form, given=given, pictures=pictures)
        return await self.desk.serve(self.request, made, await key_of(self.request, given))


async def json_body(request: Request) -> dict[str, Any]:
    """The JSON object in the body."""
    bodies.require_json(request)
    return await bodies.parse_json(await bodies.read(request, limit=MAX_BODY))
