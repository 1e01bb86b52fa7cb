"""Some seventy calls as a user would write them: `python wire_calls.py BASE_URL`.

Run with the official client and with ours; both import as `friendli`. Prints, as JSON, what each
call came to: the name of the result's class, or of the exception's.
"""

from __future__ import annotations

import json
import logging
import math
import sys
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

from friendli import SyncFriendli, models
from friendli.types import UNSET

URL = sys.argv[1]
CAT = "https://example.com/cat.png"
DATA = "data:image/png;base64,iVBORw0KGgo="
TOKEN = "flp_secret"

CONTAINER_GENERATE: dict[str, dict[str, Any]] = {
    "prompt only": {},
    "unicode": {"prompt": 'é "quoted" \n 北京 \U0001f600 </script>'},
    "empty prompt": {"prompt": ""},
    "seed S1": {
        "guidance_scale": 3.5,
        "num_inference_steps": 10,
        "prompt": "An orange Lamborghini driving down a hill road at night.",
        "model": "(adapter-route)",
        "response_format": "jpeg",
    },
    "model null": {"model": None},
    "model empty": {"model": ""},
    "model unset": {"model": UNSET},
    "steps null": {"num_inference_steps": None},
    "steps 1": {"num_inference_steps": 1},
    "steps 50": {"num_inference_steps": 50},
    "steps true": {"num_inference_steps": True},
    "steps text": {"num_inference_steps": "10"},
    "steps float": {"num_inference_steps": 10.0},
    "steps word": {"num_inference_steps": "ten"},
    "steps half": {"num_inference_steps": 10.5},
    "guidance null": {"guidance_scale": None},
    "guidance int": {"guidance_scale": 3},
    "guidance zero": {"guidance_scale": 0},
    "guidance negative": {"guidance_scale": -1.25},
    "guidance tiny": {"guidance_scale": 1e-7},
    "guidance third": {"guidance_scale": 1 / 3},
    "guidance nan": {"guidance_scale": math.nan},
    "guidance text": {"guidance_scale": "3.5"},
    "seed zero": {"seed": 0},
    "seed null": {"seed": None},
    "seed large": {"seed": 2**64 - 1},
    "seed negative": {"seed": -1},
    "format raw": {"response_format": "raw"},
    "format null": {"response_format": None},
    "format unknown": {"response_format": "webp"},
    "control images": {"control_images": [{"image": CAT}], "controlnet_weights": [0.5]},
    "control null": {"control_images": None, "controlnet_weights": None},
    "control empty": {"control_images": [], "controlnet_weights": []},
    "control model": {"control_images": [models.ImageInput(image=DATA)]},
    "control tuple": {"control_images": ({"image": CAT}, {"image": DATA})},
    "weights ints": {"control_images": [{"image": CAT}] * 2, "controlnet_weights": (0, 1)},
    "all": {
        "model": "m",
        "num_inference_steps": 7,
        "guidance_scale": 2.0,
        "seed": 5,
        "response_format": "raw",
        "control_images": [{"image": CAT}],
        "controlnet_weights": [1.0],
    },
    "headers": {"http_headers": {"X-Trace": "abc"}},
}
CONTAINER_EDIT: dict[str, dict[str, Any]] = {
    "dict": {"image": {"image": CAT}},
    "model": {"image": models.ImageInput(image=DATA)},
    "list": {"image": [{"image": CAT}, {"image": DATA}]},
    "empty list": {"image": []},
    "nulls": {"image": {"image": CAT}, "model": None, "seed": None, "response_format": None},
    "all": {
        "image": {"image": CAT},
        "model": "m",
        "num_inference_steps": 20,
        "guidance_scale": 0,
        "seed": 1,
        "response_format": "jpeg",
    },
}
DEDICATED_GENERATE: dict[str, dict[str, Any]] = {
    "seed S2": {"num_inference_steps": 10},
    "seed S3": {"num_inference_steps": 10, "control_images": [{"image": CAT}]},
    "team": {"x_friendli_team": "team-1"},
    "team null": {"x_friendli_team": None},
    "guidance null": {"guidance_scale": None},
    "guidance int": {"guidance_scale": 4},
    "steps null": {"num_inference_steps": None},
    "formats": {"response_format": "png"},
    "format null": {"response_format": None},
    "format unknown": {"response_format": "b64_json"},
    "seed null": {"seed": None},
    "adapter": {"model": "dep86pjolcjjnv8:style"},
    "weights": {"control_images": [{"image": CAT}], "controlnet_weights": [0.25]},
}
DEDICATED_EDIT: dict[str, dict[str, Any]] = {
    "seed S3": {"image": {"image": CAT}, "num_inference_steps": 20, "guidance_scale": 0},
    "list": {"image": [{"image": CAT}]},
    "team": {"image": {"image": CAT}, "x_friendli_team": "t", "response_format": "jpg"},
}
DEP_MODEL = {"model": "dep"}
ADVANCED = {"tokenizer_skip_special_tokens": True, "tokenizer_add_special_tokens": False}
CREATE: dict[str, Any] = {
    "project_id": "p",
    "name": "n",
    "instance_option_id": "i",
    "advanced": ADVANCED,
    "hf_model_repo": "org/model",
}
DEP = {"endpoint_id": "dep-1 x"}
ENDPOINT: dict[str, tuple[str, dict[str, Any]]] = {
    "create": ("create", CREATE),
    "create all": (
        "create",
        {
            **CREATE,
            "advanced": {**ADVANCED, "max_batch_size": 4, "queue_timeout_ms": None},
            "simplescale": {"replicas": 2},
            "autoscaling_policy": {"min_replica": 0, "max_replica": 3},
            "hf_model_repo_revision": None,
            "initial_version_comment": "first",
            "x_friendli_team": "team-1",
        },
    ),
    "list": ("list", {}),
    "list page": ("list", {"project_id": "p q", "limit": 5}),
    "get_spec": ("get_spec", DEP),
    "update": ("update", {**DEP, "name": "new"}),
    "update nothing": ("update", {**DEP, "name": None}),
    "delete": ("delete", DEP),
    "get_status": ("get_status", {**DEP, "x_friendli_team": "team-1"}),
    "get_version_history": ("get_version_history", {**DEP, "limit": 2}),
    "sleep": ("sleep", DEP),
    "wake": ("wake", DEP),
    "terminate": ("terminate", DEP),
    "restart": ("restart", DEP),
}


def calls(friendli: SyncFriendli) -> Iterator[tuple[str, Callable[..., Any], dict[str, Any]]]:
    for name, given in CONTAINER_GENERATE.items():
        yield f"container.generate {name}", friendli.container.image.generate, given
    for name, given in CONTAINER_EDIT.items():
        yield f"container.edit {name}", friendli.container.image.edit, given
    for name, given in DEDICATED_GENERATE.items():
        yield f"dedicated.generate {name}", friendli.dedicated.image.generate, DEP_MODEL | given
    for name, given in DEDICATED_EDIT.items():
        yield f"dedicated.edit {name}", friendli.dedicated.image.edit, DEP_MODEL | given
    for name, (method, given) in ENDPOINT.items():
        yield f"endpoint {name}", getattr(friendli.dedicated.endpoint, method), given


def outcome(call: Callable[..., Any], given: dict[str, Any]) -> str:
    try:
        return type(call(**given, server_url=URL)).__name__
    except Exception as error:  # whatever it comes to
        return type(error).__name__


def main() -> None:
    logging.disable()
    outcomes = {}
    with SyncFriendli(token=TOKEN, retry_config=None) as friendli:
        for name, call, given in calls(friendli):
            urllib.request.urlopen(f"{URL}/__call__/{urllib.parse.quote(name)}").read()
            prompt = {} if name.startswith("endpoint") else {"prompt": "p"}
            outcomes[name] = outcome(call, {**prompt, **given})
    sys.stdout.write(json.dumps(outcomes))


if __name__ == "__main__":
    main()
