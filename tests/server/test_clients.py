"""Other people's clients, unmodified, against a container on loopback."""

from __future__ import annotations

import asyncio
import base64
import io
import json
from pathlib import Path

import httpx2
import pytest
from friendli_engine.request import Pixels
from msgspec.structs import replace
from npm import node_clients, run_node
from openai import AsyncOpenAI, NotFoundError, UnprocessableEntityError
from PIL import Image
from server.fakes import INFO, FakeEngine
from server.test_pictures_in import BLUE, RED, png

__all__ = ["node_clients"]

pytestmark = pytest.mark.requirement("S4.clients")


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine(replace(INFO, edits=True, max_pixels=64 * 64))


@pytest.fixture
def openai(address: str) -> AsyncOpenAI:
    return AsyncOpenAI(base_url=f"{address}/v1", api_key="none", max_retries=0)


def size_of(data: str | None) -> tuple[int, int]:
    assert data
    return Image.open(io.BytesIO(base64.b64decode(data))).size


# --- openai-python


async def test_openai_python_generates_with_the_names_that_it_knows(
    openai: AsyncOpenAI, engine: FakeEngine
) -> None:
    async with openai:
        plain = await openai.images.generate(model="gpt-image-1", prompt="a")
        made = await openai.images.generate(
            model="dall-e-3", prompt="a", n=2, size="1024x1024", quality="high", user="me",
            extra_body={"num_inference_steps": 3, "seed": 5},
        )  # fmt: skip
    assert plain.data
    assert made.data
    assert size_of(plain.data[0].b64_json) == (16, 8)
    assert [size_of(item.b64_json) for item in made.data] == [(8, 8)] * 2
    assert [(one.steps, one.seed) for one in engine.asked[1:]] == [(3, 5), (3, 6)]


async def test_openai_python_gets_links(openai: AsyncOpenAI) -> None:
    async with openai:
        made = await openai.images.generate(prompt="a", response_format="url")
    assert made.data
    url = made.data[0].url
    assert url
    async with httpx2.AsyncClient() as client:
        assert (await client.get(url)).headers["content-type"] == "image/png"


async def test_openai_python_streams_partial_images(openai: AsyncOpenAI) -> None:
    async with openai:
        stream = await openai.images.generate(
            prompt="a", stream=True, partial_images=2, extra_body={"num_inference_steps": 9}
        )
        events = [event async for event in stream]
    partial, done = "image_generation.partial_image", "image_generation.completed"
    assert [event.type for event in events] == [partial, partial, done]
    assert size_of(events[-1].b64_json) == (16, 8)


@pytest.mark.parametrize("files", [[RED], [RED, BLUE]])
async def test_openai_python_edits_one_picture_or_several(
    openai: AsyncOpenAI, engine: FakeEngine, files: list[Pixels]
) -> None:
    pictures = [("a.png", png(colour)) for colour in ("red", "blue")[: len(files)]]
    async with openai:
        made = await openai.images.edit(
            image=pictures if len(pictures) > 1 else pictures[0], prompt="b", model="gpt-image-1"
        )
    assert made.data
    assert size_of(made.data[0].b64_json) == (16, 8)
    assert engine.asked[0].images == tuple(files)


async def test_openai_python_lists_the_models_and_understands_errors(openai: AsyncOpenAI) -> None:
    async with openai:
        models = await openai.models.list()
        with pytest.raises(UnprocessableEntityError, match="num_inference_steps"):
            await openai.images.generate(prompt="a", extra_body={"num_inference_steps": 99})
        with pytest.raises(NotFoundError, match="Did you mean 'neon'"):
            await openai.images.generate(prompt="a", model="neom")
    assert [model.id for model in models.data] == ["fake", "ink", "neon"]


# --- JavaScript

OPENAI_NODE = """
import OpenAI, { toFile } from "openai";
const client = new OpenAI({ baseURL: process.argv[2] + "/v1", apiKey: "none", maxRetries: 0 });
const file = await toFile(Buffer.from(process.argv[3], "base64"), "a.png", { type: "image/png" });
const told = {};
told.one = (await client.images.generate({ prompt: "a", model: "gpt-image-1" })).data.length;
told.two = (await client.images.generate({ prompt: "a", n: 2, size: "auto" })).data.length;
const stream = await client.images.generate({ prompt: "a", stream: true, partial_images: 1 });
told.events = [];
for await (const event of stream) told.events.push(event.type);
told.edit = (await client.images.edit({ image: file, prompt: "b" })).data.length;
told.edits = (await client.images.edit({ image: [file, file], prompt: "b" })).data.length;
told.models = (await client.models.list()).data.map((model) => model.id);
try { await client.images.generate({ prompt: "a", n: 99 }); } catch (error) {
  told.error = [error.status, error.param];
}
console.log(JSON.stringify(told));
"""


async def test_openai_node(address: str, engine: FakeEngine, node_clients: Path) -> None:
    picture = base64.b64encode(png()).decode()
    told = json.loads(
        await asyncio.to_thread(run_node, node_clients, OPENAI_NODE, address, picture)
    )
    assert told == {
        "one": 1,
        "two": 2,
        "events": ["image_generation.partial_image", "image_generation.completed"],
        "edit": 1,
        "edits": 1,
        "models": ["fake", "ink", "neon"],
        "error": [422, "n"],
    }
    assert [one.images for one in engine.asked[-2:]] == [(RED,), (RED, RED)]


AI_SDK = """
import { experimental_generateImage, generateImage } from "ai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
const generate = generateImage ?? experimental_generateImage;
const friendli = createOpenAICompatible({ name: "friendli", baseURL: process.argv[2] + "/v1" });
const { images } = await generate({
  model: friendli.imageModel("ink"), prompt: "a", n: 2, size: "32x16", maxRetries: 0,
  providerOptions: { friendli: { num_inference_steps: 3, seed: 5 } },
});
console.log(JSON.stringify(images.map((image) => [image.mediaType, image.base64.length > 50])));
"""


async def test_the_ai_sdk(address: str, engine: FakeEngine, node_clients: Path) -> None:
    told = json.loads(await asyncio.to_thread(run_node, node_clients, AI_SDK, address))
    assert told == [["image/png", True]] * 2
    asked = [(one.adapter, one.steps, one.seed, one.width, one.height) for one in engine.asked]
    assert asked == [("ink", 3, 5, 32, 16), ("ink", 3, 6, 32, 16)]


HUGGING_FACE = """
import { textToImage } from "@huggingface/inference";
const blob = await textToImage(
  { endpointUrl: process.argv[2], inputs: "a", parameters: { num_inference_steps: 3, seed: 4 } },
  { retry_on_error: false },
);
console.log(JSON.stringify([blob.type, blob.size > 50]));
"""


async def test_hugging_faces_javascript(
    address: str, engine: FakeEngine, node_clients: Path
) -> None:
    told = json.loads(await asyncio.to_thread(run_node, node_clients, HUGGING_FACE, address))
    assert told == ["image/png", True]
    assert (engine.asked[0].steps, engine.asked[0].seed) == (3, 4)
