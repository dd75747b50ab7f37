"""Rules of retention carried out, or counted, from a shell."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import typer
from rich.filesize import decimal

from archive import database, logs, pruning, retention, settings
from archive.names import browse
from archive.pruning import Matching
from archive.retention import Rule, RuleError
from archive.storage import opening
from cli import failures, machine, tables
from worker import prune, recognise_storage

NAME = "civitai-archive prune"
COLUMNS = ("rule", "deletes", "rows")


@dataclass(frozen=True)
class Wish:
    """A rule as options tell it, each as it was typed."""

    delete: str | None
    older_than: str | None
    tags: Sequence[str]
    nsfw_levels: Sequence[str]
    kinds: Sequence[str]
    dead: bool

    def rule(self) -> Rule | None:
        """None if nothing was told. Raises RuleError."""
        if not any((self.delete, self.older_than, self.tags, self.nsfw_levels, self.kinds, self.dead)):
            return None
        told = {
            "delete": self.delete,
            "tags": list(self.tags),
            "nsfw_levels": list(self.nsfw_levels),
            "kinds": list(self.kinds),
            "dead": self.dead,
        }
        return retention.rule(retention.BY_HAND, told | ({"older_than": self.older_than} if self.older_than else {}))


def run(wish: Wish, names: Sequence[str], *, dry_run: bool, grace: str | None, form: tables.Form) -> None:
    """Do it, or with `dry_run` say how much it would be. Raises CommandFailed."""
    logs.configure(level=logging.WARNING)
    config = machine.read_settings()
    try:
        by_hand = wish.rule()
    except RuleError as error:
        raise failures.CommandFailed(f"the rule {error}.", exit_code=failures.USAGE) from None
    try:
        time_of_grace = config.prune_grace if grace is None else retention.duration(grace)
    except RuleError as error:
        raise failures.CommandFailed(f"--grace {error}.", exit_code=failures.USAGE) from None
    rules = [by_hand] if by_hand else _chosen(config.prune_rules, names)
    if dry_run:
        found = asyncio.run(_count(config, rules))
        rows = [(rule.name, rule.delete, each.rows, each.bytes) for rule, each in zip(rules, found, strict=True)]
        tables.show((*COLUMNS, "bytes"), rows, form)
        return
    pruned = asyncio.run(_prune(config, rules, time_of_grace))
    tables.show(COLUMNS, [(rule.name, rule.delete, pruned.by_rule[rule.name].rows) for rule in rules], form)
    if form == "table":
        typer.echo(f"What nobody needs any longer is deleted after {time_of_grace} of grace.")
        typer.echo(f"Deleted now: {_objects(pruned.deleted)}; their bytes lie aside for an hour.")
        typer.echo(f"Removed for good: {_objects(pruned.removed)}.")


def _chosen(rules: Sequence[Rule], names: Sequence[str]) -> list[Rule]:
    if unknown := set(names) - {rule.name for rule in rules}:
        raise failures.CommandFailed(f"PRUNE_RULES has no rule {min(unknown)!r}.", exit_code=failures.NOT_FOUND)
    chosen = [rule for rule in rules if not names or rule.name in names]
    if not chosen:
        sentence = "there is no rule: set PRUNE_RULES, or say --delete contents --tag draft --older-than 90d."
        raise failures.CommandFailed(sentence, exit_code=failures.USAGE)
    return chosen


async def _count(config: settings.Settings, rules: Sequence[Rule]) -> list[Matching]:
    async with database.connect_once(config.required_database_url(), application_name=NAME) as connection:
        return [await pruning.count(connection, rule) for rule in rules]


async def _prune(config: settings.Settings, rules: Sequence[Rule], grace: timedelta) -> prune.Pruned:
    engine = database.create_engine(config.required_database_url(), application_name=NAME, pool_size=2)
    try:
        store = opening.open_storage(config)
        await recognise_storage.recognise(engine, store)
        return await prune.prune(engine, store, browse.open_browse(config, store), rules, grace=grace)
    finally:
        await engine.dispose()


def _objects(counted: Matching) -> str:
    return f"{counted.rows:,} object{'' if counted.rows == 1 else 's'}, {decimal(counted.bytes)}"
