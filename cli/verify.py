"""Proof that what is stored is still what it was."""

import asyncio
from collections.abc import Sequence

import typer
from sqlalchemy.ext.asyncio import AsyncEngine

from archive import damage, database, settings
from archive.storage import Storage, object_name, opening
from cli import failures, machine, progress, tables
from worker import recognise_storage, verify_files
from worker import verify as verification

COLUMNS = ("problem", "name", "size", "results", "aside")

Row = tuple[str, str, int | None, int | None, str | None]


def run(*, everything: bool, form: tables.Form) -> None:
    """Look, and print what is wrong. Raises CommandFailed, with exit code 1, if anything is."""
    config = machine.read_settings()
    if not everything and not config.verify_bytes_per_day:
        sentence = "VERIFY_BYTES_PER_DAY is 0, so there is nothing to look at: say --all."
        raise failures.CommandFailed(sentence, exit_code=failures.USAGE)
    wrong, looked_at, due = asyncio.run(_verify(config, everything=everything))
    if wrong or form != "table":
        tables.show(COLUMNS, wrong, form)
    if wrong:
        raise failures.CommandFailed(_sentence(wrong, looked_at, due))
    if form == "table":
        files = ", and every manifest and segment," if everything else ""
        typer.echo(f"{looked_at} objects{files} looked at, all of them whole.")


async def _verify(config: settings.Settings, *, everything: bool) -> tuple[Sequence[Row], int, int]:
    engine = database.create_engine(config.required_database_url(), application_name="civitai-archive verify")
    storage = opening.open_storage(config)
    try:
        await recognise_storage.recognise(engine, storage)
        at_most = None if everything else config.verify_bytes_per_day
        wrong, looked_at = await _look(engine, storage, at_most)
        due = set(await verification.owe(engine))
        if everything:
            for files in (verify_files.verify_manifests, verify_files.verify_segments):
                async for broken in files(engine, storage):
                    wrong.append((broken.state, broken.name, None, None, broken.aside))
                    if broken.workflow_id is not None:
                        due.add(broken.workflow_id)
        async for stray in verification.strays(engine, storage):
            wrong.append(("no row", stray.name, stray.size, None, None))
        return wrong, looked_at, len(due)
    finally:
        await engine.dispose()


async def _look(engine: AsyncEngine, storage: Storage, at_most: int | None) -> tuple[list[Row], int]:
    async with engine.connect() as connection:
        count = await damage.count(connection)
    wrong: list[Row] = []
    looked_at = 0
    with progress.bar("objects", count if at_most is None else None) as bar:
        async for looked in verification.look_at(engine, storage, at_most=at_most):
            looked_at += 1
            bar.advance()
            if looked.finding.state != "whole":
                one, finding = looked.object, looked.finding
                wrong.append((finding.state, object_name(one.digest), one.size, looked.needed, finding.aside))
    return wrong, looked_at


def _sentence(wrong: Sequence[Row], looked_at: int, due: int) -> str:
    """How bad it is, and what to do about it."""
    kinds = {row[0] for row in wrong}
    said = [f"{len(wrong)} wrong, of {looked_at} objects looked at; {due} workflows are due again for it"]
    if kinds & {"damaged", "missing"}:
        said.append(
            "what was damaged lies aside in storage, and what needs it is fetched again while Civitai has it; "
            "a copy from a backup, put back under its name, is found by the next verify"
        )
    if any(kind.endswith((" manifest", " segment")) for kind in kinds):
        said.append("manifests and segments are written anew by the workers")
    if "no row" in kinds:
        said.append("bytes without a row are those of another database, or of an interrupted download")
    return "; ".join(said) + "."
