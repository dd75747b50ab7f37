"""The receiver as a process, or as several that share its port."""

import functools
import gc
import os
import signal
import socket
import sys
import tempfile

import structlog
import uvicorn
from starlette.applications import Starlette
from uvicorn.supervisors import Multiprocess

from archive import logs, settings
from cli import failures, listening, machine, processes, request_heads, schema
from receiver import metrics
from receiver.app import create_app

DRAIN_SECONDS = 10
CONNECTIONS = 1000
"""Open at once in one process; one more is answered 503."""

log = structlog.get_logger()


def run(host: str, port: int | None, workers: int) -> None:
    """Serve until SIGTERM or Ctrl-C, then answer what was accepted and end."""
    logs.configure()
    config = machine.read_settings()
    create_app(config)  # which says what is missing in the settings
    schema.check(config.required_database_url())
    _check_home(config)
    # Uvicorn drains at these signals, and then raises them once more for whoever had them before.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: sys.exit(0))
    with listening.listen(host, config.receiver_port if port is None else port) as listener:
        if workers == 1:
            _collect_less()
            _serve_metrics(config)
            uvicorn.Server(_uvicorn(functools.partial(create_app, config))).run(sockets=[listener])
        else:
            _share(config, listener, workers)


def _share(config: settings.Settings, listener: socket.socket, workers: int) -> None:
    """Several processes on one port, each started again when it ends; their metrics are added up here."""
    with tempfile.TemporaryDirectory(prefix="civitai-archive-metrics-") as directory:
        os.environ[metrics.DIRECTORY] = directory
        _serve_metrics(config)
        Multiprocess(_uvicorn(functools.partial(_worker_app, config), workers), [listener]).run()


def _worker_app(config: settings.Settings) -> Starlette:
    processes.end_with_parent()
    logs.configure()
    _collect_less()
    return create_app(config)


def _uvicorn(app: functools.partial[Starlette], workers: int = 1) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        factory=True,
        http=request_heads.Connection,
        limit_concurrency=CONNECTIONS,
        log_config=None,
        access_log=False,
        proxy_headers=False,  # we believe the proxies that TRUSTED_PROXIES names
        server_header=False,
        timeout_graceful_shutdown=DRAIN_SECONDS,
        workers=workers,
        ws="none",
    )


def _serve_metrics(config: settings.Settings) -> None:
    host, port = config.receiver_metrics
    try:
        metrics.serve(host, port)
    except OSError as error:
        # Callbacks come all the same, and they matter more.
        log.error("no metrics: RECEIVER_METRICS cannot be listened on", address=f"{host}:{port}", error=error.strerror)


def _collect_less() -> None:
    """Look for garbage less often: a body makes a hundred short-lived containers. Measured, this is worth 5 %."""
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


def _check_home(config: settings.Settings) -> None:
    try:
        (config.home / "spool").mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=config.home / "spool"):
            pass
    except OSError as error:
        raise failures.CommandFailed(
            f"{config.home} cannot hold the spool ({error.strerror}): "
            "make it a directory that you may write, or set ARCHIVE_HOME to another one."
        ) from error
