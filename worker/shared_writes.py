"""What every workflow reads and writes on its way, together with others that are as far as it is."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from archive import claims, jobs, manifests, results, settings, workflows
from archive.together import Together
from orchestration.wire import JsonObject
from worker import ledger, save_document, shared

GATHERING = 0.0005
"""Seconds for each workflow under way that the first of a batch waits for others: one alone goes on at once, and of
many there is soon company. A workflow is written a handful of times."""


@dataclass(frozen=True)
class Look:
    """What is kept of a workflow's results; `rows` is what its manifest repeats of the tables."""

    results: Sequence[results.Kept]
    rows: manifests.Rows


@dataclass(frozen=True)
class JobDocuments:
    """The documents of a workflow's jobs that have been fetched, by their ids; None: there is none to be had."""

    claim: claims.Claim
    documents: Mapping[str, JsonObject | None]


class SharedWrites:
    """One for a process.

    take: claim a workflow by its id; None if it is not to be had.
    save: write what came of a fetch.
    enter: say that a result is stored.
    look: write the documents of a workflow's jobs that have come, if any, and read what is kept of it.
    mark_archived: say that a workflow was whole at some moment, though its holder has more to do.
    end: give a workflow back; whether it is due again at once.
    All but `take` raise Overtaken.
    """

    def __init__(self, engine: AsyncEngine, config: settings.Settings) -> None:
        """What is one statement needs no BEGIN and COMMIT."""
        single = engine.execution_options(isolation_level="AUTOCOMMIT")
        save = partial(save_document.write, config=config)
        self._under_way = 0
        transactions = partial(shared.transactions, gathering=lambda: GATHERING * self._under_way)
        self.take: Together[str, claims.Claim | None] = transactions(single, _take)
        self.save: Together[save_document.Order, save_document.Saved] = transactions(engine, save)
        self.enter: Together[ledger.Entry, None] = transactions(engine, ledger.write)
        self.look: Together[JobDocuments, Look] = transactions(engine, _look)
        self.mark_archived: Together[tuple[claims.Claim, datetime], None] = transactions(engine, _mark_archived)
        self.end: Together[claims.Return, bool] = transactions(engine, _end)

    @contextmanager
    def under_way(self) -> Iterator[None]:
        """For the length of the block a workflow is under way, and may bring something to be written."""
        self._under_way += 1
        try:
            yield
        finally:
            self._under_way -= 1

    async def aclose(self) -> None:
        """Wait for what is being written."""
        async with AsyncExitStack() as closing:
            for kind in (self.take, self.save, self.enter, self.look, self.mark_archived, self.end):
                closing.push_async_callback(kind.aclose)


async def _take(connection: AsyncConnection, workflow_ids: Sequence[str]) -> Sequence[claims.Claim | None]:
    taken = dict(await claims.take_each(connection, workflow_ids))
    # Of two who ask for the same workflow at once, one gets it.
    return [taken.pop(workflow_id, None) for workflow_id in workflow_ids]


async def _mark_archived(
    connection: AsyncConnection, whole: Sequence[tuple[claims.Claim, datetime]]
) -> Sequence[claims.Overtaken | None]:
    held = await claims.hold_each(connection, [claim for claim, _ in whole])
    await workflows.mark_archived(connection, {claim.workflow_id: at for claim, at in whole if claim in held})
    return [None if claim in held else claims.Overtaken() for claim, _ in whole]


async def _look(connection: AsyncConnection, fetched: Sequence[JobDocuments]) -> Sequence[Look | claims.Overtaken]:
    held = await claims.hold_each(connection, [one.claim for one in fetched])
    documents: jobs.Documents = {
        (one.claim.workflow_id, job_id): document
        for one in fetched
        if one.claim in held
        for job_id, document in one.documents.items()
    }
    await jobs.save_documents(connection, documents)
    ids = [claim.workflow_id for claim in held]
    kept, rows = await results.kept_of_each(connection, ids), await manifests.rows(connection, ids)
    looks = {claim: Look(kept[claim.workflow_id], rows[claim.workflow_id]) for claim in held}
    return [looks.get(one.claim, claims.Overtaken()) for one in fetched]


async def _end(connection: AsyncConnection, returns: Sequence[claims.Return]) -> Sequence[bool | claims.Overtaken]:
    is_due = await claims.give_back(connection, returns)
    return [is_due.get(one.claim, claims.Overtaken()) for one in returns]
