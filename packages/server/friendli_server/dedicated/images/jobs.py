"""From a body to a job: who is asked, with which seed, under which name. Pure.

Everything about a job that must be equal when its request is repeated follows from its id: the
seed when none was given, the names of the results, the key the container joins repeats by, the
usage records. The id is random, or, when the client sent an `Idempotency-Key`, a digest of team,
key and body; so any node recognises a repeat without asking another.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import Final

from pydantic import TypeAdapter

from friendli_server.dedicated.images.bodies import Body, PictureFormat
from friendli_server.dedicated.replicas.container import ContainerRequest
from friendli_server.dedicated.usage.services import Job
from friendli_server.errors import ApiError

LARGEST_SEED: Final = 2**53 - 1
_GATEWAYS_OWN: Final = {"model", "response_format", "seed", "stream", "partial_images"}
_JSON: Final = TypeAdapter(dict[str, object])


def job_id(team_id: str, raw: bytes, key: str | None) -> str:
    """The id of the job that a request asks for, 32 hexadecimal digits."""
    if key is None:
        return secrets.token_hex(16)
    digest = hashlib.sha256()
    for part in (team_id.encode(), key.encode(), raw):
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.hexdigest()[:32]


def picture_id(job: Job, index: int) -> str:
    """The name of a job's picture: that of the job, or one that follows from it."""
    return job.id if index == 0 else hashlib.sha256(f"{job.id}/{index}".encode()).hexdigest()[:32]


def split_model(model: str) -> tuple[str, str | None]:
    """`ENDPOINT` or `ENDPOINT:ADAPTER` in two."""
    endpoint_id, colon, adapter = model.partition(":")
    if not endpoint_id or (colon and not adapter):
        raise ApiError("invalid_request", "Must be ENDPOINT or ENDPOINT:ADAPTER.", param="model")
    return endpoint_id, adapter or None


def seed_of(job: Job, body: Body) -> int:
    """The seed asked for, or one that follows from the job's id and fits a JavaScript number."""
    return int(job.id, 16) % (LARGEST_SEED + 1) if body.seed is None else body.seed


def container_request(
    job: Job, body: Body, *, picture_format: PictureFormat, seconds: float, streams: bool
) -> ContainerRequest:
    """What any replica is asked for this job.

    Plain requests speak OpenAI's dialect, which the container knows too and in which one answer
    holds several pictures; guidance that is not named is the model's own in both.
    """
    fields = body.model_dump(exclude=_GATEWAYS_OWN, exclude_none=True)
    fields |= {"seed": seed_of(job, body), "guidance_scale": body.guidance_scale}
    fields |= {"output_format": picture_format}
    fields |= {"stream": True} if streams else {"response_format": "b64_json"}
    if job.adapter is not None:
        fields["model"] = job.adapter
    return ContainerRequest(
        path=f"/v1/images/{job.operation}",
        body=_JSON.dump_json(fields),
        key=_digest(f"{job.team_id}/{job.id}"),
        tenant=_digest(job.team_id)[:32],
        seconds=seconds,
    )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
