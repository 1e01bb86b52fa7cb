"""What the project must do, one line each: an id, where it was asked for, and the sentence.

Tests name the ids they show with `@pytest.mark.requirement(...)`; `tests/test_requirements.py`
holds the two together in both directions. A requirement that no test shows yet carries the room it
waits for; giving it a test means removing that word.
"""

from __future__ import annotations

from typing import NamedTuple


class Requirement(NamedTuple):
    """One thing a user can rely on."""

    source: str
    text: str
    waits_for: str | None = None


REQUIREMENTS: dict[str, Requirement] = {
    # --- S1, S5: the SDK against a container
    "S1.example": Requirement("S1", "the documentation's example call returns a picture"),
    "S1.official": Requirement(
        "S1", "the unmodified official client gets a JPEG from our container"
    ),
    "S1.clients": Requirement("S1", "SyncFriendli and AsyncFriendli are context managers"),
    "S1.token": Requirement(
        "S1", "token: argument, callable or FRIENDLI_TOKEN; an empty one is none"
    ),
    "S1.guidance_scale": Requirement("S1", "guidance_scale travels as a number"),
    "S1.num_inference_steps": Requirement("S1", "num_inference_steps travels as an integer"),
    "S1.prompt": Requirement("S1", "prompt is required"),
    "S1.model": Requirement("S1", "model routes to an adapter; null and omitted are both the base"),
    "S1.response_format": Requirement("S1", "response_format is raw or jpeg"),
    "S1.seed": Requirement("S1", "the same seed gives the same picture"),
    "S1.retries": Requirement("S1", "retries overrides the client's retry behaviour"),
    "S1.server_url": Requirement("S1", "server_url per call and per client"),
    "S1.result": Requirement("S1", "the answer is ContainerImageGenerateSuccess"),
    "S1.errors": Requirement("S1", "4XX and 5XX raise SDKError with status, body and headers"),
    "S5.fields": Requirement("S5", "ContainerImageGenerationBody has every field of the table"),
    "S5.requiredness": Requirement("S5", "explicit and omitted defaults are both accepted"),
    # --- S2, S3: the SDK against dedicated endpoints
    "S2.generate": Requirement("S2", "dedicated.image.generate, the example call"),
    "S2.model": Requirement("S2", "model is ENDPOINT or ENDPOINT:ADAPTER"),
    "S2.team": Requirement("S2", "x_friendli_team names the team"),
    "S2.formats": Requirement("S2", "url, raw, png, jpeg and jpg"),
    "S3.generate": Requirement("S3", "steps default to 20; control_images, controlnet_weights"),
    "S3.edit": Requirement("S3", "dedicated.image.edit with one picture or a list"),
    "gateway.dev": Requirement(
        "issue 7.1", "serve --dev prints a program that makes a picture as it stands"
    ),
    "gateway.many": Requirement(
        "issue 7.9", "gateway processes on one PostgreSQL are one, also while it is away"
    ),
    "gateway.contract": Requirement("issue 7", "whatever is sent is answered as declared"),
    "gateway.s3": Requirement("issue 7.6", "pictures in an S3-compatible store, signed by it"),
    "gateway.replicas": Requirement(
        "issue 7.5", "replicas killed or replaced under load: no client sees an error"
    ),
    "gateway.cluster": Requirement(
        "issue 10", "replicas on a Ray cluster outlive gateways; lost nodes cost no client an error"
    ),
    "gateway.tenancy": Requirement("issue 7.3", "another team's things look like missing ones"),
    "gateway.quotas": Requirement("issue 7.7", "quotas by team, exact, and each by its name"),
    "gateway.mask": Requirement(
        "issues 5.1, 7.2", "a mask passes through an endpoint, from OpenAI's form and from JSON"
    ),
    "gateway.disk": Requirement(
        "issue 7.6", "a full disk is a 503 and leaves nothing half-written"
    ),
    "sdk.mask": Requirement(
        "issue 5.1", "edits of container and endpoints take a mask like any other picture"
    ),
    "docs.live": Requirement(
        "issue 6.10", "every documented example draws with Postcard, container and gateway"
    ),
    "gateway.fair": Requirement(
        "issue 7.7", "a team that floods the gateway keeps nobody else waiting"
    ),
    "gateway.metrics": Requirement("issue 7.8", "metrics and a log line per request, no secrets"),
    "stream.gateway": Requirement(
        "issues 6.8, 7.2", "an endpoint's picture can be watched as it comes, and left"
    ),
    "openai.gateway": Requirement(
        "issue 7.2", "OpenAI's client generates, edits and streams at …/dedicated/v1"
    ),
    "cluster.kubernetes": Requirement(
        "issue 10.4", "Helm renders the chart, and Kubernetes' schemas take all of it"
    ),
    "cluster.kuberay": Requirement(
        "issue 10.4", "the Ray cluster for replicas has fields and pods that there are"
    ),
    # --- S4: the container's REST contract
    "S4.schema": Requirement("S4", "the served OpenAPI equals the seed's, field by field"),
    "S4.generate": Requirement("S4", "POST /v1/images/generations really generates"),
    "S4.steps": Requirement("S4", "steps 1..50, default 20; outside: 422"),
    "S4.guidance": Requirement("S4", "guidance_scale defaults to 0 and changes the picture"),
    "S4.seed": Requirement("S4", "seed is an integer or null; one is drawn and reported if absent"),
    "S4.response_format": Requirement("S4", "raw and jpeg, default jpeg; anything else: 422"),
    "S4.model": Requirement("S4", "an unknown adapter route is refused by name"),
    "S4.control": Requirement("S4", "control_images and controlnet_weights steer"),
    "S4.edit": Requirement("S4", "edits of one picture or several, as JSON or as a form"),
    "S4.mask": Requirement("S4", "a mask says what of a picture is painted anew, and what stays"),
    "S4.models": Requirement("S4", "the list of models says what each can do"),
    "S4.clients": Requirement("S4", "openai-python, openai-node, the AI SDK and Hugging Face's"),
    "S4.hostile": Requirement("S4", "hostile requests are refused by name and reach nobody"),
    "S4.described": Requirement("S4", "whatever is sent is answered as the OpenAPI declares"),
    "S4.observed": Requirement("S4", "metrics, logs and traces tell of work, never of words"),
    "S4.faults": Requirement("S4", "faults around a container cost no more than they must"),
    "S4.soak": Requirement("S4", "memory, descriptors and threads stay flat"),
    "S4.errors": Requirement("S4", "422 with one envelope that names the field; strict JSON types"),
    "S4.port": Requirement("S4", "the container listens on port 8000 by default"),
    "S4.cancel": Requirement("S4", "a client that leaves frees its place within one step"),
    "S4.health": Requirement("S4", "health: live at once, ready when the model is"),
    # --- the house
    "design.contracts": Requirement("DESIGN §2", "import contracts hold and notice a breach"),
    "design.lazy": Requirement("DESIGN §2", "neither SDK nor server loads torch"),
    "engine.weave": Requirement(
        "DESIGN §3", "stock pipelines share forwards, equal to running alone"
    ),
    "engine.reproducible": Requirement("DESIGN §5", "same seed, same bytes, whatever else runs"),
    "engine.isolation": Requirement("DESIGN §3", "a failing request fails alone"),
    "engine.cancel": Requirement("DESIGN §3", "cancelling takes effect within one step"),
    "engine.exclusive": Requirement("DESIGN §3", "an exclusive request runs alone, in its turn"),
    "engine.mixes": Requirement(
        "DESIGN §3", "in any mix of requests bystanders' bytes are unchanged"
    ),
    "engine.refusals": Requirement(
        "DESIGN §3", "what no family can do is refused at submit, by field"
    ),
    "engine.eta": Requirement("DESIGN §3", "predictions from submission on, with their error"),
    "engine.memory": Requirement("DESIGN §3", "requests are admitted by measured bytes"),
    "engine.worker": Requirement("DESIGN §3", "the engine runs in a process of its own"),
    "engine.orphans": Requirement("DESIGN §3", "no worker outlives the process that started it"),
    "engine.adapters": Requirement(
        "DESIGN §3", "adapters come and go while requests run, within a memory budget"
    ),
    "engine.caches": Requirement("DESIGN §3", "a prompt is read once, and no bit changes"),
    "engine.hub": Requirement(
        "issue 4.2", "a hub id is fetched once, pinned by its revision, and found without the hub"
    ),
    "weights.store": Requirement(
        "issue 10.2", "model, adapters and ControlNets come from a store, once for each machine"
    ),
    "weights.verified": Requirement(
        "issue 10.2", "what differs from its sha256 is named and never used"
    ),
    "weights.pin": Requirement(
        "issue 10.2", "a place is pinned by a digest, and then the cache is enough"
    ),
    "weights.faults": Requirement(
        "issue 10.2", "a store that stumbles or breaks off is asked again"
    ),
    "weights.hostile": Requirement("issue 10.2", "no list of files leads out of its folder"),
    "adapters.hot": Requirement(
        "issue 10.2", "an adapter in the folder is served, replaced and let go without a restart"
    ),
    "adapters.gateway": Requirement(
        "issue 10.2", "an adapter put where its model's are is asked for at every endpoint of it"
    ),
    "weights.phase": Requirement("issue 10.2", "an endpoint says that its weights are on the way"),
    "engine.loading": Requirement("DESIGN §3", "what is wrong with a model is named"),
    "postcard.ships": Requirement(
        "DESIGN §1", "a trained model ships inside and loads in stock diffusers"
    ),
    "postcard.one-step": Requirement("issue 3", "one step shows what ten steps make"),
    "postcard.outlines": Requirement("issue 3", "a picture follows the outlines that are given"),
    "playground.page": Requirement("DESIGN §1", "the page makes, compares and cancels pictures"),
    "bench.floor": Requirement(
        "issue 8", "shared forwards stay ahead of plain diffusers, with its bytes"
    ),
    "cli.light": Requirement("issue 9", "`friendli --help` loads none of what verbs need"),
    "cli.generate": Requirement("issue 9", "a prompt becomes a file whose path is printed"),
    "cli.gateway": Requirement(
        "issue 9", "a dedicated endpoint is asked with --server …/dedicated"
    ),
    "cli.embedded": Requirement("issue 9", "without a server the embedded model is used and said"),
    "cli.errors": Requirement("issue 9", "errors say what, why and the next command"),
    "cli.terminal": Requirement("issue 9", "steps and the picture are seen in the terminal"),
    "cli.cancel": Requirement("issue 9", "Ctrl-C stops the work on the server"),
    "cli.history": Requirement("issue 9", "every picture is kept, listed, made again, deleted"),
    "cli.doctor": Requirement("issue 9", "every finding of the doctor has its fix"),
    "mcp.tools": Requirement("issue 9", "an MCP client makes and edits pictures over stdio"),
    "playground.edit": Requirement("issue 9", "the page edits, and shows before and after"),
    "playground.mask": Requirement(
        "issue 5.1", "a mask is painted on the page, or chosen as a file"
    ),
    "playground.control": Requirement("issue 9", "a dropped picture's edges steer"),
    "playground.history": Requirement("issue 9", "the page's pictures are in `friendli history`"),
    "playground.room": Requirement("issue 9", "the engine room shows rows per forward"),
    "playground.gateway": Requirement("issue 9", "the gateway serves the page for its endpoints"),
    "docs.site": Requirement("issue 9", "the documentation site builds without a warning"),
    "demo.offline": Requirement("DESIGN §5", "./x demo works end to end without a download"),
}
