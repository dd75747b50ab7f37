"""The provisioned dashboards: what the modules say, whole, and such that their parts find one another."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from grafana_foundation_sdk.cog import encoder
from grafana_foundation_sdk.models import dashboard as grafana

from dashboards import __main__ as written
from dashboards import panels
from migrations import ops
from tests.dashboards import provisioned

BOARDS = provisioned.boards()


@pytest.mark.parametrize("name", BOARDS)
def test_the_file_is_what_the_module_says(name: str) -> None:
    assert (provisioned.DIRECTORY / f"{name}.json").read_text() == written.text(written.BOARDS[name])


def test_every_module_has_its_file() -> None:
    assert set(written.BOARDS) == set(BOARDS)


@pytest.mark.parametrize("name", BOARDS)
def test_panels_have_titles_explanations_units_and_places_of_their_own(name: str) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in BOARDS[name]["panels"]:
        assert panel["title"]
        assert panel["description"].endswith(".")
        assert panel["fieldConfig"]["defaults"]["unit"]
        assert panel["fieldConfig"]["defaults"]["thresholds"]["steps"][0]["value"] is None
        place = panel["gridPos"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert place["x"] + place["w"] <= panels.COLUMNS
        assert not cells & taken
        taken |= cells
    assert len({panel["id"] for panel in BOARDS[name]["panels"]}) == len(BOARDS[name]["panels"])


@pytest.mark.parametrize("name", BOARDS)
def test_a_variable_is_used_and_what_is_used_is_a_variable(name: str) -> None:
    sql = " ".join(target["rawSql"] for panel in BOARDS[name]["panels"] for target in panel["targets"])
    used = {part.split(":")[0] for part in sql.split("${")[1:]}
    assert used == {variable["name"] for variable in BOARDS[name]["templating"]["list"]}


def test_links_lead_to_the_board_of_one_workflow_and_to_its_variable() -> None:
    board = BOARDS["workflow"]
    assert board["uid"] == panels.WORKFLOW_BOARD
    assert [variable["name"] for variable in board["templating"]["list"]] == ["workflow"]
    for other in BOARDS.values():
        links = [link for link in json.dumps(other).split('"url": "')[1:] if link.startswith("/d/")]
        assert all(link.startswith(f"/d/{panels.WORKFLOW_BOARD}?var-workflow=${{__value.raw}}") for link in links)


def test_together_they_ask_every_view_but_the_plain_lists() -> None:
    sql = json.dumps(BOARDS) + provisioned.ALERTS.read_text()
    assert {view for view in ops.VIEWS if f"ops.{view}" not in sql} <= {"steps"}


def test_boards_and_rules_ask_the_data_source_that_is_provisioned() -> None:
    provisioning = provisioned.DIRECTORY / "provisioning"
    (source,) = yaml.safe_load((provisioning / "datasources" / "archive.yaml").read_text())["datasources"]
    assert {"type": source["type"], "uid": source["uid"]} == panels.DATASOURCE
    assert source["user"] == ops.READER
    assert yaml.safe_load((provisioning / "dashboards" / "archive.yaml").read_text())["providers"]


@pytest.mark.parametrize("name", BOARDS)
def test_grafanas_own_models_know_every_field_and_lose_none(name: str) -> None:
    board = BOARDS[name]
    read = json.loads(encoder.JSONEncoder().encode(grafana.Dashboard.from_json(board)))
    assert list(lost(board, read)) == []


def lost(told: Any, read: Any, place: str = "") -> Iterator[str]:
    """The places of what was told and not read."""
    if isinstance(told, dict) and isinstance(read, dict):
        for name, value in told.items():
            yield from lost(value, read.get(name), f"{place}.{name}")
    elif isinstance(told, list) and isinstance(read, list) and len(told) == len(read):
        for number, (one, other) in enumerate(zip(told, read, strict=True)):
            yield from lost(one, other, f"{place}[{number}]")
    elif told != read:
        yield f"{place}: {told!r} became {read!r}"
