"""What user code imports and constructs, and what importing it costs."""

from __future__ import annotations

import inspect
import json
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import friendli
import pytest
from friendli import AsyncFriendli, SyncFriendli, models, utils
from official import run_official
from sdk.conftest import Run
from sdk.stub import Stub

ROOT = Path(__file__).parents[2]
OPTIONS = ["retries", "server_url", "timeout_ms", "http_headers"]
GENERATE = ["num_inference_steps", "guidance_scale", "seed", "response_format"]
CONTROL = ["control_images", "controlnet_weights"]


def test_public_names_are_these() -> None:
    assert sorted(dir(friendli)) == [
        "AsyncFriendli",
        "SyncFriendli",
        "VERSION",
        "core",
        "hooks",
        "httpclient",
        "models",
        "types",
        "utils",
    ]


def test_every_model_name_resolves() -> None:
    assert [name for name in models.__all__ if not hasattr(models, name)] == []


def test_every_image_and_endpoint_name_of_the_official_client_is_there(
    official_python: Path,
) -> None:
    code = (
        "import json; from friendli.core import models; names = set(dir(models));"
        "print(json.dumps(sorted(n for n in names if n.startswith(('Container', 'Dedicated')))))"
    )
    names = json.loads(run_official(official_python, code))
    ours = [name for name in names if re.search(r"Image|Endpoint", name) and "Wandb" not in name]
    assert len(ours) >= 50
    assert [name for name in ours if not hasattr(models, name)] == []


def test_older_import_paths_give_the_same_objects() -> None:
    assert import_module("friendli.core").models is models
    assert import_module("friendli.core.utils").RetryConfig is utils.RetryConfig


def test_version_is_that_of_the_surface() -> None:
    assert friendli.VERSION.startswith("0.16.3+")


@pytest.mark.requirement("S1.clients")
@pytest.mark.parametrize("client", [SyncFriendli, AsyncFriendli])
def test_constructor_arguments_are_the_official_ones_in_order(client: type) -> None:
    names = list(inspect.signature(client).parameters)
    assert names[:9] == [
        "token",
        "server_idx",
        "server_url",
        "url_params",
        "client",
        "async_client",
        "retry_config",
        "timeout_ms",
        "debug_logger",
    ]


@pytest.mark.parametrize("client", [SyncFriendli, AsyncFriendli])
@pytest.mark.parametrize(
    ("where", "method", "names"),
    [
        ("container", "generate", ["prompt", "model", *GENERATE, *CONTROL]),
        ("container", "edit", ["image", "prompt", "model", *GENERATE]),
        ("dedicated", "generate", ["model", "prompt", "x_friendli_team", *GENERATE, *CONTROL]),
        ("dedicated", "edit", ["image", "prompt", "model", "x_friendli_team", *GENERATE]),
    ],
)
def test_methods_take_the_official_keywords_and_no_positions(
    client: type[SyncFriendli], where: str, method: str, names: list[str]
) -> None:
    bound = getattr(getattr(client(), where).image, method)
    parameters = inspect.signature(bound).parameters
    assert list(parameters)[: len(names) + 4] == names + OPTIONS
    assert {p.kind for p in parameters.values()} == {inspect.Parameter.KEYWORD_ONLY}


SEED_CALLS = [
    ("container", {"guidance_scale": 3.5, "num_inference_steps": 10, "response_format": "jpeg"}),
    ("container", {"guidance_scale": 3.5, "num_inference_steps": 10, "model": "(adapter-route)"}),
    ("dedicated", {"model": "(endpoint-id)", "num_inference_steps": 10}),
    ("dedicated", {"model": "e:a", "guidance_scale": None, "response_format": "png", "seed": 3}),
    ("dedicated", {"model": "e", "control_images": [{"image": "https://example.com/cat.png"}]}),
]


@pytest.mark.requirement("S5.requiredness")
@pytest.mark.parametrize(("where", "given"), SEED_CALLS)
def test_keyword_sets_of_every_documented_version_work(
    run: Run, stub: Stub, where: str, given: dict[str, Any]
) -> None:
    data = [{"seed": 1, "response_format": "url", "url": "http://x"}]
    stub.replies = [stub.replies[0].__class__({"image": "aGk=", "data": data})]
    run(lambda f: getattr(f, where).image.generate(prompt="p", **given))
    sent = stub.requests[0].json
    assert {name: sent[name] for name in given} == given


@pytest.mark.requirement("design.lazy")
def test_importing_loads_neither_http_nor_validation_nor_torch() -> None:
    code = (
        "import sys; from friendli import SyncFriendli, AsyncFriendli; SyncFriendli(token='t');"
        "import json; print(json.dumps([m for m in sys.modules if '.' not in m]))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"httpx", "httpx2", "pydantic", "friendli_wire", "torch", "PIL", "anyio", "typer"}
    assert heavy.isdisjoint(json.loads(out.stdout))


@pytest.mark.requirement("design.lazy")
def test_calling_loads_neither_pillow_nor_torch_nor_a_server(stub: Stub) -> None:
    code = (
        "import sys; from friendli import SyncFriendli\n"
        f"SyncFriendli(server_url={stub.url!r}).container.image.generate(prompt='p')\n"
        "print([m for m in ('PIL', 'torch', 'friendli_server', 'fastapi') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_the_blocking_client_is_generated_from_the_asynchronous_one() -> None:
    command = [sys.executable, str(ROOT / "scripts/unasync.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_importing_loads_at_most_half_the_modules_of_the_official_client(
    official_python: Path,
) -> None:
    code = (
        "import sys; before = len(sys.modules); from friendli import SyncFriendli;"
        "print(len(sys.modules) - before)"
    )
    official, ours = (
        int(run_official(Path(python), code)) for python in (official_python, sys.executable)
    )
    assert ours <= official / 2
