"""What was told and then deleted leaves the files in storage too, and nothing else does."""

import asyncio
from datetime import timedelta
from pathlib import Path

from archive import quarantine, removals, segment_files
from archive.quarantine import Unread
from archive.retention import Rule
from tests.worker import files, rows
from worker import clear_segments, close_segments, prune
from worker.tools import Tools

NOW = timedelta(0)
OLD = Rule("old", "events", older_than=NOW)
OLD_QUARANTINE = Rule("old", "quarantine", older_than=NOW)


def told_in(storage: Path) -> list[str]:
    """The workflow, or the reason for which it is none, of every line of every segment."""
    lines = [segment_files.read(line) for path in files.segments(storage) for line in path.read_bytes().splitlines()]
    return sorted(line.reason or line.body.decode() for line in lines)


async def archived(tools: Tools, *workflow_ids: str) -> None:
    """Workflows that were told of with an event, and are archived."""
    await rows.record(tools.engine, *({"workflowId": each, "status": "succeeded"} for each in workflow_ids))
    await rows.execute(tools.engine, "UPDATE workflows SET archived_at = now(), due_at = NULL, tags = ARRAY[id]")


async def pruned(tools: Tools, rule: Rule) -> int:
    done = await prune.prune(tools.engine, tools.storage, tools.browse, [rule], grace=NOW)
    return done.by_rule[rule.name].rows


async def test_what_is_deleted_leaves_its_segment_and_its_neighbours_stay(tools: Tools, storage: Path) -> None:
    await archived(tools, "a", "b", "c")
    await close_segments.close(tools, after=NOW)
    assert await pruned(tools, Rule("r", "events", tags=("a", "c"))) == 2
    (left,) = told_in(storage)
    assert '"b"' in left
    assert await pruned(tools, OLD) == 1
    assert files.segments(storage) == []
    pending = await rows.one(tools.engine, "SELECT count(*) AS n FROM tombstones WHERE removed_at IS NULL")
    assert pending["n"] == 0


async def test_what_is_not_in_storage_yet_is_left_for_another_time(tools: Tools, storage: Path) -> None:
    await archived(tools, "a")
    assert await pruned(tools, OLD) == 0
    await close_segments.close(tools, after=NOW)
    await archived(tools, "b")
    assert await pruned(tools, OLD) == 1
    await close_segments.close(tools, after=NOW)
    assert len(told_in(storage)) == 1
    assert await pruned(tools, OLD) == 1
    assert told_in(storage) == []


async def test_quarantine_leaves_its_segments_too(tools: Tools, storage: Path) -> None:
    async with tools.engine.begin() as connection:
        await quarantine.add(
            connection, [Unread("not JSON", "first", {}, b"{"), Unread("no event", "first", {}, b"[]")]
        )
    await archived(tools, "a")
    await close_segments.close(tools, after=NOW)
    assert len(told_in(storage)) == 3
    assert await pruned(tools, OLD_QUARANTINE) == 2
    (left,) = told_in(storage)
    assert '"a"' in left


async def test_a_line_that_nobody_can_read_is_kept(tools: Tools, storage: Path) -> None:
    await archived(tools, "a")
    await close_segments.close(tools, after=NOW)
    (path,) = files.segments(storage)
    files.replace(path, path.read_bytes() + b"of a later version\n")
    assert await pruned(tools, OLD) == 1
    assert path.read_bytes() == b"of a later version\n"


async def test_a_segment_that_is_not_there_any_more_holds_nothing_up(tools: Tools, storage: Path) -> None:
    await archived(tools, "a")
    await close_segments.close(tools, after=NOW)
    files.segments(storage)[0].unlink()
    assert await pruned(tools, OLD) == 1


async def test_several_who_clear_the_same_segment_leave_nothing_of_what_any_has_deleted(
    tools: Tools, storage: Path
) -> None:
    names = [f"w{number}" for number in range(12)]
    await archived(tools, *names)
    await close_segments.close(tools, after=NOW)
    await asyncio.gather(*(pruned(tools, Rule(name, "events", tags=(name,))) for name in names[:-1]))
    await clear_segments.clear(tools.engine, tools.storage)
    (left,) = told_in(storage)
    assert names[-1] in left
    async with tools.engine.connect() as connection:
        assert await removals.next_segment(connection) is None
