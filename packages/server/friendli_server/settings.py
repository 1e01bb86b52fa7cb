"""How a container is run: one class; every field is a flag, a variable and a TOML key.

Precedence: flag, `FRIENDLI_…` environment variable, TOML file, default. `options.py` makes the
flags. Knows nothing about what the settings do.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, SecretStr, field_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from friendli_server.logs import LogFormat

HARD_CODED = ["(adapter-route)", "chatgpt-image-latest", "dall-e-2", "dall-e-3"]
HARD_CODED += [f"gpt-image-{kind}" for kind in ("1", "1-mini", "1.5", "2")]
"""Names that clients have in their code (and the documentation in its example)."""


def _items(given: object) -> object:
    """`a,b` from a variable, or a list from a flag or a file."""
    if isinstance(given, str):
        return [part for part in given.split(",") if part]
    return given


def _pairs(given: object) -> object:
    """`NAME=PATH` pairs, or a table from a file."""
    parts = _items(given)
    if isinstance(parts, Mapping) or not isinstance(parts, Iterable):
        return parts
    pairs = [str(part).partition("=") for part in parts]
    if not all(name and path for name, _, path in pairs):
        raise ValueError("must be NAME=PATH")
    return {name: path for name, _, path in pairs}


Names = Annotated[list[str], NoDecode, BeforeValidator(_items)]
Paths = Annotated[dict[str, str], NoDecode, BeforeValidator(_pairs)]


def _field(
    default: Any, description: str, panel: str, *, metavar: str | None = None, **more: Any
) -> Any:
    extra: dict[str, Any] = {"panel": panel, "metavar": metavar}
    return Field(default=default, description=description, json_schema_extra=extra, **more)


_MODEL, _NET, _LIMITS, _SAFETY = "Model", "Network", "Limits", "Who may do what"


class ContainerSettings(BaseSettings):
    """Settings of `friendli serve`."""

    model_config = SettingsConfigDict(env_prefix="FRIENDLI_", extra="forbid", frozen=True)

    model: str = _field(
        "postcard",
        "Model directory, hub id, place in a store, or postcard, the one inside.",
        _MODEL,
    )
    adapter: Paths = _field(
        {}, "A LoRA file and the name that requests call it by.", _MODEL, metavar="ROUTE=PATH"
    )
    controlnet: Paths = _field(
        {}, "A ControlNet; control images follow their order.", _MODEL, metavar="NAME=PATH"
    )
    adapter_dir: str = _field(
        "", "A folder or place whose ROUTE.safetensors are served as they come and go.", _MODEL
    )
    adapter_seconds: float = _field(5.0, "Time between two looks at it.", _MODEL, gt=0)
    alias: Names = _field(HARD_CODED, "Further names of the base model.", _MODEL, metavar="NAME")
    size: str = _field(
        "model", "Size of pictures when a request names none.", _MODEL, metavar="WxH|model"
    )
    device: str = _field("auto", "auto, cpu, cuda or cuda:N.", _MODEL)
    dtype: str = _field("auto", "auto, float32, bfloat16 or float16.", _MODEL)
    deterministic: bool | None = _field(
        None, "Same seed, same bytes, whatever else runs (always so on a CPU).", _MODEL
    )
    spare: bool = _field(
        default=True,
        description="Keep a second engine process ready to replace one that is lost.",
        panel=_MODEL,
    )
    metadata: bool = _field(
        default=True, description="Write prompt, seed and steps into the pictures.", panel=_MODEL
    )

    host: str = _field("127.0.0.1", "Address to listen on; 0.0.0.0 for all.", _NET)
    port: int = _field(8000, "Port to listen on; 0 takes a free one.", _NET, ge=0, le=65535)
    log_format: LogFormat = _field(
        "auto", "json, text, or auto: text on a terminal.", _NET, metavar="auto|json|text"
    )
    metrics_port: int | None = _field(
        8281, "Port of /metrics on the same address; 0 takes a free one.", _NET, ge=0, le=65535
    )

    max_queue: int = _field(256, "Pictures at once, waiting ones included.", _LIMITS, ge=1)
    max_per_client: int | None = _field(
        None, "Pictures at once of one client; by default half of the queue.", _LIMITS, ge=1
    )
    drain_seconds: float = _field(30.0, "Time to finish after SIGTERM.", _LIMITS, ge=0)
    watchdog_seconds: float = _field(
        120.0, "Silence after which the engine counts as hung and is started anew.", _LIMITS, gt=0
    )

    api_key: Annotated[list[SecretStr], NoDecode, BeforeValidator(_items)] = _field(
        [], "A key that requests must bear; none: everybody may ask.", _SAFETY, metavar="KEY"
    )
    image_urls: bool = _field(
        default=True, description="Fetch pictures that requests name by URL.", panel=_SAFETY
    )
    allow_image_host: Names = _field(
        [], "A private host:port that image URLs may name.", _SAFETY, metavar="HOST:PORT"
    )
    allow_origin: Names = _field(
        [], "A web origin whose pages may call this server.", _SAFETY, metavar="ORIGIN"
    )

    @field_validator("size")
    @classmethod
    def _check_size(cls, size: str) -> str:
        if size != "model" and not re.fullmatch(r"[1-9]\d{0,4}x[1-9]\d{0,4}", size):
            raise ValueError("must be WxH or model")
        return size

    @property
    def sides(self) -> tuple[int, int] | None:
        """Width and height of `size`; None is the model's own."""
        if self.size == "model":
            return None
        width, height = self.size.split("x")
        return int(width), int(height)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Flags, then the environment, then the file."""
        del dotenv_settings, file_secret_settings
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)


def load(flags: Mapping[str, Any], config: Path | None) -> ContainerSettings:
    """The settings from everywhere.

    Raises:
        ValidationError: a value that cannot be, or a key that does not exist.
        OSError: there is no such file.
        TOMLDecodeError: it is no TOML.
    """
    if config:
        config.open().close()  # pydantic-settings ignores a file that is not there

    class Loaded(ContainerSettings):
        model_config = SettingsConfigDict(toml_file=config)

    return Loaded(**flags)
