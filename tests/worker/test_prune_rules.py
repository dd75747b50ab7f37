"""What a rule of retention names, and what is exempt from all of them."""

from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from archive import pruning, quarantine
from archive.pruning import Matching
from archive.retention import Rule
from archive.storage.local import LocalStorage
from tests.worker import rows
from tests.worker.pruning import ALL, ALPHA, AT_ONCE, DAY, EVENTS, count, in_a_segment, kept, pruned, stored, told_of


@pytest.mark.parametrize(
    ("rule", "gives_up"),
    [
        (Rule("r", "contents", older_than=timedelta(days=1)), {"w1", "w2"}),
        (Rule("r", "contents", older_than=timedelta(days=100_000)), set()),
        (Rule("r", "contents", tags=("beta", "never")), {"w2"}),
        (Rule("r", "contents", tags=("Beta",)), set()),
        (Rule("r", "contents", kinds=("IMAGE",)), {"w1"}),
        (Rule("r", "contents", nsfw_levels=("X", "xxx")), {"w2"}),
        (Rule("r", "contents", nsfw_levels=("pg",)), {"w1"}),
        (Rule("r", "contents", nsfw_levels=("pg",), tags=("beta",)), set()),
    ],
)
async def test_every_wish_narrows_a_rule(
    engine: AsyncEngine, store: LocalStorage, rule: Rule, gives_up: set[str]
) -> None:
    await rows.execute(engine, "UPDATE workflows SET nsfw_level = 'PG'")
    await rows.execute(engine, "UPDATE results SET kind = 'image' WHERE workflow_id = 'w1'")
    await rows.execute(engine, "UPDATE results SET nsfw_level = 'x' WHERE workflow_id = 'w2'")
    async with engine.connect() as connection:
        expected = await pruning.count(connection, rule)
    done = await pruned(engine, store, rule)
    assert {workflow_id for workflow_id, has_object in await kept(engine) if not has_object} == gives_up
    assert done.by_rule["r"].rows == expected.rows == 2 * len(gives_up)
    assert done.deleted.bytes == expected.bytes


@pytest.mark.parametrize(
    "state",
    [
        "leased_until = now() + interval '15 s'",
        "archived_at = NULL",
        "archived_at = NULL, dead_at = now()",
        "dead_at = now()",
    ],
)
async def test_what_is_held_owed_or_dead_is_exempt(engine: AsyncEngine, store: LocalStorage, state: str) -> None:
    await rows.execute(engine, f"UPDATE workflows SET {state} WHERE id = 'w1'")  # noqa: S608
    done = await pruned(engine, store, ALPHA, EVENTS)
    assert [each.rows for each in done.by_rule.values()] == [0, 1]
    assert stored(store) == {b"cat", b"dog", b"fox"}


async def test_what_civitai_has_forgotten_is_not_exempt(engine: AsyncEngine, store: LocalStorage) -> None:
    await rows.execute(engine, "UPDATE workflows SET archived_at = NULL, gone_at = now() WHERE id = 'w1'")
    assert (await pruned(engine, store, ALPHA)).by_rule["no-alpha"].rows == 2


async def test_what_is_dead_goes_where_a_rule_names_it(engine: AsyncEngine, store: LocalStorage) -> None:
    await rows.execute(engine, "UPDATE workflows SET archived_at = NULL, dead_at = now() WHERE id = 'w1'")
    rules = [Rule("a", "contents", tags=("alpha",), dead=True), Rule("b", "events", tags=("alpha",), dead=True)]
    done = await pruned(engine, store, *rules)
    assert [each.rows for each in done.by_rule.values()] == [2, 1]


async def test_events_go_by_age_tag_and_scope_and_their_workflows_stay(
    engine: AsyncEngine, store: LocalStorage
) -> None:
    await rows.tell(engine, "w1", **{"$type": "step", "name": "step"})
    await in_a_segment(engine)
    assert (await pruned(engine, store, Rule("a", "events", older_than=DAY))).by_rule["a"].rows == 0
    rule = Rule("b", "events", tags=("alpha",), kinds=("step",))
    async with engine.connect() as connection:
        counted = await pruning.count(connection, rule)
    assert (await pruned(engine, store, rule)).by_rule == {"b": counted}
    assert counted.rows == 1
    assert (await pruned(engine, store, Rule("c", "events", tags=("beta",)))).by_rule["c"].rows == 1
    assert [row["workflow_id"] for row in await rows.select(engine, "SELECT workflow_id FROM events")] == ["w1"]
    assert [(rule, workflow_id) for rule, workflow_id, _ in await told_of(engine, "event")] == [
        ("b", "w1"),
        ("c", "w2"),
    ]
    assert await count(engine, "workflows") == 2


async def test_quarantine_goes_only_by_a_rule_of_its_own(engine: AsyncEngine, store: LocalStorage) -> None:
    async with engine.begin() as connection:
        await quarantine.add(connection, [quarantine.Unread("not JSON", "first", {}, b"{")])
    await rows.execute(engine, "UPDATE quarantine SET last_received_at = now() - interval '1 min'")
    await in_a_segment(engine)
    await pruned(engine, store, EVENTS, ALL)
    assert await count(engine, "quarantine") == 1
    done = await pruned(engine, store, Rule("q", "quarantine", older_than=AT_ONCE))
    assert done.by_rule == {"q": Matching(1, 1)}
    assert await count(engine, "quarantine") == 0
    assert len(await told_of(engine, "quarantine")) == 1
