"""What to register with Civitai."""

import json

import typer

from archive import access
from cli import failures, machine


def run(source: str | None) -> None:
    """Print the callback URL and the `callbacks` entry of each secret, or of the one that is named."""
    config = machine.read_settings()
    public_url = config.required_public_url()
    secrets = [secret for secret in config.required_callback_secrets() if source in (None, secret.source)]
    if not secrets:
        raise failures.CommandFailed(f"CALLBACK_SECRETS has no secret named {source!r}.", exit_code=failures.USAGE)
    for secret in secrets:
        url = access.callback_url(public_url, secret)
        typer.echo(f"{secret.source}\n  {url}\n")
        entry = json.dumps({"callbacks": [access.callbacks_entry(url)]}, indent=2)
        typer.echo("".join(f"  {line}\n" for line in entry.splitlines()))
