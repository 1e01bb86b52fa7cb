"""How a container is run. One class; `cli.py` makes flags of it.

Knows nothing about what the settings do.
"""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class ContainerSettings(BaseSettings):
    """Settings of `friendli serve`."""

    model_config = SettingsConfigDict(env_prefix="FRIENDLI_", extra="ignore")

    model: str = Field(default="postcard", description="Model directory, hub id, or `postcard`.")
    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=8000, ge=0, le=65535, description="Port; 0 takes a free one.")
    device: str = Field(default="auto", description="auto, cpu, cuda or cuda:N.")
    dtype: str = Field(default="auto", description="auto, float32, bfloat16 or float16.")
    max_queue: int = Field(default=256, ge=1, description="Requests at once; more are refused.")
    drain_seconds: float = Field(default=30.0, ge=0, description="Time for work after SIGTERM.")
    aliases: frozenset[str] = Field(
        default=frozenset(
            {"(adapter-route)", "chatgpt-image-latest", "dall-e-2", "dall-e-3"}
            | {f"gpt-image-{kind}" for kind in ("1", "1-mini", "1.5", "2")}
        ),
        description="Model names that clients hard-code; they mean the base model.",
    )
