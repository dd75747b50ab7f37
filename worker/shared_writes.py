"""What every workflow reads and writes on its way, together with others that are as far as it is."""

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from archive import claims, jobs, manifests, pauses, results, settings, workflows
from archive.together import Together
from orchestration.wire import JsonObject
from worker import ledger, save_document, shared


@dataclass(frozen=True)
class Look:
    """What is kept of a workflow's results, and which jobs' documents are missing and worth asking for now.

    rows: what its manifest repeats of the tables.
    """

    results: Sequence[results.Kept]
    jobs: Sequence[str]
    rows: JsonObject


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
    look: read what is kept of a workflow, by its id.
    mark_archived: say that a workflow was whole at some moment, though its holder has more to do.
    save_jobs: write the documents of its jobs, and look again.
    end: give a workflow back; whether it is due again at once.
    is_held: whether a claim holds at this moment.
    All but `take`, `look` and `is_held` raise Overtaken.
    """

    def __init__(self, engine: AsyncEngine, config: settings.Settings) -> None:
        """What is one statement needs no BEGIN and COMMIT."""
        single = engine.execution_options(isolation_level="AUTOCOMMIT")
        save = partial(save_document.write, config=config)
        self.take: Together[str, claims.Claim | None] = shared.transactions(single, _take)
        self.save: Together[save_document.Order, save_document.Saved] = shared.transactions(engine, save)
        self.enter: Together[ledger.Entry, None] = shared.transactions(engine, ledger.write)
        self.look: Together[str, Look] = shared.transactions(single, _look)
        self.mark_archived: Together[tuple[claims.Claim, datetime], None] = shared.transactions(engine, _mark_archived)
        self.save_jobs: Together[JobDocuments, Look] = shared.transactions(engine, _save_jobs)
        self.is_held: Together[claims.Claim, bool] = shared.transactions(single, _is_held)
        self.end: Together[claims.Return, bool] = shared.transactions(engine, _end)

    async def aclose(self) -> None:
        """Wait for what is being written."""
        async with AsyncExitStack() as closing:
            for kind in vars(self).values():
                closing.push_async_callback(kind.aclose)


async def _take(connection: AsyncConnection, workflow_ids: Sequence[str]) -> Sequence[claims.Claim | None]:
    taken = dict(await claims.take_each(connection, workflow_ids))
    # Of two who ask for the same workflow at once, one gets it.
    return [taken.pop(workflow_id, None) for workflow_id in workflow_ids]


async def _look(connection: AsyncConnection, workflow_ids: Sequence[str]) -> Sequence[Look]:
    kept = await results.kept_of_each(connection, workflow_ids)
    missing = await jobs.without_document(connection, workflow_ids)
    if any(missing.values()) and any(pause.cause == "jobs" for pause in await pauses.holding(connection)):
        missing = dict.fromkeys(workflow_ids, ())
    rows = await manifests.rows(connection, workflow_ids)
    return [Look(kept[workflow_id], missing[workflow_id], rows[workflow_id]) for workflow_id in workflow_ids]


async def _mark_archived(
    connection: AsyncConnection, whole: Sequence[tuple[claims.Claim, datetime]]
) -> Sequence[claims.Overtaken | None]:
    held = await claims.hold_each(connection, [claim for claim, _ in whole])
    await workflows.mark_archived(connection, {claim.workflow_id: at for claim, at in whole if claim in held})
    return [None if claim in held else claims.Overtaken() for claim, _ in whole]


async def _save_jobs(connection: AsyncConnection, fetched: Sequence[JobDocuments]) -> Sequence[Look | claims.Overtaken]:
    held = await claims.hold_each(connection, [one.claim for one in fetched])
    documents: jobs.Documents = {
        (one.claim.workflow_id, job_id): document
        for one in fetched
        if one.claim in held
        for job_id, document in one.documents.items()
    }
    await jobs.save_documents(connection, documents)
    looks = dict(zip(held, await _look(connection, [claim.workflow_id for claim in held]), strict=True))
    return [looks.get(one.claim, claims.Overtaken()) for one in fetched]


async def _is_held(connection: AsyncConnection, asked: Sequence[claims.Claim]) -> Sequence[bool]:
    held = await claims.held(connection, asked)
    return [claim in held for claim in asked]


async def _end(connection: AsyncConnection, returns: Sequence[claims.Return]) -> Sequence[bool | claims.Overtaken]:
    is_due = await claims.give_back(connection, returns)
    return [is_due.get(one.claim, claims.Overtaken()) for one in returns]
