"""Metrics: what is counted is true, and nothing of a sender's choosing becomes a label."""

import pytest
from prometheus_client import generate_latest
from sqlalchemy.ext.asyncio import AsyncEngine

from archive import events
from receiver import deliveries, metrics
from receiver.deliveries import Delivery
from tests.archive.factories import delivery, job_event, workflow_event


def counted(name: str, **labels: str) -> float:
    return metrics.REGISTRY.get_sample_value(f"civitai_archive_{name}", labels) or 0.0


def told(status: str | None) -> Delivery:
    return delivery({**workflow_event("wf", ""), "status": status})


@pytest.mark.parametrize(
    ("status", "label"), [("succeeded", "succeeded"), (None, "none"), ("brand-new", "other"), ("x" * 500, "other")]
)
def test_only_statuses_that_we_know_become_labels(status: str | None, label: str) -> None:
    before = counted("events_total", scope="workflow", status=label)
    metrics.count_stored([told(status)], events.Recorded([], 1))
    assert counted("events_total", scope="workflow", status=label) == before + 1
    assert b"brand-new" not in generate_latest(metrics.REGISTRY)


async def test_duplicates_and_the_unreadable_are_counted_apart(engine: AsyncEngine) -> None:
    names = ("duplicate_events_total", "quarantined_total")
    before = [counted(name) for name in names]
    batch = [told("processing"), told("processing"), delivery(job_event("wf", "failed")), deliveries.read("a", {}, b"")]
    for _ in range(2):
        async with engine.begin() as connection:
            metrics.count_stored(batch, await deliveries.store(connection, batch))
    assert [counted(name) - was for name, was in zip(names, before, strict=True)] == [1 + 3, 2]


def test_every_reason_to_refuse_has_its_own_count() -> None:
    before = counted("refused_total", reason="token")
    metrics.refused("token")
    assert counted("refused_total", reason="token") == before + 1
