"""Services over HTTP, the receiver and the gateway alike: how uvicorn serves them, and how they end."""

import signal
import sys
from collections.abc import Callable

import structlog
import uvicorn
from starlette.applications import Starlette

from cli import request_heads

DRAIN_SECONDS = 10
CONNECTIONS = 1000
"""Open at once in one process; one more is answered 503."""

log = structlog.get_logger()


def configuration(make: Callable[[], Starlette], *, workers: int = 1) -> uvicorn.Config:
    """What uvicorn is to do with the application that `make` gives."""
    return uvicorn.Config(
        make,
        factory=True,
        http=request_heads.Connection,
        limit_concurrency=CONNECTIONS,
        log_config=None,
        access_log=False,  # it prints queries, and secrets and signatures in them
        proxy_headers=False,  # we believe the proxies that TRUSTED_PROXIES names
        server_header=False,
        timeout_graceful_shutdown=DRAIN_SECONDS,
        workers=workers,
        ws="none",
    )


def end_at_signals() -> None:
    """End with exit code 0 at SIGTERM or Ctrl-C: uvicorn drains, and then raises it once more for whoever had it."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: sys.exit(0))


def serve_metrics(serve: Callable[[str, int], None], address: tuple[str, int], *, variable: str) -> None:
    """Serve metrics at the address that the variable gives, or say that there are none: the service matters more."""
    host, port = address
    try:
        serve(host, port)
    except OSError as error:
        sentence = f"no metrics: {variable} cannot be listened on"
        log.error(sentence, address=f"{host}:{port}", error=error.strerror)
