"""Logs: one line an event with the ids it concerns, never an address with its query, never a secret."""

import asyncio
import io
import logging
import os
import sys
from contextlib import suppress
from typing import TextIO, cast

import structlog


class _Lines(io.TextIOBase):
    """Standard error, for whom a line that cannot be written is lost, and nothing else.

    The disk may be full, or who reads may have gone: whatever was to be logged has to go on.
    """

    def write(self, text: str) -> int:
        """Write it unless it cannot be written."""
        with suppress(OSError, ValueError):
            rest = memoryview(text.encode(errors="backslashreplace"))
            while rest:
                rest = rest[os.write(sys.stderr.fileno(), rest) :]
        return len(text)


def configure(*, for_people: bool | None = None, level: int = logging.INFO) -> None:
    """Log to standard error: readable when it is a terminal, JSON lines otherwise."""
    for_people = sys.stderr.isatty() if for_people is None else for_people
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    rendering: list[structlog.typing.Processor] = [
        structlog.processors.format_exc_info,
        structlog.dev.ConsoleRenderer() if for_people else structlog.processors.JSONRenderer(),
    ]
    lines = cast(TextIO, _Lines())
    # Ours go straight to the stream, in a third of the time that the standard library's way takes.
    structlog.configure(
        processors=[*shared, *rendering],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(lines),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(lines)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *rendering],
        )
    )
    logging.basicConfig(level=level, handlers=[handler], force=True)
    # This one prints whole addresses, query and all,
    logging.getLogger("httpx").setLevel(logging.WARNING)
    # and this one each run of each task, several in a second, of which ours say what came of it.
    logging.getLogger("arq").setLevel(logging.WARNING)
    logging.getLogger("uvicorn.error").addFilter(_is_no_cancellation)
    silence_access_log()


def _is_no_cancellation(record: logging.LogRecord) -> bool:
    """False for the traceback of a request that uvicorn cut off because it ends, which it has said in a line before."""
    return not (record.exc_info and isinstance(record.exc_info[1], asyncio.CancelledError))


def silence_access_log() -> None:
    """Uvicorn's access log prints query strings, and ours holds the secret."""
    access = logging.getLogger("uvicorn.access")
    access.handlers.clear()
    access.propagate = False
    access.disabled = True
