"""The commands of whoever keeps the archive: how it is doing, what is in it, and what to mend."""

from pathlib import Path
from typing import Annotated

import typer

from cli import titles
from cli.groups import options

app = typer.Typer()


@app.command(epilog="Example: civitai-archive status --watch")
def status(
    watch: Annotated[bool, typer.Option("--watch", help="Show it anew every two seconds, until Ctrl-C.")] = False,
    json: options.Json = False,
) -> None:
    """Say how the archive is doing: what is due, what is in the way. Exit code 0 if all is well, 1 if not."""
    from cli import status

    (status.watch if watch else status.run)(as_json=json)


@app.command(epilog="Example: civitai-archive reconcile")
def reconcile() -> None:
    """List what Civitai has since the last look, and make due what it never announced: the worker does so by itself."""
    from cli import reconcile

    reconcile.run()


@app.command(epilog="Example: civitai-archive backfill --from 2026-10-25 --to 2026-11-01 --tag portrait --dry-run")
def backfill(
    from_date: options.From = None,
    to_date: options.To = None,
    tag: options.Tags = None,
    query: options.Query = None,
    dry_run: options.DryRun = False,
    restart: Annotated[
        bool, typer.Option("--restart", help="Begin at the first page, though it was broken off later.")
    ] = False,
) -> None:
    """Archive what Civitai still has of a range, oldest first. Broken off, the same command goes on at its page."""
    from archive.ranges import Range
    from cli import backfill

    backfill.run(Range(from_date, to_date, tag or (), query), dry_run=dry_run, restart=restart)


@app.command(epilog='Example: civitai-archive redrive --dead --since 2026-11-20 --reason "HTTP 503"')
def redrive(
    workflow: Annotated[str | None, typer.Option(help="This workflow, whatever became of it.")] = None,
    blob: Annotated[str | None, typer.Option(help="This blob, wherever it appears.")] = None,
    dead: Annotated[bool, typer.Option("--dead", help="What is dead, and neither withheld nor gone.")] = False,
    since: options.Since = None,
    reason: Annotated[str | None, typer.Option(help="What says this in its last error, or is withheld for it.")] = None,
    dry_run: options.DryRun = False,
) -> None:
    """Have what is dead, withheld or gone tried again; every option narrows it. Failed tries are kept as history."""
    from archive.redrive import Choice
    from cli import redrive

    redrive.run(Choice(workflow_id=workflow, blob_id=blob, dead=dead, since=since, reason=reason), dry_run=dry_run)


@app.command(epilog='Example: civitai-archive sql "SELECT id, status FROM workflows" --csv')
def sql(
    query: Annotated[str, typer.Argument(help="One statement; it can read everything and change nothing.")],
    csv: options.Csv = False,
    json: options.Json = False,
) -> None:
    """Ask the database: civitai-archive sql "SELECT id, status FROM workflows"."""
    from cli import sql

    sql.run(query, options.form(csv, json))


@app.command(epilog="Example: civitai-archive verify --all --csv > wrong.csv")
def verify(
    everything: Annotated[
        bool, typer.Option("--all", help="Everything, not only a day's VERIFY_BYTES_PER_DAY.")
    ] = False,
    csv: options.Csv = False,
    json: options.Json = False,
) -> None:
    """Hash again what is stored, longest ago first, and list what is damaged, missing, or without a row.

    What is damaged is moved aside in storage, and fetched again as long as Civitai has it. With --all, manifests and
    segments of events are read too; what cannot be is written anew. Exit code 1 if something is wrong.
    """
    from cli import verify

    verify.run(everything=everything, form=options.form(csv, json))


@app.command(epilog="Example: civitai-archive migrate && civitai-archive rebuild")
def rebuild(
    into_filled: Annotated[bool, typer.Option("--into-filled", help="Add to a database that is not empty.")] = False,
    csv: options.Csv = False,
    json: options.Json = False,
) -> None:
    """Fill an empty, migrated database with all that storage tells: manifests, segments of events, tombstones.

    One that was broken off goes on where it ended. What could not be taken in is listed; exit code 1 then.
    """
    from cli import rebuild

    rebuild.run(into_filled=into_filled, form=options.form(csv, json))


@app.command(epilog="Example: civitai-archive browse --template '{tag}/{date}-{workflow}-{index}.{extension}'")
def browse(template: options.Template = None) -> None:
    """Make browse/ in local storage anew: every stored result under a name for people, as a hard link."""
    from cli import browse

    browse.run(template)


@app.command(epilog="Example: civitai-archive export --to october.zip --from 2026-10-01 --until 2026-10-31")
def export(
    to: Annotated[Path, typer.Option(help="A directory, new or exported to before; or a new file.zip.")],
    tags: options.Tags = None,
    since: options.From = None,
    until: options.Until = None,
    template: options.Template = None,
) -> None:
    """Copy stored results under names for people, each checked, with a list for sha256sum -c.

    An export to a directory that broke off goes on where it was. Exit code 1 if a result is missing.
    """
    from archive.holdings import Wanted
    from cli import export

    export.run(to, Wanted(tags=tuple(tags or []), since=since, until=until), template)


@app.command(epilog="Example: civitai-archive prune --delete contents --tag draft --older-than 90d --dry-run")
def prune(
    dry_run: options.DryRun = False,
    rule: Annotated[list[str] | None, typer.Option(help="Only this rule of PRUNE_RULES; may be repeated.")] = None,
    delete: Annotated[
        str | None, typer.Option(help="A rule by hand, instead of PRUNE_RULES: contents, events or quarantine.")
    ] = None,
    older_than: Annotated[str | None, typer.Option(help="By hand: older than this: 12h, 90d, 8w.")] = None,
    tag: Annotated[list[str] | None, typer.Option(help="By hand: with this tag, or one of these.")] = None,
    nsfw_level: Annotated[list[str] | None, typer.Option(help="By hand: of this level, or one of these.")] = None,
    kind: Annotated[list[str] | None, typer.Option(help="By hand: of this kind (image, video; workflow, job).")] = None,
    dead: Annotated[bool, typer.Option("--dead", help="By hand: also of workflows that were given up.")] = False,
    grace: Annotated[str | None, typer.Option(help="How long objects stay, instead of PRUNE_GRACE: 0s, 12h.")] = None,
    csv: options.Csv = False,
    json: options.Json = False,
) -> None:
    """Delete what rules of retention name: contents of results, events, or what is in quarantine.

    An object goes when no result needs it, after a time of grace. Everything deleted leaves a tombstone.
    """
    from cli import prune

    wish = prune.Wish(delete, older_than, tag or [], nsfw_level or [], kind or [], dead)
    prune.run(wish, rule or [], dry_run=dry_run, grace=grace, form=options.form(csv, json))


quarantine_app = typer.Typer(
    cls=titles.Titled, no_args_is_help=True, help="See and re-read what was delivered and is no event."
)
app.add_typer(quarantine_app, name="quarantine")


@quarantine_app.command("list", epilog="Example: civitai-archive quarantine list --count 5")
def quarantine_list(
    count: Annotated[int, typer.Option(help="How many, newest first.", min=1)] = 20,
    csv: options.Csv = False,
    json: options.Json = False,
) -> None:
    """List what is in quarantine, newest first."""
    from cli import quarantine

    quarantine.list_newest(count, options.form(csv, json))


@quarantine_app.command("show", epilog="Example: civitai-archive quarantine show 3 > body.json")
def quarantine_show(delivery_id: Annotated[int, typer.Argument(help="Its id, as list shows it.")]) -> None:
    """Print one delivery: its body, verbatim, to standard output."""
    from cli import quarantine

    quarantine.show(delivery_id)


@quarantine_app.command("reread", epilog="Example: civitai-archive quarantine reread 3 4")
def quarantine_reread(
    delivery_ids: Annotated[list[int] | None, typer.Argument(help="Their ids; all of them if none is given.")] = None,
) -> None:
    """Read them again, after an upgrade perhaps; what is an event by now is recorded as one."""
    from cli import quarantine

    quarantine.reread(delivery_ids or [])
