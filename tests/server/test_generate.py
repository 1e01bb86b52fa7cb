"""POST /v1/images/generations: what is answered, what is refused, and how."""

from __future__ import annotations

import base64
import io
from typing import Any

import httpx2
import pytest
from friendli_engine.errors import NotFiniteError, QueueFullError
from PIL import Image
from server.fakes import INFO, FakeEngine

PATH = "/v1/images/generations"


async def post(client: httpx2.AsyncClient, **body: Any) -> httpx2.Response:
    return await client.post(PATH, json={"prompt": "a red car in the snow"} | body)


@pytest.mark.requirement("S4.generate")
async def test_a_prompt_alone_gives_a_jpeg_with_the_defaults(
    client: httpx2.AsyncClient, engine: FakeEngine
) -> None:
    answer = await post(client)
    assert answer.status_code == 200
    assert answer.headers["x-image-width"] == str(INFO.width)
    assert answer.headers["content-type"] == "application/json"
    image = Image.open(io.BytesIO(base64.b64decode(answer.json()["image"])))
    assert (image.format, image.size) == ("JPEG", (INFO.width, INFO.height))
    [asked] = engine.asked
    assert (asked.prompt, asked.steps, asked.guidance) == ("a red car in the snow", 20, 0)


async def test_everything_asked_for_reaches_the_engine(
    client: httpx2.AsyncClient, engine: FakeEngine
) -> None:
    await post(client, model="ink", num_inference_steps=7, guidance_scale=3.5, seed=11)
    [asked] = engine.asked
    assert (asked.adapter, asked.steps, asked.guidance, asked.seed) == ("ink", 7, 3.5, 11)


@pytest.mark.requirement("S4.response_format")
async def test_raw_is_rows_of_rgb_and_the_answer_tells_its_size(
    client: httpx2.AsyncClient,
) -> None:
    answer = (await post(client, response_format="raw", seed=5, num_inference_steps=3)).json()
    assert base64.b64decode(answer.pop("image")) == bytes((5, 3, 0)) * (16 * 8)
    assert answer == {"seed": 5, "width": 16, "height": 8, "format": "raw"}


@pytest.mark.requirement("S4.seed")
async def test_a_seed_is_drawn_and_reported_when_none_is_given(
    client: httpx2.AsyncClient, engine: FakeEngine
) -> None:
    seeds = [(await post(client, seed=given)).json()["seed"] for given in (None, None)]
    assert seeds == [asked.seed for asked in engine.asked]
    assert seeds[0] != seeds[1]
    assert all(0 <= seed < 2**53 for seed in seeds)


@pytest.mark.requirement("S1.seed")
async def test_the_same_seed_gives_the_same_answer(client: httpx2.AsyncClient) -> None:
    body = {"seed": 2**64 - 1, "response_format": "jpeg"}
    first, second = [(await post(client, **body)).content for _ in range(2)]
    assert first == second


@pytest.mark.requirement("S1.model")
@pytest.mark.parametrize("name", [None, "", "fake", "gpt-image-1", "(adapter-route)"])
async def test_the_base_model_has_several_names(
    client: httpx2.AsyncClient, engine: FakeEngine, name: str | None
) -> None:
    assert (await post(client, model=name)).status_code == 200
    assert engine.asked[0].adapter is None


@pytest.mark.requirement("S4.model")
async def test_an_unknown_model_is_refused_with_the_known_ones_and_the_nearest(
    client: httpx2.AsyncClient,
) -> None:
    answer = await post(client, model="nein")
    assert answer.status_code == 404
    error = answer.json()["error"]
    assert (error["code"], error["param"]) == ("model_not_found", "model")
    assert "fake, ink, neon" in error["message"]
    assert "'neon'?" in error["message"]


@pytest.mark.requirement("S4.steps", "S4.errors")
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("num_inference_steps", 0),
        ("num_inference_steps", 51),
        ("num_inference_steps", -1),
        ("num_inference_steps", 10**100),
        ("num_inference_steps", "10"),
        ("num_inference_steps", True),
        ("num_inference_steps", 3.5),
        ("num_inference_steps", None),
        ("guidance_scale", -0.1),
        ("guidance_scale", 1e9),
        ("guidance_scale", "3"),
        ("guidance_scale", 10**400),
        ("seed", 2**64),
        ("seed", -(2**63) - 1),
        ("seed", 1.5),
        ("seed", "1"),
        ("prompt", None),
        ("prompt", 3),
        ("prompt", "x" * 10_001),
        ("response_format", "tiff"),
        ("response_format", 3),
        ("model", 3),
        ("control_images", "x"),
        ("control_images", [{"image": "x"}]),
        ("controlnet_weights", ["x"]),
        ("n", 0),
        ("n", 11),
        ("n", 2.5),
        ("size", "big"),
        ("size", "0x8"),
        ("size", "12x12"),
        ("output_format", "svg"),
        ("output_compression", 101),
        ("partial_images", 4),
    ],
)
async def test_a_value_that_cannot_be_is_a_422_that_names_the_field(
    client: httpx2.AsyncClient, engine: FakeEngine, field: str, value: Any
) -> None:
    answer = await post(client, **{field: value})
    assert answer.status_code == 422
    body = answer.json()
    assert body["error"]["param"] == field
    assert body["detail"][0]["loc"][:2] == ["body", field]
    assert body["message"] == body["error"]["message"]
    assert body["request_id"] == answer.headers["x-request-id"]
    assert engine.asked == []


@pytest.mark.parametrize("steps", [1, 50])
async def test_the_ends_of_the_range_are_in_it(client: httpx2.AsyncClient, steps: int) -> None:
    assert (await post(client, num_inference_steps=steps)).status_code == 200


@pytest.mark.parametrize(
    ("raw", "status", "code"),
    [
        (b"", 400, "invalid_json"),
        (b"{", 400, "invalid_json"),
        (b'{"prompt": "\xff"}', 400, "invalid_json"),
        (b'{"prompt": "a", "guidance_scale": NaN}', 400, "invalid_json"),
        (b'{"prompt": "a", "guidance_scale": 1e400}', 422, "invalid_request"),
        (b"[" * 100_000, 400, "invalid_json"),
        (b'{"prompt": "a", "seed": ' + b"1" * 5000 + b"}", 400, "invalid_json"),
        (b"[]", 422, "invalid_request"),
        (b"null", 422, "invalid_request"),
        (b"{}", 422, "invalid_request"),
    ],
)
async def test_a_body_that_is_no_request_is_told_so(
    client: httpx2.AsyncClient, raw: bytes, status: int, code: str
) -> None:
    answer = await client.post(PATH, content=raw, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"content-type": "text/plain"}, 415),
        ({}, 415),
        ({"content-type": "application/json", "content-encoding": "gzip"}, 415),
        ({"content-type": "application/json; charset=utf-8"}, 200),
        ({"content-type": "application/json", "content-length": str(2**30)}, 413),
    ],
)
async def test_headers_decide_before_the_body_is_read(
    client: httpx2.AsyncClient, headers: dict[str, str], status: int
) -> None:
    answer = await client.post(PATH, content=b'{"prompt":"a"}', headers=headers)
    assert answer.status_code == status


async def test_a_body_that_grows_beyond_the_limit_is_cut_off(client: httpx2.AsyncClient) -> None:
    async def endless() -> Any:
        while True:
            yield bytes(2**20)

    headers = {"content-type": "application/json"}
    answer = await client.post(PATH, content=endless(), headers=headers)
    assert answer.status_code == 413


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [("/nowhere", "GET", 404), (PATH, "GET", 405), ("/docs", "GET", 404)],
)
async def test_unknown_paths_and_methods_answer_in_the_envelope(
    client: httpx2.AsyncClient, path: str, method: str, status: int
) -> None:
    answer = await client.request(method, path)
    assert answer.status_code == status
    assert answer.json()["error"]["message"]


async def test_an_engine_failure_is_a_500_with_its_fixed_text(
    client: httpx2.AsyncClient, engine: FakeEngine
) -> None:
    engine.fails = NotFiniteError("The network answered with NaN.")
    answer = await post(client)
    assert (answer.status_code, answer.json()["error"]["code"]) == (500, "nan_detected")


async def test_a_full_engine_is_a_429_with_retry_after(
    client: httpx2.AsyncClient, engine: FakeEngine
) -> None:
    engine.fails = QueueFullError("Too many requests are waiting.")
    answer = await post(client)
    assert (answer.status_code, int(answer.headers["retry-after"]) > 0) == (429, True)


async def test_a_bug_is_a_500_without_its_text(
    client: httpx2.AsyncClient, engine: FakeEngine
) -> None:
    engine.fails = ZeroDivisionError("secret")  # type: ignore[assignment]
    answer = await post(client)
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert answer.headers["x-request-id"] == answer.json()["request_id"]


async def test_the_callers_request_id_is_kept_when_it_is_safe(client: httpx2.AsyncClient) -> None:
    kept = await client.get("/health", headers={"x-request-id": "abc-1"})
    made = await client.get("/health", headers={"x-request-id": "<script>"})
    assert kept.headers["x-request-id"] == "abc-1"
    assert made.headers["x-request-id"].isalnum()
