"""One of Civitai's jobs: what it was, and what the scans found."""

import asyncio

from cli import account, printing, sources, summaries
from orchestration.wire import JsonObject


def run(job_id: str, choice: sources.Choice, *, raw: bool, json: bool) -> None:
    """Print a summary, or the document as it is."""
    config = account.read_settings()

    async def kept(database_url: str) -> JsonObject | None:
        from cli import kept

        return await kept.job(database_url, job_id)

    answer = asyncio.run(
        sources.ask(config, choice, f"job {job_id}", live=lambda civitai: civitai.job(job_id), kept=kept)
    )
    document = sources.announce(answer, config)
    if raw or json:
        (printing.line if json else printing.document)(document)
        return
    for line in summaries.job(document):
        printing.text(line)
