"""Structured logs: one JSON object a line, or readable text on a terminal.

What is logged is named at the call: no bodies, no headers, no query strings. As a second wall,
anything that looks like a token is blotted out here, wherever it came from.
"""

from __future__ import annotations

import logging
import re
import sys
from typing import Final, Literal

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

LogFormat = Literal["auto", "json", "text"]
_SECRET: Final = re.compile(r"fl[pa]_[0-9A-Za-z]+|(?<=Bearer )\S+|signature=[^&\s\"]+")
NOISY: Final = ("httpx2", "httpcore2", "uvicorn.access", "opentelemetry", "alembic")


def configure(log_format: LogFormat) -> None:
    """Send every logger of the process to standard error; `auto` is text on a terminal only."""
    json = log_format == "json" or (log_format == "auto" and not sys.stderr.isatty())
    render: Processor = (
        structlog.processors.JSONRenderer() if json else structlog.dev.ConsoleRenderer()
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter(render))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    for noisy in NOISY:
        logging.getLogger(noisy).setLevel(logging.WARNING)


def formatter(render: Processor) -> structlog.stdlib.ProcessorFormatter:
    """From a standard log record to a line."""
    return structlog.stdlib.ProcessorFormatter(
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            blot_out,
            render,
        ],
        foreign_pre_chain=[
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.stdlib.ExtraAdder(),
            drop_colors,
            structlog.processors.TimeStamper(fmt="iso"),
        ],
    )


def drop_colors(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Leave out uvicorn's second, coloured copy of its message."""
    event.pop("color_message", None)
    return event


def blot_out(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Replace whatever looks like a secret in any text of the event."""
    return {
        key: _SECRET.sub("[secret]", value) if isinstance(value, str) else value
        for key, value in event.items()
    }
