"""The receiver as a process."""

import signal
import sys

import uvicorn

from archive import logs
from cli import listening, machine, schema
from receiver.app import create_app

DRAIN_SECONDS = 10


def run(host: str, port: int | None) -> None:
    """Serve until SIGTERM or Ctrl-C, then answer what was accepted and end."""
    logs.configure()
    config = machine.read_settings()
    app = create_app(config)
    schema.check(config.required_database_url())
    # Uvicorn drains at these signals, and then raises them once more for whoever had them before.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: sys.exit(0))
    with listening.listen(host, config.receiver_port if port is None else port) as listener:
        uvicorn.Server(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                server_header=False,
                ws="none",
                timeout_graceful_shutdown=DRAIN_SECONDS,
            )
        ).run(sockets=[listener])
