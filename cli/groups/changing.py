"""The commands that have Civitai do something: submit a workflow, change it, cancel it."""

from typing import Annotated

import typer

from cli.groups import options

app = typer.Typer()

WorkflowId = Annotated[str, typer.Argument(help="The workflow's id.")]
Source = Annotated[str, typer.Argument(metavar="FILE", help="A file with JSON in it; - for standard input.")]
TagNames = Annotated[list[str], typer.Argument(metavar="TAG…", help="The tags.")]


@app.command(cls=options.Waiting, epilog="Example: civitai-archive submit workflow.json --tag project:cats --whatif")
def submit(
    source: Source,
    whatif: Annotated[bool, typer.Option("--whatif", help="Say what it would cost, and submit nothing.")] = False,
    wait: options.Wait = None,
    tag: Annotated[
        list[str] | None, typer.Option("--tag", metavar="TAG", help="A tag to add; may be given again.")
    ] = None,
    callback: Annotated[
        bool | None,
        typer.Option("--callback/--no-callback", help="With our callback, or without. [default: with, if it is known]"),
    ] = None,
    external_id: Annotated[
        str | None, typer.Option(metavar="KEY", help="The key by which Civitai knows it again, instead of one of ours.")
    ] = None,
    json: options.Document = False,
) -> None:
    """Submit a workflow, with our callback. However often a failed call is repeated, it is paid for once."""
    from cli import submission

    wishes = submission.Wishes(
        tags=tuple(tag or ()), callback=callback, external_id=external_id, whatif=whatif, wait=wait
    )
    submission.run(source, wishes, json=json)


@app.command(epilog="Example: civitai-archive cancel 8484131-20260121222126332")
def cancel(
    workflow_id: WorkflowId,
    delete: Annotated[bool, typer.Option("--delete", help="Have Civitai forget it altogether.")] = False,
) -> None:
    """Cancel a workflow."""
    from cli import changes

    changes.cancel(workflow_id, delete=delete)


@app.command(epilog="Example: civitai-archive tag 8484131-20260121222126332 favourite project:cats")
def tag(workflow_id: WorkflowId, tags: TagNames) -> None:
    """Give a workflow tags."""
    from cli import changes

    changes.tag(workflow_id, tags)


@app.command(epilog="Example: civitai-archive untag 8484131-20260121222126332 favourite")
def untag(workflow_id: WorkflowId, tags: TagNames) -> None:
    """Take tags from a workflow."""
    from cli import changes

    changes.untag(workflow_id, tags)


@app.command(epilog='Example: echo \'{"metadata": {"note": "x"}}\' | civitai-archive update WORKFLOW -')
def update(workflow_id: WorkflowId, source: Source) -> None:
    """Put new metadata, tags or another status in place of a workflow's."""
    from cli import changes

    changes.update(workflow_id, source)


@app.command(epilog="Example: civitai-archive patch 8484131-20260121222126332 patch.json")
def patch(workflow_id: WorkflowId, source: Source) -> None:
    """Change a workflow's fields by JSON Patch."""
    from cli import changes

    changes.patch(workflow_id, source)
