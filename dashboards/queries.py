"""The queries of the provisioned panels and alert rules, as Grafana would send them.

Only the macros and forms of variables that our panels use are known here.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

_DIRECTORY = Path(__file__).parent
_TIME_FILTER = re.compile(r"\$__timeFilter\(((?:[^()]|\([^()]*\))+)\)")
_VARIABLE = re.compile(r"\$\{(\w+):sqlstring\}")
_LEFT = re.compile(r"\$\{?\w+")


@dataclass(frozen=True)
class Query:
    """One query of a panel, an alert rule or a variable: `kind` is the panel's type, `alert` or `variable`."""

    board: str
    title: str
    kind: str
    sql: str

    def substituted(self, since: datetime, until: datetime, chosen: dict[str, list[str]]) -> str:
        """The query for this window and these values; a variable that has none chosen stands for all."""
        window = f"BETWEEN '{since.isoformat()}' AND '{until.isoformat()}'"
        sql = _TIME_FILTER.sub(lambda found: f"{found[1]} {window}", self.sql)
        sql = _VARIABLE.sub(lambda found: _sqlstring(chosen.get(found[1], ["*"])), sql)
        if left := _LEFT.search(sql):
            raise ValueError(f"{self.board}, {self.title}: {left[0]} is not known")
        return sql


def of_boards() -> Iterator[Query]:
    """Every panel's and every variable's query, from the JSON that Grafana reads."""
    for file in sorted(_DIRECTORY.glob("*.json")):
        board = json.loads(file.read_text())
        for variable in board["templating"]["list"]:
            if variable["type"] == "query":
                yield Query(file.stem, variable["name"], "variable", variable["query"])
        for panel in board["panels"]:
            for target in panel["targets"]:
                yield Query(file.stem, panel["title"], panel["type"], target["rawSql"])


def of_alerts() -> Iterator[Query]:
    """Every alert rule's query."""
    rules = (_DIRECTORY / "provisioning" / "alerting" / "archive.yaml").read_text()
    for title, sql in re.findall(r"title: (.+)\n(?:.*\n)*?\s+rawSql: >-\n\s+(.+)\n", rules):
        yield Query("alerts", title, "alert", sql)


def _sqlstring(values: list[str]) -> str:
    """What Grafana makes of `${name:sqlstring}`."""
    return ",".join("'" + value.replace("'", "''") + "'" for value in values)
