"""A worker as a process."""

import asyncio

import uvloop
from arq.worker import Worker

from archive import logs
from cli import garbage, machine, schema
from worker.main import worker_settings


def run() -> None:
    """Work until SIGTERM or Ctrl-C, then finish or release what was begun. Losing Redis ends it."""
    logs.configure()
    config = machine.read_settings()
    arq_settings = worker_settings(config)
    schema.check(config.required_database_url())
    garbage.collect_less(after=50_000)
    asyncio.set_event_loop(uvloop.new_event_loop())  # which arq takes
    Worker(**arq_settings).run()
