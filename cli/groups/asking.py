"""The commands that ask: the ones of the civitai-orchestration skill, answered by Civitai or by the archive."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from cli.groups import options

app = typer.Typer()

DOWNLOADS = Path("civitai-downloads")


class Role(StrEnum):
    """What a result is to the work. An enumeration, since Typer takes a list of nothing else."""

    RESULT = "result"
    PREVIEW = "preview"
    BY_PRODUCT = "by-product"
    BUNDLE = "bundle"


Download = Annotated[bool, typer.Option("--download", help="Have them as files; what is there already stays.")]
Directory = Annotated[Path, typer.Option("--dir", metavar="PATH", help="Where the files go.")]
Nsfw = Annotated[bool, typer.Option("--nsfw/--no-nsfw", help="With what is mature, or without.")]
WorkflowId = Annotated[str, typer.Argument(help="The workflow's id.")]


@app.command(epilog="Example: civitai-archive test")
def test() -> None:
    """Say whether Civitai, database, Redis, storage and receiver answer, each in a line."""
    from cli import connections

    connections.run()


@app.command(epilog="Example: civitai-archive workflows --tag user:12345 --excludeFailed --take=5")
def workflows(
    tag: options.Tags = None,
    query: options.Query = None,
    status: Annotated[
        str | None, typer.Option(metavar="STATUS", help="Only those with this status: succeeded, failed, …")
    ] = None,
    since: options.From = None,
    until: options.To = None,
    exclude_failed: options.ExcludeFailed = False,
    oldest: options.Oldest = False,
    take: Annotated[int, typer.Option(metavar="N", help="How many.", min=1, max=100)] = 20,
    cursor: options.Cursor = None,
    everything: Annotated[bool, typer.Option("--all", help="Every page, to the last.")] = False,
    source: options.Source = "auto",
    json: options.Lines = False,
) -> None:
    """List your workflows, newest first, and the cursor of the next page."""
    from cli import workflows

    wanted = workflows.Wanted(
        tags=tuple(tag or ()),
        query=query,
        status=status,
        from_date=since,
        to_date=until,
        exclude_failed=exclude_failed,
        ascending=oldest,
        take=take,
        cursor=cursor,
        everything=everything,
    )
    workflows.run(wanted, source, json=json)


def user(
    user_id: Annotated[str, typer.Argument(help="The user's id at Civitai.")],
    tag: options.Tags = None,
    query: options.Query = None,
    exclude_failed: options.ExcludeFailed = False,
    oldest: options.Oldest = False,
    take: Annotated[
        int, typer.Option(metavar="N", help="How many; Civitai gives no more than 10.", min=1, max=10)
    ] = 10,
    cursor: options.Cursor = None,
    source: options.Source = "auto",
    json: options.Lines = False,
) -> None:
    """List a user's workflows: with a manager's token from Civitai, else what the archive knows to be that user's."""
    from cli import users, workflows

    wanted = workflows.Wanted(
        tags=tuple(tag or ()),
        query=query,
        exclude_failed=exclude_failed,
        ascending=oldest,
        take=take,
        cursor=cursor,
    )
    users.run(user_id, wanted, source, json=json)


app.command("user", epilog="Example: civitai-archive user 12345 --take=5 --excludeFailed")(user)
app.command("user-workflows", hidden=True, epilog="Example: civitai-archive user-workflows 12345")(user)


@app.command(cls=options.Waiting, epilog="Example: civitai-archive workflow 8484131-20260121222126332 --wait 120")
def workflow(
    workflow_id: WorkflowId, wait: options.Wait = None, source: options.Source = "auto", json: options.Document = False
) -> None:
    """Print a workflow's whole document."""
    from cli import workflow

    workflow.run(workflow_id, wait, source, json=json)


@app.command(epilog="Example: civitai-archive step 8484131-20260121222126332 0")
def step(
    workflow_id: WorkflowId,
    name: Annotated[str, typer.Argument(help="The step's name.")],
    source: options.Source = "auto",
    json: options.Document = False,
) -> None:
    """Print one step of a workflow."""
    from cli import workflow

    workflow.step(workflow_id, name, source, json=json)


@app.command(epilog="Example: civitai-archive job 58de87d7-d594-4d71-ae43-dd8fc1bcbd23")
def job(
    job_id: Annotated[str, typer.Argument(help="The job's id.")],
    raw: Annotated[bool, typer.Option("--raw", help="The document as it is.")] = False,
    source: options.Source = "auto",
    json: options.Document = False,
) -> None:
    """Tell of one of Civitai's jobs: its prompt, its results, its last event with what the scans found."""
    from cli import job

    job.run(job_id, source, raw=raw, json=json)


@app.command(epilog="Example: civitai-archive results 8484131-20260121222126332 --download --dir=./my-images")
def results(
    workflow_id: WorkflowId,
    download: Download = False,
    directory: Directory = DOWNLOADS,
    nsfw: Nsfw = True,
    role: Annotated[
        list[Role] | None,
        typer.Option(metavar="ROLE", help=f"Only what has this role: {', '.join(Role)}. May be given several times."),
    ] = None,
    source: options.Source = "auto",
    json: options.Lines = False,
) -> None:
    """List a workflow's results wherever they appear in it, or have them as files. Exit code 1 if any is missing."""
    from cli import results

    asked = results.Asked(workflow_id, source, frozenset(role or ()), nsfw)
    if download:
        results.download(asked, directory, json=json)
    else:
        results.show(asked, json=json)


@app.command(epilog="Example: civitai-archive blob JNFDW54JNTATNW42HACYCWSQP0.jpeg --download")
def blob(
    blob_id: Annotated[str, typer.Argument(help="The blob's id.")],
    download: Download = False,
    directory: Directory = DOWNLOADS,
    nsfw: Nsfw = True,
    source: options.Source = "auto",
    json: options.Document = False,
) -> None:
    """Say where a blob is, with a URL signed just now, or have it as a file."""
    from cli import blob

    if download:
        blob.download(blob_id, source, directory, nsfw=nsfw, json=json)
    else:
        blob.show(blob_id, source, json=json)


@app.command(epilog="Example: civitai-archive events 8484131-20260121222126332 --json")
def events(workflow_id: WorkflowId, csv: options.Csv = False, json: options.Json = False) -> None:
    """List what callbacks told of a workflow, in the order in which they came."""
    from cli import story

    story.events(workflow_id, options.form(csv, json))


@app.command(epilog="Example: civitai-archive timeline 8484131-20260121222126332")
def timeline(workflow_id: WorkflowId, json: options.Document = False) -> None:
    """Tell what happened to a workflow and when, by whom it is said, and what was never told."""
    from cli import story

    story.show(workflow_id, json=json)
