"""The command line on one screen: every command, its options, and where it is done.

Each command imports what it needs when it is called, so that `--help` does not wait for SQLAlchemy.
"""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from cli import tables

app = typer.Typer(
    name="civitai-archive",
    help="Keeps what Civitai's orchestrator delivers: events in PostgreSQL, results on your own storage.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
)

Host = Annotated[str, typer.Option(help="The address to listen on; 0.0.0.0 for every one that this machine has.")]
Port = Annotated[int | None, typer.Option(help="The port to listen on, instead of RECEIVER_PORT.", min=0, max=65535)]


@app.command()
def up(host: Host = "127.0.0.1", port: Port = None) -> None:
    """Run everything on this machine: the receiver, the worker, and PostgreSQL and Valkey unless their URLs are set."""
    from cli import up

    up.run(host, port)


@app.command()
def receiver(
    host: Host = "127.0.0.1",
    port: Port = None,
    workers: Annotated[int, typer.Option(help="Processes that share the port.", min=1, max=64)] = 1,
) -> None:
    """Run the receiver alone: it takes callbacks and stores their events."""
    from cli import receiver

    receiver.run(host, port, workers)


@app.command()
def worker() -> None:
    """Run one worker alone: it fetches what is due and keeps the results. Run as many as you like."""
    from cli import worker

    worker.run()


@app.command()
def migrate() -> None:
    """Bring the database to the newest schema."""
    from cli import migrate

    migrate.run()


@app.command()
def demo(
    keep: Annotated[bool, typer.Option("--keep", help="Leave it running until Ctrl-C, to look around.")] = False,
) -> None:
    """Show the whole way of a dozen workflows on this machine, with a stand-in for Civitai."""
    from cli import demo

    demo.run(keep=keep)


@app.command()
def sandbox(
    api_port: Annotated[int, typer.Option(help="The port of the API; 0 for any.", min=0, max=65535)] = 8900,
    blob_port: Annotated[int, typer.Option(help="The port of the blob host; 0 for any.", min=0, max=65535)] = 8901,
    token: Annotated[str, typer.Option(help="The API token that it takes.")] = "sandbox-token",  # noqa: S107
    url_lifetime: Annotated[float, typer.Option(help="Seconds for which a signed URL is good.", min=0.1)] = 300.0,
    faults: Annotated[
        str, typer.Option(help='What goes wrong how often: \'{"truncate": 0.1, "api_500": 0.05}\'.')
    ] = "{}",
    seed: Annotated[int, typer.Option(help="The same seed and calls give the same blobs and faults.")] = 0,
) -> None:
    """Run the stand-in for Civitai's orchestrator, on loopback; docs/sandbox.md says all that it can play."""
    from cli import sandbox

    sandbox.run(
        api_port=api_port, blob_port=blob_port, token=token, url_lifetime=url_lifetime, faults=faults, seed=seed
    )


@app.command()
def sql(
    query: Annotated[str, typer.Argument(help="One statement; it can read everything and change nothing.")],
    csv: Annotated[bool, typer.Option("--csv", help="Comma-separated values with a header line.")] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Ask the database: civitai-archive sql "SELECT id, status FROM workflows"."""
    from cli import sql

    sql.run(query, _form(csv, json))


@app.command()
def status() -> None:
    """Say how the archive is doing: what is due, what is in the way. Exit code 0 if all is well, 1 if not."""
    from cli import status

    status.run()


@app.command()
def callback_url(
    source: Annotated[str | None, typer.Option(help="Only the secret of this name.")] = None,
) -> None:
    """Print the URL to register with Civitai, secret included, and the callbacks entry to paste."""
    from cli import callback_url

    callback_url.run(source)


def _form(csv: bool, json: bool) -> "tables.Form":
    if csv and json:
        raise typer.BadParameter("choose --csv or --json, not both")
    return "csv" if csv else "json" if json else "table"


quarantine_app = typer.Typer(no_args_is_help=True, help="See and re-read what was delivered and is no event.")
app.add_typer(quarantine_app, name="quarantine")


@quarantine_app.command("list")
def quarantine_list(
    count: Annotated[int, typer.Option(help="How many, newest first.", min=1)] = 20,
    csv: Annotated[bool, typer.Option("--csv", help="Comma-separated values with a header line.")] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """List what is in quarantine, newest first."""
    from cli import quarantine

    quarantine.list_newest(count, _form(csv, json))


@quarantine_app.command("show")
def quarantine_show(delivery_id: Annotated[int, typer.Argument(help="Its id, as list shows it.")]) -> None:
    """Print one delivery: its body, verbatim, to standard output."""
    from cli import quarantine

    quarantine.show(delivery_id)


@quarantine_app.command("reread")
def quarantine_reread(
    delivery_ids: Annotated[list[int] | None, typer.Argument(help="Their ids; all of them if none is given.")] = None,
) -> None:
    """Read them again, after an upgrade perhaps; what is an event by now is recorded as one."""
    from cli import quarantine

    quarantine.reread(delivery_ids or [])


def main() -> None:
    """Run the command that was asked for; what goes wrong ends in one sentence and an exit code that means something.

    0 done, 1 it failed, 2 usage, 3 credentials, 4 not found.
    """
    try:
        app(standalone_mode=True)
    except Exception as error:
        from cli import failures

        failure = failures.explain(error)
        if failure is None:
            raise
        typer.echo(f"civitai-archive: {failure.sentence}", err=True)
        sys.exit(failure.exit_code)


if __name__ == "__main__":
    main()
