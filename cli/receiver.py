"""The receiver as a process, or as several that share its port."""

import functools
import os
import socket
import tempfile

import uvicorn
from starlette.applications import Starlette
from uvicorn.supervisors import Multiprocess

from archive import logs, settings
from cli import failures, garbage, listening, machine, processes, schema, serving
from receiver import metrics
from receiver.app import create_app


def run(host: str, port: int | None, workers: int) -> None:
    """Serve until SIGTERM or Ctrl-C, then answer what was accepted and end."""
    logs.configure()
    config = machine.read_settings()
    create_app(config)  # which says what is missing in the settings
    schema.check(config.required_database_url())
    _check_home(config)
    serving.end_at_signals()
    with listening.listen(host, config.receiver_port if port is None else port) as listener:
        if workers == 1:
            garbage.collect_less()
            _serve_metrics(config)
            uvicorn.Server(serving.configuration(functools.partial(create_app, config))).run(sockets=[listener])
        else:
            _share(config, listener, workers)


def _share(config: settings.Settings, listener: socket.socket, workers: int) -> None:
    """Several processes on one port, each started again when it ends; their metrics are added up here."""
    with tempfile.TemporaryDirectory(prefix="civitai-archive-metrics-") as directory:
        os.environ[metrics.DIRECTORY] = directory
        _serve_metrics(config)
        Multiprocess(serving.configuration(functools.partial(_worker_app, config), workers=workers), [listener]).run()


def _worker_app(config: settings.Settings) -> Starlette:
    processes.end_with_parent()
    logs.configure()
    garbage.collect_less()
    return create_app(config)


def _serve_metrics(config: settings.Settings) -> None:
    serving.serve_metrics(metrics.serve, config.receiver_metrics, variable="RECEIVER_METRICS")


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
