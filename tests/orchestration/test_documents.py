from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given

from orchestration import documents
from orchestration.wire import JsonObject
from tests.orchestration import strategies

CURRENT: JsonObject = {
    "id": "8484131-20260121222126332",
    "status": "succeeded",
    "createdAt": "2026-01-21T22:21:26.3321234Z",
    "startedAt": "2026-01-21T22:21:27Z",
    "completedAt": "2026-01-21T22:21:30",
    "tags": ["a", "b"],
    "metadata": {"run": 7},
    "cost": {"base": 8, "total": 10.5, "tips": {"civitai": 0, "creators": 0}},
    "currencies": ["yellow", "blue"],
    "nsfwLevel": "pg13",
    "ephemeral": True,
    "externalId": "mine-7",
    "steps": [
        {
            "$type": "imageGen",
            "name": "draw",
            "status": "succeeded",
            "startedAt": "2026-01-21T22:21:27Z",
            "completedAt": "2026-01-21T22:21:29Z",
            "cost": 10,
            "input": {"engine": "flux2", "prompt": "a cat"},
            "output": {"images": []},
            "jobs": [
                {"id": "j1", "status": "failed", "reason": "no luck", "blockedReason": None, "cost": 4},
                {"status": "succeeded"},
                {"id": "j2", "status": "succeeded", "startedAt": "2026-01-21T22:21:28Z", "provider": "ValdiAI"},
            ],
        }
    ],
}


def test_a_document_of_today_is_read() -> None:
    workflow = documents.read(CURRENT)
    assert workflow.id == "8484131-20260121222126332"
    assert workflow.created_at == datetime(2026, 1, 21, 22, 21, 26, 332123, tzinfo=UTC)
    assert workflow.completed_at == datetime(2026, 1, 21, 22, 21, 30, tzinfo=UTC)
    assert (workflow.tags, workflow.metadata) == (["a", "b"], {"run": 7})
    assert (workflow.cost, workflow.currency) == (Decimal("10.5"), "yellow,blue")
    assert (workflow.nsfw_level, workflow.ephemeral, workflow.external_id) == ("pg13", True, "mine-7")
    (step,) = workflow.steps
    assert (step.position, step.name, step.type, step.engine) == (0, "draw", "imageGen", "flux2")
    assert (step.cost, step.output) == (Decimal(10), {"images": []})
    assert [(job.id, job.reason, job.provider) for job in step.jobs] == [
        ("j1", "no luck", None),
        ("j2", None, "ValdiAI"),
    ]


def test_a_document_of_the_older_source_is_read() -> None:
    workflow = documents.read(
        {
            "id": "wf_1",
            "status": "reticulating",
            "cost": {"base": 4, "total": 4, "currency": "BUZZ"},
            "nsfwLevel": 4,
            "deletedAt": "2026-01-01T00:00:00Z",
            "callbackUrl": "https://a.example/c?token=s",
            "steps": [{"$type": "imageGen", "jobs": [{"id": "j", "result": {"blobs": []}}]}],
        }
    )
    assert (workflow.status, workflow.cost, workflow.currency) == ("reticulating", Decimal(4), "BUZZ")
    assert (workflow.nsfw_level, workflow.ephemeral, workflow.tags) == ("4", False, [])
    assert workflow.deleted_at == datetime(2026, 1, 1, tzinfo=UTC)
    assert [step.name for step in workflow.steps] == ["0"]
    assert workflow.steps[0].jobs[0].document == {"id": "j", "result": {"blobs": []}}


@pytest.mark.parametrize(
    ("told", "cost"),
    [
        (3, Decimal(3)),
        (0.1, Decimal("0.1")),
        ({"total": 2}, Decimal(2)),
        ({"base": 2}, None),
        ("3", None),
        (True, None),
        (None, None),
        (float("nan"), None),
        (10**400, None),
        ([1], None),
    ],
)
def test_a_cost_is_a_number_or_an_object_with_a_total(told: Any, cost: Decimal | None) -> None:
    assert documents.read({"cost": told}).cost == cost


def test_every_step_has_a_name_of_its_own() -> None:
    names: list[Any] = ["a", None, "a", "a#2", "", "4", 7, "a", "a\x00"]
    steps: list[Any] = [{"name": name} for name in names]
    steps.insert(1, "no step")
    workflow = documents.read({"steps": steps})
    assert [(step.position, step.name) for step in workflow.steps] == [
        (0, "a"), (2, "2"), (3, "a#2"), (4, "a#2#2"), (5, "5"), (6, "4"), (7, "7"), (8, "a#3"), (9, "9"),
    ]  # fmt: skip


def test_the_steps_within_a_repeat_are_not_steps_of_the_workflow() -> None:
    workflow = documents.read({"steps": [{"$type": "repeat", "output": {"steps": [{"name": "inner"}]}}]})
    assert [step.type for step in workflow.steps] == ["repeat"]


@given(strategies.DOCUMENTS)
def test_no_document_is_too_strange_to_be_read(document: JsonObject) -> None:
    workflow = documents.read(document)
    names = [step.name for step in workflow.steps]
    assert len(set(names)) == len(names)
    texts = [workflow.id, workflow.status, workflow.currency, workflow.nsfw_level, *workflow.tags, *names]
    for text in texts:
        assert text is None or "\x00" not in text.encode().decode()
