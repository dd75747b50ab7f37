"""The stand-in orchestrator as a process."""

import json

import typer

from cli import failures, signals
from sandbox import faults, server


def run(
    *, api_port: int, blob_port: int, token: str, manager_token: str, url_lifetime: float, faults: str, seed: int
) -> None:
    """Serve until SIGTERM or Ctrl-C. Raises CommandFailed for a taken port, or `faults` that are no JSON of ours."""
    serving = server.serve(
        api_port=api_port,
        blob_port=blob_port,
        token=token,
        manager_token=manager_token,
        url_lifetime=url_lifetime,
        faults=_faults(faults),
        seed=seed,
        on_ready=_tell,
    )
    try:
        signals.run(serving)
    except server.SandboxError as error:
        raise failures.CommandFailed(str(error)) from error


def _faults(written: str) -> dict[str, object]:
    try:
        wishes: dict[str, object] = json.loads(written)
        faults.parse(wishes)
    except json.JSONDecodeError:
        raise failures.CommandFailed(
            '--faults cannot be read: write JSON such as {"truncate": 0.1}.', exit_code=failures.USAGE
        ) from None
    except ValueError as error:
        raise failures.CommandFailed(f"--faults cannot be played: {error}", exit_code=failures.USAGE) from error
    return wishes


def _tell(sandbox: server.Sandbox) -> None:
    typer.echo("The stand-in orchestrator is up. To work against it:\n")
    typer.echo(f"  export CIVITAI_API_URL={sandbox.api_url}")
    typer.echo(f"  export CIVITAI_API_TOKEN={sandbox.token}")
    typer.echo("  export BLOB_ALLOW_PRIVATE=true\n")
    typer.echo(f"For a manager's calls the token is {sandbox.manager_token}.")
    typer.echo(
        f"Its blobs are at {sandbox.blob_url}, what it did at {sandbox.api_url}/sandbox/workflows. Ctrl-C ends it."
    )
