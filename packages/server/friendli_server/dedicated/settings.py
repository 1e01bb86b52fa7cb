"""The gateway's settings: flags, `FRIENDLI_DEDICATED_*` variables, defaults for one machine.

Knows nothing of what the settings lead to.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from friendli_server.dedicated.replicas.instances import Instances

DATABASE_URL: Final = r"^(sqlite\+aiosqlite:///|postgresql\+asyncpg://)."
"""What the database's address begins with: the drivers that there are."""
_NameAndUrl = Annotated[str, Field(pattern=r"^[^=]+=https?://.")]


def _is_instance(text: str) -> str:
    Instances.parse([text])
    return text


_Launcher = Annotated[str, Field(pattern=r"^(local|ray://.+)$")]
_NamedInstance = Annotated[str, Field(pattern=r"^[^=]+=."), AfterValidator(_is_instance)]
_NameAndPlace = Annotated[str, Field(pattern=r"^[^=]+=.")]


class GatewaySettings(BaseSettings):
    """One process of the gateway."""

    model_config = SettingsConfigDict(
        env_prefix="FRIENDLI_DEDICATED_",
    )

    dev: bool = Field(
        default=False,
        description="Make a team, a token and an endpoint, say how to use them; implies --migrate.",
    )
    migrate: bool = Field(default=False, description="Bring the database up to date first.")

    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=8080, ge=0, le=65535, description="Port to listen on.")
    public_url: str = Field(
        default="", description="Where clients reach the service; default: the socket."
    )
    database: str = Field(
        default="sqlite+aiosqlite:///friendli-dedicated.db",
        pattern=DATABASE_URL,
        description="sqlite+aiosqlite:///FILE or postgresql+asyncpg://USER@HOST/NAME.",
    )
    results: str = Field(
        default="friendli-results", description="A folder, s3://…, gs://…, az://… or memory:///."
    )
    presign: bool = Field(
        default=True, description="Whether a store that can sign links does; else the gateway."
    )
    link_secret: str = Field(
        default="", description="Signs result links; default: one in the database."
    )
    link_seconds: int = Field(default=3600, ge=1, le=604800, description="Life of a result link.")
    url_format: Literal["jpeg", "png"] = Field(
        default="jpeg", description="Format behind a result link."
    )
    retention_hours: float = Field(default=24.0, gt=0, description="How long pictures are kept.")
    replica: list[_NameAndUrl] = Field(
        default=[],
        description="MODEL=URL of a running container; given once or more, none are started here.",
    )
    offer: list[_NameAndPlace] = Field(
        default=[],
        description="NAME=PATH, NAME=ORG/MODEL, NAME=s3://…: a model or adapter for endpoints.",
    )
    adapter_dir: list[_NameAndPlace] = Field(
        default=[],
        description="MODEL=PATH, MODEL=s3://…: adapters of a model, as they are put there.",
    )
    hub_models: bool = Field(default=False, description="Whether endpoints may name any hub model.")
    launcher: _Launcher = Field(
        default="local",
        description="What runs containers: local, this machine; ray://HOST:PORT, a Ray cluster.",
    )
    instance: list[_NamedInstance] = Field(
        default=[],
        description="NAME=cpus:4,gpus:1,memory:24,accelerator:H100: what a replica of endpoints"
        " with this instanceOptionId takes of a cluster's machine (memory in GiB).",
    )
    tick_seconds: float = Field(
        default=0.25, gt=0, description="How often endpoints are looked after."
    )
    wake_seconds: float = Field(
        default=300.0, gt=0, description="How long a request waits for a replica."
    )
    request_seconds: float = Field(
        default=600.0, gt=0, description="How long a request may take in all."
    )
    work_per_replica: int = Field(
        default=200, ge=1, description="Denoiser steps in flight that one more replica is worth."
    )
    queue_steps: int = Field(
        default=2000, ge=1, description="Denoiser steps in flight that teams have shares of."
    )
    max_body_mib: int = Field(default=72, ge=1, description="Largest request body.")
    metrics_port: int | None = Field(
        default=8282, ge=0, le=65535, description="Port of Prometheus’ /metrics."
    )
    admin: bool | None = Field(
        default=None, description="Serve the admin API; default: only when listening on loopback."
    )
    log_format: Literal["auto", "json", "text"] = Field(
        default="auto", description="auto: JSON off a TTY."
    )

    @property
    def serves_admin(self) -> bool:
        """Whether the admin API is on."""
        loopback = self.host in {"127.0.0.1", "::1", "localhost"}
        return loopback if self.admin is None else self.admin
