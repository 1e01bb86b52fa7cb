"""What a container would need here: its ports, the model inside.

Findings are `(level, what, found, fix)`, with a level of `ok`, `note` or `fault`.
"""

from __future__ import annotations

import friendli_postcard
from pydantic import ValidationError

from friendli_server.container.serve import listen
from friendli_server.settings import ContainerSettings

Finding = tuple[str, str, str, str]


def findings() -> list[Finding]:
    """The settings that the environment makes, and whether they could be served."""
    try:
        settings = ContainerSettings()
    except ValidationError as error:
        at = error.errors()[0]
        name = "_".join(map(str, at["loc"])).upper()
        return [("fault", "settings", f"FRIENDLI_{name}: {at['msg']}", f"Correct FRIENDLI_{name}.")]
    return [*_ports(settings), _model()]


def _ports(settings: ContainerSettings) -> list[Finding]:
    wanted = {"port": settings.port, "metrics port": settings.metrics_port}
    return [_port(settings.host, what, port) for what, port in wanted.items() if port is not None]


def _port(host: str, what: str, port: int) -> Finding:
    try:
        listen(host, port).close()
    except OSError as error:
        flag = f"--{what.replace(' ', '-')} 0"
        fix = f"If that is not your server: friendli serve {flag} takes a free one."
        return "note", what, f"{host}:{port}: {error.strerror}", fix
    return "ok", what, f"{host}:{port} is free", ""


def _model() -> Finding:
    model = friendli_postcard.path()
    weights = model / "transformer" / "diffusion_pytorch_model.safetensors"
    if not weights.is_file() or weights.stat().st_size < 2**20:
        fix = "pip install --force-reinstall friendli-image-postcard"
        return "fault", "model", f"{weights} is missing or damaged", fix
    size = sum(path.stat().st_size for path in model.rglob("*") if path.is_file())
    return "ok", "model", f"Postcard, {size / 2**20:.0f} MiB, at {model}", ""
