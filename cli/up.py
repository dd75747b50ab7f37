"""Everything on one machine, as a service."""

import asyncio
import os

import structlog

from archive import logs, settings
from cli import signals, stack

log = structlog.get_logger()


def run(host: str, port: int | None) -> None:
    """Run until SIGTERM or Ctrl-C, then drain: the receiver first, then the worker, then the servers."""
    logs.configure()
    config = settings.read(os.environ)
    config.required_api_token()
    config.required_callback_secrets()
    signals.run(_run(config, host, config.receiver_port if port is None else port))
    log.info("down")


async def _run(config: settings.Settings, host: str, port: int) -> None:
    gateway_port = config.gateway.port
    async with stack.running(config, os.environ, host=host, port=port, gateway_port=gateway_port):
        log.info(
            "up",
            receiver=f"http://{host}:{port}/callbacks",
            gateway=f"http://{stack.PRIVATE}:{gateway_port}",
            mcp=f"http://{stack.PRIVATE}:{config.gateway.mcp_port}/mcp",
            home=str(config.home),
            storage=config.storage_url,
        )
        try:
            await asyncio.Event().wait()
        finally:
            log.info("draining")
