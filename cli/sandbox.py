"""The stand-in orchestrator as a process."""

import asyncio

import typer

from cli import failures, signals
from sandbox import server


def run(*, api_port: int, blob_port: int, token: str, url_lifetime: float, seed: int) -> None:
    """Serve until SIGTERM or Ctrl-C. Raises CommandFailed when a port is taken."""
    serving = server.serve(
        api_port=api_port, blob_port=blob_port, token=token, url_lifetime=url_lifetime, seed=seed, on_ready=_tell
    )
    try:
        asyncio.run(signals.until_signalled(serving))
    except server.SandboxError as error:
        raise failures.CommandFailed(str(error)) from error


def _tell(sandbox: server.Sandbox) -> None:
    typer.echo("The stand-in orchestrator is up. To work against it:\n")
    typer.echo(f"  export CIVITAI_API_URL={sandbox.api_url}")
    typer.echo(f"  export CIVITAI_API_TOKEN={sandbox.token}")
    typer.echo("  export BLOB_ALLOW_PRIVATE=true\n")
    typer.echo(
        f"Its blobs are at {sandbox.blob_url}, what it did at {sandbox.api_url}/sandbox/workflows. Ctrl-C ends it."
    )
