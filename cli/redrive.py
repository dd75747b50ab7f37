"""What was given up is tried again because a person asks for it."""

import asyncio

import typer

from archive import database, redrive
from cli import failures, machine

NAME = "civitai-archive redrive"


def run(choice: redrive.Choice, *, dry_run: bool) -> None:
    """Make it due, or count it with `dry_run`, and say how much it is. Raises CommandFailed."""
    if choice.is_empty:
        sentence = "say what to redrive: --workflow ID, --blob ID, --dead, --since WHEN or --reason TEXT."
        raise failures.CommandFailed(sentence, exit_code=failures.USAGE)
    database_url = machine.read_settings().required_database_url()
    redriven = asyncio.run((_count if dry_run else _make_due)(database_url, choice))
    if redriven == redrive.Redriven(0, 0):
        named = choice.workflow_id or choice.blob_id
        if named is not None:
            sentence = f"nothing of {named!r} matches: there is no such row, or it is not dead, withheld or gone."
            raise failures.CommandFailed(sentence, exit_code=failures.NOT_FOUND)
    told = f"{_counted(redriven.workflows, 'workflow')}, and {_counted(redriven.results, 'result')} not stored so far"
    typer.echo(f"{told}: {'would be due again' if dry_run else 'due again, and tried when a worker is free'}.")


async def _count(database_url: str, choice: redrive.Choice) -> redrive.Redriven:
    async with database.connect_once(database_url, application_name=NAME) as connection:
        return await redrive.count(connection, choice)


async def _make_due(database_url: str, choice: redrive.Choice) -> redrive.Redriven:
    """A transaction for each batch, so that the receiver and the workers never wait for long."""
    engine = database.create_engine(database_url, application_name=NAME, pool_size=1)
    total, last = redrive.Redriven(0, 0), ""
    try:
        while True:
            async with engine.begin() as connection:
                workflow_ids = await redrive.chosen(connection, choice, after=last)
                if not workflow_ids:
                    return total
                total += await redrive.make_due(connection, choice, workflow_ids)
                last = workflow_ids[-1]
    finally:
        await engine.dispose()


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
