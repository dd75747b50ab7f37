"""Every query that Grafana would send, sent by the reader: it runs, and gives what its panel needs."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import asyncpg
import pytest
import yaml

from dashboards import panels, queries
from embedded.supervisor import Addresses
from tests import reading
from tests.dashboards import provisioned

QUERIES = list(queries.of_boards())
CHOSEN = {"tag": ["project-1", "project-2"], "source": ["main"], "step_type": ["imageGen", "it's"]}


def ids(query: queries.Query) -> str:
    return f"{query.board}: {query.title}"


async def ask(history: Addresses, sql: str) -> list[asyncpg.Record]:
    async with reading.as_reader(history) as connection:
        return list(await connection.fetch(sql))


def is_figure(value: Any) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


@pytest.mark.parametrize("query", QUERIES, ids=ids)
async def test_a_query_gives_what_its_panel_needs(history: Addresses, query: queries.Query) -> None:
    now = datetime.now(UTC)
    rows = await ask(history, query.substituted(now - timedelta(days=4), now, {"workflow": ["*"]}))
    if query.board == "workflow" or query.title == "Told and fetched differ":
        return  # of a workflow that is not there, and of what the history does not have; it has run
    assert rows
    first = dict(rows[0])
    match query.kind:
        case "stat":
            assert len(rows) == 1
            (figure,) = first.values()
            assert is_figure(figure)
        case "timeseries":
            moments = [row["time"] for row in rows]
            assert moments == sorted(moments)
            assert all(isinstance(moment, datetime) and moment.tzinfo for moment in moments)
            del first["time"]
            names = [value for value in first.values() if isinstance(value, str)]
            assert len(names) <= 1
            assert all(is_figure(value) for value in first.values() if value not in names)
            assert len(first) > len(names)
        case "table":
            assert len(first) > 1
        case "variable":
            assert all(len(row) == 1 and isinstance(row[0], str) for row in rows)
        case other:
            pytest.fail(f"nobody has said what a {other} needs")


@pytest.mark.parametrize("query", [query for query in QUERIES if "${" in query.sql], ids=ids)
async def test_a_query_runs_with_chosen_values_and_with_none_that_exists(
    history: Addresses, query: queries.Query
) -> None:
    now = datetime.now(UTC)
    for chosen in (CHOSEN, {name: ["'; DROP VIEW ops.queue; --"] for name in CHOSEN}):
        await ask(history, query.substituted(now - timedelta(days=4), now, {"workflow": ["it's"], **chosen}))


async def test_a_chosen_tag_leaves_only_what_has_it(history: Addresses) -> None:
    (query,) = [query for query in QUERIES if query.title == "Newest workflows"]
    now = datetime.now(UTC)
    everything = await ask(history, query.substituted(now - timedelta(hours=2), now, {}))
    of_tag = await ask(history, query.substituted(now - timedelta(days=4), now, {"tag": ["project-1"]}))
    async with reading.as_reader(history) as connection:
        tagged = await connection.fetch("SELECT workflow_id FROM workflows WHERE tags @> ARRAY['project-1']")
    assert {row["workflow_id"] for row in of_tag} <= {row["workflow_id"] for row in tagged}
    assert of_tag
    assert {row["workflow_id"] for row in everything} - {row["workflow_id"] for row in tagged}


@pytest.mark.parametrize("rule", provisioned.alert_rules(), ids=lambda rule: str(rule["uid"]))
async def test_a_rule_compares_one_figure(history: Addresses, rule: dict[str, Any]) -> None:
    query, condition = rule["data"]
    assert query["datasourceUid"] == panels.DATASOURCE["uid"]
    ((figure,),) = await ask(history, query["model"]["rawSql"])
    assert is_figure(figure)
    assert (rule["condition"], condition["model"]["expression"]) == (condition["refId"], query["refId"])
    assert is_figure(condition["model"]["conditions"][0]["evaluator"]["params"][0])
    assert rule["annotations"]["summary"].endswith(".")


async def test_the_rules_speak_of_all_that_has_to_be_told() -> None:
    told = {rule["uid"].removeprefix("civitai-archive-") for rule in provisioned.alert_rules()}
    assert told >= {"oldest-due", "at-risk", "dead", "credentials", "damaged", "spool"}
    assert yaml.safe_load(provisioned.ALERTS.read_text())["apiVersion"] == 1
