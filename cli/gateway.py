"""The gateway as a process."""

import signal
import sys
from contextlib import ExitStack

import structlog
import uvicorn

from archive import logs, settings
from cli import listening, machine, request_heads, schema
from gateway import metrics
from gateway.app import create_app

DRAIN_SECONDS = 10
CONNECTIONS = 1000
"""Open at once; one more is answered 503."""

log = structlog.get_logger()


def run(host: str, port: int | None, mcp_port: int | None) -> None:
    """Serve on both ports until SIGTERM or Ctrl-C, then answer what was accepted and end."""
    logs.configure()
    config = machine.read_settings()
    app = create_app(config)
    schema.check(config.required_database_url())
    # Uvicorn drains at these signals, and then raises them once more for whoever had them before.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: sys.exit(0))
    with ExitStack() as stack:
        port = config.gateway.port if port is None else port
        listener = stack.enter_context(listening.listen(host, port, variable="GATEWAY_PORT"))
        port = config.gateway.mcp_port if mcp_port is None else mcp_port
        for_mcp = stack.enter_context(listening.listen(host, port, variable="MCP_PORT", option="--mcp-port"))
        _serve_metrics(config)
        served = uvicorn.Config(
            app,
            http=request_heads.Connection,
            limit_concurrency=CONNECTIONS,
            log_config=None,
            access_log=False,  # it prints signatures; the gateway has a line of its own for each request
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=DRAIN_SECONDS,
            ws="none",
        )
        uvicorn.Server(served).run(sockets=[listener, for_mcp])


def _serve_metrics(config: settings.Settings) -> None:
    host, port = config.gateway.metrics
    try:
        metrics.serve(host, port)
    except OSError as error:
        log.error("no metrics: GATEWAY_METRICS cannot be listened on", address=f"{host}:{port}", error=error.strerror)
