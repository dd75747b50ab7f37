"""The receiver as a process."""

import socket

import uvicorn

from archive import logs
from cli import failures, machine
from receiver.app import create_app

DRAIN_SECONDS = 10


def run(host: str, port: int | None) -> None:
    """Serve until SIGTERM or Ctrl-C, then answer what was accepted and end."""
    logs.configure()
    config = machine.read_settings()
    app = create_app(config)
    with _listen(host, config.receiver_port if port is None else port) as listener:
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


def _listen(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise failures.CommandFailed(
            f"cannot listen on {host} port {port} ({error.strerror}): "
            "free it, or choose another with --port or RECEIVER_PORT."
        ) from error
