"""The workflows of one user: what a manager's token may ask of Civitai, and what the archive knows otherwise."""

import asyncio

from archive import settings
from cli import account, failures, printing, sources, summaries, tables
from cli.workflows import Wanted
from orchestration import errors
from orchestration.client import Client, Page

MOST = 10
"""Workflows that Civitai gives of a user at once."""


def run(user_id: str, wanted: Wanted, choice: sources.Choice, *, json: bool) -> None:
    """Print them. Raises CommandFailed where neither side may or can say."""
    config = account.read_settings()
    answer = asyncio.run(_ask(config, user_id, wanted, choice))
    page = answer.value
    if json:
        for item in page.items:
            printing.line(account.struck(config, item))
    else:
        tables.show(summaries.COLUMNS, [summaries.row(item) for item in page.items], "table", whole="id")
    if page.next:
        (printing.note if json else printing.text)(f"Next cursor: {page.next}")
    sources.announce(answer, config)


async def _ask(config: settings.Settings, user_id: str, wanted: Wanted, choice: sources.Choice) -> sources.Answer[Page]:
    async def live(civitai: Client) -> Page:
        return Page(
            await civitai.query_user(
                user_id,
                take=min(wanted.take, MOST),
                cursor=wanted.cursor,
                tags=wanted.tags,
                query=wanted.query,
                exclude_failed=wanted.exclude_failed,
                ascending=wanted.ascending,
            ),
            None,
        )

    async def kept(database_url: str) -> Page:
        from archive import catalogue
        from cli import kept

        filters = catalogue.Filters(
            tags=wanted.tags,
            query=wanted.query,
            exclude_failed=wanted.exclude_failed,
            ascending=wanted.ascending,
            user_id=user_id,
        )
        return await kept.listing(config, database_url, filters, take=wanted.take, cursor=wanted.cursor)

    try:
        return await sources.ask(config, choice, f"workflows of user {user_id}", live=live, kept=kept)
    except (errors.CredentialError, errors.NotFound) as error:
        if isinstance(error, errors.CredentialError) and error.status == 401:
            raise
        sentence = (
            "only a manager's token may list another user's workflows, and yours is none: "
            f"ask where the archive is, with --source archive, or list your own with --tag user:{user_id}."
        )
        raise failures.CommandFailed(sentence, exit_code=failures.CREDENTIALS) from error
