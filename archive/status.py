"""How the archive is doing, and what of that is not as it should be. Every figure comes from an index or a small table.

due, leased, oldest due, nearest deadline, at risk      ix_workflows_due
dead, by reason                                         ix_workflows_given_up, ix_results_without_bytes
archived                                                ix_workflows_archived_at
damaged                                                 ix_objects_damaged
last callback                                           pk_events, from its end
storage                                                 objects, whole: its rows are small
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Interval, bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection

from archive import listings, pauses

OVERDUE = timedelta(minutes=10)
"""What has been due for longer, while nothing pauses, says that no worker works."""

AT_RISK = timedelta(days=5)
"""So near to its deadline, what is not archived is at risk."""

UNRECONCILED = timedelta(minutes=30)
"""Once there was a reconcile, the next are minutes apart."""

REASONS = 10
"""The most frequent ones are told."""

_OWED = text(
    """
    SELECT count(*) FILTER (WHERE due_at <= now() AND coalesce(leased_until < now(), true)) AS due,
           count(*) FILTER (WHERE leased_until >= now()) AS leased,
           min(due_at) FILTER (WHERE due_at <= now() AND coalesce(leased_until < now(), true)) AS oldest_due_at,
           min(deadline_at) FILTER (WHERE archived_at IS NULL) AS nearest_deadline_at,
           count(*) FILTER (WHERE archived_at IS NULL AND deadline_at < now() + :at_risk) AS at_risk,
           (SELECT count(*) FROM workflows WHERE archived_at IS NOT NULL) AS archived,
           (SELECT received.last_received_at FROM events AS received ORDER BY id DESC LIMIT 1) AS last_callback_at,
           (SELECT count(*) FROM drift) AS drift,
           (SELECT count(*) FROM objects WHERE damaged_at IS NOT NULL) AS damaged,
           EXISTS (SELECT FROM rebuilt_files) AS rebuilding,
           now() AS looked_at
    FROM workflows WHERE due_at IS NOT NULL
    """
).bindparams(bindparam("at_risk", type_=Interval))

_STORED = text("SELECT count(*) AS objects, coalesce(sum(size), 0)::bigint AS bytes FROM objects")

# What an error says before its facts, which name the one workflow or blob that it was about.
_DEAD = text(
    """
    SELECT split_part(coalesce(last_error, 'no reason was kept'), ' (', 1) AS reason,
           count(*) FILTER (WHERE is_workflow) AS workflows, count(*) FILTER (WHERE NOT is_workflow) AS results
    FROM (SELECT last_error, true AS is_workflow FROM workflows WHERE dead_at IS NOT NULL
          UNION ALL SELECT last_error, false FROM results WHERE dead_at IS NOT NULL) AS dead
    GROUP BY reason ORDER BY count(*) DESC, reason
    """
)


@dataclass(frozen=True)
class Reason:
    """Why something is dead, and how many workflows and results are dead for it."""

    reason: str
    workflows: int
    results: int


@dataclass(frozen=True)
class Status:
    """Counts of workflows, and the moments that tell whether they move; what was given up; what is stored.

    due: and held by nobody. at_risk: not archived, and forgotten by Civitai within days. dead, dead_results: given up,
    workflows and results; `dead_by_reason` has the most frequent reasons. drift: places in documents that we cannot
    read. rebuilding: a rebuild has begun and not ended. objects, bytes: stored contents, each once. paused: why nobody
    calls Civitai now.
    """

    due: int
    leased: int
    oldest_due_at: datetime | None
    nearest_deadline_at: datetime | None
    at_risk: int
    archived: int
    last_callback_at: datetime | None
    drift: int
    damaged: int
    rebuilding: bool
    looked_at: datetime
    objects: int
    bytes: int
    dead: int
    dead_results: int
    dead_by_reason: Sequence[Reason]
    last_reconcile_at: datetime | None
    paused: Sequence[pauses.Pause]

    def faults(self) -> list[str]:
        """What is not as it should be, each in words; none of it means healthy."""
        found = [f"paused ({pause.cause}) until {pause.until:%H:%M:%S} UTC: {pause.reason}" for pause in self.paused]
        if self.dead:
            found.append(f"{self.dead} dead (their dead_at is set, and last_error says why)")
        if self.dead_results:
            found.append(f"{self.dead_results} results dead (their dead_at is set, and last_error says why)")
        if self.damaged:
            found.append(f"{self.damaged} objects damaged (civitai-archive verify lists them)")
        if self.rebuilding:
            found.append("a rebuild has begun and not ended: civitai-archive rebuild goes on with it")
        if self.at_risk:
            found.append(f"{self.at_risk} at risk: Civitai forgets them within {AT_RISK.days} days")
        if not self.paused and self.oldest_due_at and self.looked_at - self.oldest_due_at > OVERDUE:
            found.append("something has been due for long: is a worker running?")
        if self.last_reconcile_at and self.looked_at - self.last_reconcile_at > UNRECONCILED:
            found.append("nothing was reconciled for long: is a worker running, and does Civitai list your workflows?")
        return found


async def look(connection: AsyncConnection) -> Status:
    """See how it is."""
    owed = (await connection.execute(_OWED, {"at_risk": AT_RISK})).one()
    stored = (await connection.execute(_STORED)).one()
    dead = [Reason(*row) for row in await connection.execute(_DEAD)]
    return Status(
        **owed._mapping,
        **stored._mapping,
        dead=sum(reason.workflows for reason in dead),
        dead_results=sum(reason.results for reason in dead),
        dead_by_reason=dead[:REASONS],
        last_reconcile_at=await listings.last_reconcile(connection),
        paused=[pause for pause in await pauses.holding(connection) if pause.cause != "jobs"],
    )
