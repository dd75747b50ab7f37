"""A worker as a process."""

from arq.worker import Worker

from archive import logs
from cli import machine
from worker.main import worker_settings


def run() -> None:
    """Work until SIGTERM or Ctrl-C, then finish or release what was begun. Losing Redis ends it."""
    logs.configure()
    Worker(**worker_settings(machine.read_settings())).run()
