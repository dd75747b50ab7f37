"""Claims: who holds a workflow that is due, and how it is given back.

A claim is a conditional UPDATE that counts `attempts`; its number is the holder's fencing token. Every later write of
the holder goes through `hold` or names that number, so one that was paused and overtaken writes nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Integer,
    Interval,
    Text,
    bindparam,
    case,
    func,
    select,
    tuple_,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.dml import ReturningUpdate

from archive import database, due, tables
from orchestration import wire

LEASE = timedelta(seconds=15)
"""How long a claim lasts without a sign of life from its holder."""

_workflows = tables.workflows.c


class Overtaken(Exception):
    """The lease ran out and somebody else claimed the workflow: this holder must write nothing more."""


@dataclass(frozen=True)
class Claim:
    """A workflow taken: by which attempt, and what stood in its row at that moment."""

    workflow_id: str
    attempt: int
    last_event_id: int | None
    ephemeral: bool
    heard_at: datetime
    deadline_at: datetime
    missing_at: datetime | None
    archived_at: datetime | None
    failures: int
    fetched_at: datetime | None
    claimed_at: datetime


@dataclass(frozen=True)
class Return:
    """A workflow given back: due again at `due_at` (None: nothing is owed).

    archived_at: when it was found whole, with a manifest that says so; None if it is not.
    """

    claim: Claim
    due_at: datetime | None
    archived_at: datetime | None = None


# Statements are built once: building one costs more than running it.
MINE = (_workflows.id == bindparam("claimed_id"), _workflows.attempts == bindparam("claimed_attempt"))
"""The condition that a row of `workflows` is still its holder's; its parameters come from `as_mine`."""

_WANTED = (
    select(_workflows.id)
    .where(_workflows.id == func.any(bindparam("wanted_ids", type_=ARRAY(Text))), due.to_be_claimed())
    .order_by(_workflows.id)
    .with_for_update(key_share=True)
    .cte("wanted")
)
_CLAIM = (
    update(tables.workflows)
    .where(_workflows.id == _WANTED.c.id)
    .values(leased_until=func.now() + bindparam("lease", type_=Interval), attempts=_workflows.attempts + 1)
    .returning(
        _workflows.id,
        _workflows.attempts,
        _workflows.last_event_id,
        _workflows.ephemeral,
        _workflows.heard_at,
        _workflows.deadline_at,
        _workflows.missing_at,
        _workflows.archived_at,
        _workflows.failures,
        _workflows.fetched_at,
        func.now(),
    )
)
_HOLD = select(_workflows.id).where(*MINE).with_for_update(key_share=True)
_HELD = select(_workflows.id, _workflows.attempts).where(
    tuple_(_workflows.id, _workflows.attempts).in_(
        select(
            func.unnest(bindparam("claimed_ids", type_=ARRAY(Text))),
            func.unnest(bindparam("claimed_attempts", type_=ARRAY(Integer))),
        )
    )
)
_HOLD_EACH = _HELD.order_by(_workflows.id).with_for_update(key_share=True)
_AT_REST = _HELD.with_for_update(key_share=True, skip_locked=True).cte("at_rest")
_RENEW_EACH = (
    update(tables.workflows)
    .where(_workflows.id == _AT_REST.c.id)
    .values(leased_until=case((_workflows.leased_until.is_not(None), func.now() + bindparam("lease", type_=Interval))))
    .returning(_workflows.id, _workflows.attempts)
)
_GIVE_BACK = (
    update(tables.workflows)
    .where(*MINE)
    .values(
        leased_until=None,
        due_at=case(
            (
                _workflows.last_event_id.is_not_distinct_from(bindparam("seen_event_id", type_=BigInteger)),
                bindparam("next_look_at", type_=tables.Moment),
            ),
            else_=func.now(),
        ),
    )
    .returning(_workflows.due_at <= func.now())
)
_RELEASE_FAILED = _GIVE_BACK.values(failures=_workflows.failures + 1)
_BURY = _RELEASE_FAILED.values(dead_at=func.now())

_given = database.given(
    _workflows.id, _workflows.attempts, _workflows.last_event_id, _workflows.due_at, _workflows.archived_at
)
_GIVE_BACK_EACH = (
    update(tables.workflows)
    .where(_workflows.id == _given.c.id, _workflows.attempts == _given.c.attempts)
    .values(
        leased_until=None,
        due_at=case(
            (_workflows.last_event_id.is_not_distinct_from(_given.c.last_event_id), _given.c.due_at), else_=func.now()
        ),
        archived_at=func.coalesce(_workflows.archived_at, _given.c.archived_at),
    )
    .returning(_workflows.id, _workflows.attempts, func.coalesce(_workflows.due_at <= func.now(), False))
)


async def take_each(connection: AsyncConnection, workflow_ids: Sequence[str]) -> Mapping[str, Claim]:
    """Take those of these workflows that are due and that nobody holds: for the rest another got there first."""
    taken = await connection.execute(_CLAIM, {"wanted_ids": workflow_ids, "lease": LEASE})
    return {row.id: Claim(*row) for row in taken}


async def renew_each(connection: AsyncConnection, claims: Iterable[Claim]) -> Mapping[Claim, bool]:
    """The holders' sign of life: their leases start anew. What has been given back stays so.

    Those whose claims hold, and for each whether it was renewed: nobody waits for a row that is being written just now.
    """
    by_key, parameters = _by_key(claims)
    renewed = set(map(tuple, await connection.execute(_RENEW_EACH, parameters | {"lease": LEASE})))
    held = await connection.execute(_HELD, parameters)
    return {by_key[workflow_id, attempt]: (workflow_id, attempt) in renewed for workflow_id, attempt in held}


async def hold(connection: AsyncConnection, claim: Claim) -> None:
    """Begin a transaction that writes for the holder: until it ends nobody can overtake. Raises Overtaken."""
    one_row(len((await connection.execute(_HOLD, as_mine(claim))).all()))


async def hold_each(connection: AsyncConnection, claims: Iterable[Claim]) -> set[Claim]:
    """The same for several: those whose claims still hold, instead of raising Overtaken."""
    by_key, parameters = _by_key(claims)
    return {by_key[workflow_id, attempt] for workflow_id, attempt in await connection.execute(_HOLD_EACH, parameters)}


async def release(connection: AsyncConnection, claim: Claim, *, due_at: datetime | None) -> bool:
    """Give the workflow back, due again at `due_at`: at once if an event came meanwhile. Whether it is due now.

    Raises Overtaken.
    """
    return await _give_back(connection, claim, _GIVE_BACK, due_at)


async def release_failed(connection: AsyncConnection, claim: Claim, *, error: str, due_at: datetime | None) -> bool:
    """Give the workflow back after a try that failed, counted. Raises Overtaken."""
    return await _give_back(connection, claim, _RELEASE_FAILED, due_at, last_error=wire.storable(error))


async def bury(connection: AsyncConnection, claim: Claim, *, error: str) -> bool:
    """Give up on the workflow, with the reason; an event or a person can make it due again. Raises Overtaken."""
    return await _give_back(connection, claim, _BURY, None, last_error=wire.storable(error))


async def give_back(connection: AsyncConnection, returns: Sequence[Return]) -> Mapping[Claim, bool]:
    """Give workflows back, whole or not; for those whose claims held, whether due now."""
    by_key = {(one.claim.workflow_id, one.claim.attempt): one for one in returns}
    held = await hold_each(connection, [one.claim for one in returns])
    rows = [
        {
            "id": one.claim.workflow_id,
            "attempts": one.claim.attempt,
            "last_event_id": one.claim.last_event_id,
            "due_at": one.due_at,
            "archived_at": one.archived_at,
        }
        for one in returns
        if one.claim in held
    ]
    given = await connection.execute(_GIVE_BACK_EACH, {"rows": rows})
    return {by_key[workflow_id, attempt].claim: is_due for workflow_id, attempt, is_due in given}


def _by_key(claims: Iterable[Claim]) -> tuple[Mapping[tuple[str, int], Claim], dict[str, object]]:
    """Claims by what their rows show of them, and the parameters that name these to a statement."""
    by_key = {(claim.workflow_id, claim.attempt): claim for claim in claims}
    ids, attempts = zip(*by_key, strict=True)
    return by_key, {"claimed_ids": ids, "claimed_attempts": attempts}


async def _give_back(
    connection: AsyncConnection,
    claim: Claim,
    given: ReturningUpdate[bool],
    due_at: datetime | None,
    **facts: object,
) -> bool:
    seen = {"seen_event_id": claim.last_event_id, "next_look_at": due_at}
    rows = (await connection.execute(given, as_mine(claim) | seen | facts)).scalars().all()
    one_row(len(rows))
    return bool(rows[0])


def as_mine(claim: Claim) -> dict[str, object]:
    """The parameters of `MINE`."""
    return {"claimed_id": claim.workflow_id, "claimed_attempt": claim.attempt}


def one_row(count: int) -> None:
    """Raise Overtaken unless a statement for the holder found its row."""
    if count != 1:
        raise Overtaken
