"""Manifests: enough to find a workflow's results with nothing but the storage."""

import json
import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine

from archive import drift, manifests, results, settling, steps, tables, workflows
from orchestration import documents
from orchestration import results as finder
from tests.archive.factories import pending_results, stored_object

DOCUMENT: dict[str, object] = {
    "id": "wf",
    "steps": [{"name": "s", "$type": "x", "status": "succeeded", "jobs": [{"id": "j", "status": "succeeded"}]}],
}
MOMENT = datetime(2026, 1, 2, 23, 59, tzinfo=UTC)


def test_a_manifest_lies_under_its_day_and_can_be_recognised() -> None:
    assert manifests.name("8484131-20260121222126332", MOMENT) == (
        "workflows/2026/01/02/8484131-20260121222126332-9e36bf67104bd7cf.json"
    )


@pytest.mark.parametrize(
    "workflow_id", ["../../etc/passwd", "a/b", "/", "..", ".", "ü", "a\nb", "-", "x" * 512, "\ud800"]
)
def test_an_id_of_any_alphabet_is_one_safe_name(workflow_id: str) -> None:
    name = manifests.name(workflow_id, MOMENT)
    assert re.fullmatch(r"workflows/2026/01/02/[A-Za-z0-9_][A-Za-z0-9._-]*-[0-9a-f]{16}\.json", name)
    assert len(name) < 140


@given(st.lists(st.text(min_size=1, max_size=20), unique=True, max_size=20))
def test_no_two_ids_share_a_name(ids: list[str]) -> None:
    assert len({manifests.name(one, MOMENT).lower() for one in ids}) == len(ids)


async def test_a_manifest_tells_what_became_of_every_result_beside_the_document(engine: AsyncEngine) -> None:
    document = {"id": "wf", "steps": [], "metadata": {"strange": "\x00\ud800 ü"}}
    async with engine.begin() as connection:
        stored, withheld, dead, _ = await pending_results(connection, "output.a", "output.b", "output.c", "output.d")
        digest = await stored_object(connection)
        await settling.stored(connection, {stored.id: digest})
        await settling.withheld(connection, withheld.id, "minor")
        await settling.dead(connection, dead.id, "no use")
        kept = await results.kept(connection, "wf")
        rows = (await manifests.rows(connection, ["wf"]))["wf"]
    content = manifests.build("wf", workflows.Kept(document, told=False, gone_at=None), kept, rows)
    assert manifests.read(content).document == document
    manifest = json.loads(content)
    assert manifest["format"] == "civitai-archive/manifest/2"
    assert manifest["workflowId"] == "wf"
    assert manifest["document"] == document
    common = {"step": "step", "role": "result"}
    told = manifest["results"]
    assert kept[0].stored_at is not None
    assert told[0].pop("storedAt") == kept[0].stored_at.isoformat()
    assert told[1].pop("withheldAt")
    assert told[2].pop("deadAt")
    assert told == [
        {**common, "path": "output.a", "digest": digest.hex(), "size": 7, "mediaType": "image/png"},
        {**common, "path": "output.b", "blockedReason": "minor"},
        {**common, "path": "output.c", "lastError": "no use"},
        {**common, "path": "output.d"},
    ]


def test_the_same_facts_give_the_same_bytes() -> None:
    kept = workflows.Kept({"id": "wf"}, told=False, gone_at=None)
    rows = manifests.Rows(MOMENT, None, '{"id": "wf"}', {})
    assert manifests.build("wf", kept, [], rows) == manifests.build("wf", kept, [], rows)


@pytest.mark.parametrize(("in_row", "told", "expected"), [(None, None, None), (None, 2, 2), (1, 2, 1), (1, None, 1)])
def test_a_manifest_says_that_a_workflow_is_archived_when_its_row_does_or_will(
    in_row: int | None, told: int | None, expected: int | None
) -> None:
    def day(number: int | None) -> datetime | None:
        return None if number is None else MOMENT.replace(day=number)

    kept = workflows.Kept({"id": "wf"}, told=False, gone_at=None)
    rows = manifests.Rows(MOMENT, day(in_row), '{"id": "wf"}', {})
    row = json.loads(manifests.build("wf", kept, [], rows, archived_at=day(told)))["rows"]["workflow"]
    moment = day(expected)
    assert row == {"id": "wf", "archived_at": moment and moment.isoformat()}


async def test_a_manifest_repeats_every_column_of_the_rows_but_what_is_owed(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        stored, _ = await pending_results(connection, "output.a", "output.b")
        await settling.stored(connection, {stored.id: await stored_object(connection)})
        await steps.save(connection, "wf", documents.read(DOCUMENT))
        await drift.add(connection, "wf", [finder.Drift("s", "output.hologram", "new")], {})
        rows = await manifests.rows(connection, ["wf", "unknown"])
    assert set(rows) == {"wf"}
    kept = workflows.Kept(DOCUMENT, told=False, gone_at=None)
    told = manifests.read(manifests.build("wf", kept, [], rows["wf"])).rows
    left_out = {"workflow": {"document", "due_at", "leased_until", "last_event_id"}, "results": {"id"}}
    for name, table in (
        ("workflow", tables.workflows),
        ("steps", tables.steps),
        ("jobs", tables.jobs),
        ("results", tables.results),
        ("objects", tables.objects),
        ("drift", tables.drift),
    ):
        (*_, row) = [told[name]] if name == "workflow" else told[name]
        assert set(row) == set(table.c.keys()) - left_out.get(name, set())
    assert [len(told[name]) for name in ("steps", "jobs", "results", "objects", "drift")] == [1, 1, 2, 1, 1]


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{", b"[]", b"7", b"{}", b"\xff", b'{"format": "civitai-archive/manifest/1"}',
        b'{"format": "civitai-archive/manifest/2", "workflowId": "w", "document": null, "rows": {}}',
        b"[" * 100_000,
    ],
)  # fmt: skip
def test_what_is_no_manifest_of_ours_is_said_to_be_none(content: bytes) -> None:
    with pytest.raises(manifests.Unreadable, match=r"format|manifest"):
        manifests.read(content)


def test_a_manifest_that_names_another_workflow_than_its_rows_is_refused() -> None:
    rows = manifests.Rows(MOMENT, None, '{"id": "other"}', dict.fromkeys(manifests.REPEATED))
    content = manifests.build("wf", workflows.Kept(None, told=False, gone_at=None), [], rows)
    with pytest.raises(manifests.Unreadable):
        manifests.read(content)
