"""The same blob in several workflows, which Civitai's caching brings about: downloaded once, pointed to from each."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import ARRAY, Interval, Text, and_, bindparam, func, or_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from archive import tables
from archive.results import unsettled

_results = tables.results.c
_elsewhere = tables.results.alias("elsewhere")
_owner = tables.workflows.alias("owner")
_THESE = bindparam("of_workflows", type_=ARRAY(Text))
_OURS = and_(_results.workflow_id == func.any(_THESE), unsettled(tables.results))

_POINT_TO_STORED = (
    update(tables.results)
    .where(_OURS)
    .where(_results.blob_id == _elsewhere.c.blob_id, _elsewhere.c.stored_at.is_not(None))
    .where(_elsewhere.c.object_digest == tables.objects.c.digest)
    .where(tables.objects.c.damaged_at.is_(None), tables.objects.c.deleting_at.is_(None))
    .values(stored_at=func.now(), object_digest=_elsewhere.c.object_digest, last_error=None)
)
_LEAVE_TO_OTHERS = (
    update(tables.results)
    .where(_OURS)
    .where(_elsewhere.c.blob_id == _results.blob_id, unsettled(_elsewhere))
    .where(_elsewhere.c.next_attempt_at <= func.now(), _elsewhere.c.workflow_id != _results.workflow_id)
    # Of those that are asked about together, the first found downloads it: two must not wait for each other.
    .where(or_(_elsewhere.c.id < _results.id, _elsewhere.c.workflow_id != func.all(_THESE)))
    .where(_owner.c.id == _elsewhere.c.workflow_id, _owner.c.leased_until > func.now())
    .values(next_attempt_at=func.now() + bindparam("others_need", type_=Interval))
)


async def point_to_stored(connection: AsyncConnection, workflow_ids: Sequence[str]) -> None:
    """Point the workflows' results to the objects under which their blobs are stored already."""
    await connection.execute(_POINT_TO_STORED, {"of_workflows": workflow_ids})


async def leave_to_others(connection: AsyncConnection, workflow_ids: Sequence[str], *, others_need: timedelta) -> None:
    """Put off, uncounted, what another workflow's owner is downloading at this moment: soon it will be stored."""
    await connection.execute(_LEAVE_TO_OTHERS, {"of_workflows": workflow_ids, "others_need": others_need})
