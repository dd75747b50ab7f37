"""Where an answer comes from: Civitai, live, or the archive."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from archive import settings
from cli import account, failures, printing
from orchestration import errors
from orchestration.client import Client

Choice = Literal["auto", "archive", "live"]
Origin = Literal["archive", "live"]

T = TypeVar("T")


@dataclass(frozen=True)
class Answer(Generic[T]):
    """What was asked for. `why` it is not from Civitai, when it was for us to choose."""

    value: T
    source: Origin
    why: str | None = None


async def ask(
    config: settings.Settings,
    choice: Choice,
    what: str,
    *,
    live: Callable[[Client], Awaitable[T]],
    kept: Callable[[str], Awaitable[T | None]],
    archive_first: str | None = None,
) -> Answer[T]:
    """Ask Civitai, or, as `choice` says, the archive; `auto` asks Civitai, and the archive if that does not answer.

    what: what is asked for, in words. kept: asks the archive, given the database's address. archive_first: why
    `auto` need not ask Civitai. Without a database `auto` is `live`. Raises CommandFailed, SettingsError, and of
    the tree in `orchestration.errors`.
    """
    if choice == "archive":
        found = await kept(config.required_database_url())
        if found is None:
            raise failures.CommandFailed(f"the archive has no {what}.", exit_code=failures.NOT_FOUND)
        return Answer(found, "archive")
    database_url = config.database_url.reveal() if config.database_url and choice == "auto" else None
    if archive_first and database_url:
        return await _instead(database_url, what, kept, errors.NotFound(archive_first), archive_first)
    if database_url and config.api_token is None:
        error = settings.SettingsError("CIVITAI_API_TOKEN", "is not set: it is what Civitai knows you by")
        return await _instead(database_url, what, kept, error, "no API token is set")
    try:
        async with account.client(config) as civitai:
            return Answer(await live(civitai), "live")
    except (errors.Transient, errors.NotFound, errors.CredentialError) as error:
        if database_url is None:
            raise
        return await _instead(database_url, what, kept, error, _briefly(error))


async def unless_away(asking: Awaitable[T | None]) -> T | None:
    """What the archive says; None, said so, where it does not answer and Civitai's answer is as good."""
    from archive import database

    try:
        return await asking
    except Exception as error:
        if not database.is_unavailable(error):
            raise
        printing.note("The archive does not answer, so everything comes from Civitai.")
        return None


def announce(answer: Answer[T], config: settings.Settings) -> T:
    """Say on standard error where it came from; what it is."""
    if answer.source == "live":
        printing.note(f"Source: live, {errors.without_secrets(config.api_url)}")
    else:
        printing.note("Source: archive" + (f" ({answer.why})" if answer.why else ""))
    return answer.value


def _briefly(error: errors.OrchestrationError) -> str:
    sentence = (type(error).__doc__ or "").partition("\n")[0].rstrip(".")
    return f"{sentence}: HTTP {error.status}" if error.status else sentence


async def _instead(
    database_url: str, what: str, kept: Callable[[str], Awaitable[T | None]], error: Exception, why: str
) -> Answer[T]:
    from archive import database

    try:
        found = await kept(database_url)
    except Exception as fault:
        if not database.is_unavailable(fault):
            raise
        printing.note("The archive does not answer.")
        raise error from fault
    if found is None:
        printing.note(f"The archive has no {what}.")
        raise error
    return Answer(found, "archive", why)
