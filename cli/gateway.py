"""The gateway as a process."""

from contextlib import ExitStack

import uvicorn

from archive import logs
from cli import listening, machine, schema, serving
from gateway import metrics
from gateway.app import create_app


def run(host: str, port: int | None, mcp_port: int | None) -> None:
    """Serve on both ports until SIGTERM or Ctrl-C, then answer what was accepted and end."""
    logs.configure()
    config = machine.read_settings()
    app = create_app(config)
    schema.check(config.required_database_url())
    serving.end_at_signals()
    with ExitStack() as stack:
        port = config.gateway.port if port is None else port
        listener = stack.enter_context(listening.listen(host, port, variable="GATEWAY_PORT"))
        port = config.gateway.mcp_port if mcp_port is None else mcp_port
        for_mcp = stack.enter_context(listening.listen(host, port, variable="MCP_PORT", option="--mcp-port"))
        serving.serve_metrics(metrics.serve, config.gateway.metrics, variable="GATEWAY_METRICS")
        uvicorn.Server(serving.configuration(lambda: app)).run(sockets=[listener, for_mcp])
