"""The same blob in several workflows, which Civitai's caching brings about: downloaded once, pointed to from each."""

from datetime import timedelta

from sqlalchemy import Interval, and_, bindparam, func, update
from sqlalchemy.ext.asyncio import AsyncConnection

from archive import tables
from archive.results import unsettled

_results = tables.results.c
_elsewhere = tables.results.alias("elsewhere")
_owner = tables.workflows.alias("owner")
_OURS = and_(_results.workflow_id == bindparam("of_workflow"), unsettled(tables.results))

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
    .where(_owner.c.id == _elsewhere.c.workflow_id, _owner.c.leased_until > func.now())
    .values(next_attempt_at=func.now() + bindparam("others_need", type_=Interval))
)


async def point_to_stored(connection: AsyncConnection, workflow_id: str) -> None:
    """Point the workflow's results to the objects under which their blobs are stored already."""
    await connection.execute(_POINT_TO_STORED, {"of_workflow": workflow_id})


async def leave_to_others(connection: AsyncConnection, workflow_id: str, *, others_need: timedelta) -> None:
    """Put off, uncounted, what another workflow's owner is downloading at this moment: soon it will be stored."""
    await connection.execute(_LEAVE_TO_OTHERS, {"of_workflow": workflow_id, "others_need": others_need})
