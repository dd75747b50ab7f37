"""The whole way of a dozen workflows: submitted to a stand-in, called back, fetched, kept, compared."""

import asyncio
import contextlib
import logging
import os
import socket
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.live import Live
from sqlalchemy.ext.asyncio import AsyncEngine

from archive import access, database, logs, settings
from cli import demo_home, demo_report, failures, signals, stack
from orchestration.client import Client
from orchestration.wire import JsonObject
from sandbox.server import Sandbox

PATIENCE_SECONDS = 45.0
GLANCE_SECONDS = 0.15

STEPS: Sequence[tuple[str, JsonObject]] = (
    ("imageGen", {"engine": "flux", "prompt": "a lighthouse in fog", "quantity": 4}),
    ("textToImage", {"prompt": "two cats on a sofa", "quantity": 2}),
    ("videoGen", {"engine": "kling", "prompt": "waves at dusk"}),
    ("textToSpeech", {"text": "Good evening."}),
    ("aceStepAudio", {"prompt": "a slow waltz"}),
    ("training", {"engine": "kohya", "epochs": 2}),
    ("polyGen", {"prompt": "a teapot"}),
    ("videoFrameExtraction", {"frameRate": 1}),
    ("customComfy", {"workflow": {}}),
    ("imageToSvg", {"prompt": "a fern"}),
    ("videoUpscaler", {"scaleFactor": 2}),
    ("chatCompletion", {"messages": [{"role": "user", "content": "What is Buzz?"}]}),
)
"""What is submitted: a workflow of one step for each of these types, with its input."""


def run(*, keep: bool) -> None:
    """Run the demo and stop all that it started, however it ends. Raises CommandFailed unless every digest is right.

    With `keep` a signal is how it is meant to end.
    """
    logs.configure(level=logging.WARNING)
    home = settings.read(_of_home(os.environ)).home / "demo"
    demo_home.clear(home)
    if number := signals.run(_run(home, keep=keep)):
        sentence = "the demo was interrupted; everything that it had started is stopped."
        raise failures.CommandFailed(sentence, exit_code=128 + number)


async def _run(home: Path, *, keep: bool) -> None:
    console = Console(highlight=False)
    async with Sandbox() as sandbox:
        port = _free_port()
        environment = _environment(home, sandbox, port)
        config = settings.read(environment)
        console.print("Starting PostgreSQL, Valkey, a stand-in for Civitai, the receiver and a worker …", style="dim")
        async with stack.running(
            config,
            _without_settings(os.environ) | environment,
            host="127.0.0.1",
            port=port,
            log_directory=home / "logs",
        ) as addresses:
            engine = database.create_engine(addresses.database_url, application_name="civitai-archive demo")
            try:
                await _show(console, config, engine, sandbox)
            finally:
                await engine.dispose()
            demo_report.tell_what_next(console, home, config, kept=keep)
            if keep:
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.Event().wait()


async def _show(console: Console, config: settings.Settings, engine: AsyncEngine, sandbox: Sandbox) -> None:
    """Submit, watch, compare. Raises CommandFailed when something is missing or wrong."""
    callback = access.callbacks_entry(
        access.callback_url(config.required_public_url(), config.required_callback_secrets()[0])
    )
    async with Client(config.api_url, sandbox.token) as civitai:
        submitted = [
            await civitai.submit({"steps": [{"$type": kind, "input": given}], "callbacks": [callback]})
            for kind, given in STEPS
        ]
    types = {document["id"]: kind for document, (kind, _) in zip(submitted, STEPS, strict=True)}
    began = time.monotonic()
    with Live(console=console, auto_refresh=False, transient=True) as live:
        while True:
            progress = await demo_report.progress(engine, types)
            live.update(demo_report.picture(progress, time.monotonic() - began), refresh=True)
            if all(line.archived for line in progress) or time.monotonic() - began > PATIENCE_SECONDS:
                break
            await asyncio.sleep(GLANCE_SECONDS)
    console.print(demo_report.picture(progress, time.monotonic() - began))
    await demo_report.compare(console, config, engine, sandbox)
    if not all(line.archived for line in progress):
        raise failures.CommandFailed(f"not everything was archived within {PATIENCE_SECONDS:.0f} seconds.")


def _environment(home: Path, sandbox: Sandbox, port: int) -> dict[str, str]:
    return {
        "ARCHIVE_HOME": str(home),
        "BLOB_ALLOW_PRIVATE": "true",
        "CALLBACK_SECRETS": "demo:a-secret-for-the-demo-alone",
        "CIVITAI_API_TOKEN": sandbox.token,
        "CIVITAI_API_URL": sandbox.api_url,
        "DATABASE_URL": "",
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
        "REDIS_URL": "",
        "STORAGE_URL": (home / "storage").as_uri(),
    }


def _of_home(environment: Mapping[str, str]) -> dict[str, str]:
    """What is said of the home alone: a demo needs no more, and nothing else that is wrong there should stop it."""
    return {name: value for name, value in environment.items() if name.removesuffix("_FILE") == "ARCHIVE_HOME"}


def _without_settings(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment without what is said there for the archive proper."""
    return {name: value for name, value in environment.items() if name.removesuffix("_FILE") not in settings.EXAMPLES}


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
