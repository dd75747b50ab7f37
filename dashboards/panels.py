"""Panels, as Grafana's dashboard JSON spells them: what differs between ours is a parameter, what does not is here.

Sizes are in Grafana's grid of 24 columns. Units are Grafana's ids: `s`, `bytes`, `short`, `percentunit`, `none`.
"""

from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any

Json = dict[str, Any]
Thresholds = Sequence[tuple[float | None, str]]
"""Colour from a value on; the first begins at None."""

DATASOURCE = {"type": "grafana-postgresql-datasource", "uid": "civitai-archive"}
WORKFLOW_BOARD = "civitai-archive-workflow"

CALM: Thresholds = ((None, "green"),)
NONE_WANTED: Thresholds = ((None, "green"), (1, "red"))
COLUMNS = 24


def stat(title: str, sql: str, *, about: str, unit: str = "short", thresholds: Thresholds = CALM, w: int = 4) -> Json:
    """One figure, coloured by its thresholds."""
    return _panel("stat", title, sql, about, _field(unit, thresholds), w=w, h=4) | {
        "options": {
            "colorMode": "background" if len(thresholds) > 1 else "value",
            "graphMode": "none",
            "justifyMode": "auto",
            "orientation": "auto",
            "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
            "textMode": "auto",
        }
    }


def series(
    title: str, sql: str, *, about: str, unit: str = "short", stacked: bool = False, bars: bool = False, w: int = 12
) -> Json:
    """Values over time: `time`, perhaps one text column that names the series, and figures."""
    custom = {
        "drawStyle": "bars" if bars else "line",
        "fillOpacity": 60 if bars else 15 if stacked else 0,
        "lineWidth": 1,
        "showPoints": "never",
        "stacking": {"group": "A", "mode": "normal" if stacked else "none"},
    }
    return _panel("timeseries", title, sql, about, _field(unit, CALM, custom), w=w, h=8, form="time_series") | {
        "options": {
            "legend": {"calcs": ["sum"] if stacked else ["max"], "displayMode": "table", "placement": "right"},
            "tooltip": {"mode": "multi", "sort": "desc"},
        }
    }


def table(title: str, sql: str, *, about: str, units: Mapping[str, str] | None = None, w: int = 24, h: int = 9) -> Json:
    """Rows, with units by column; a column `workflow_id` or `example` leads to the workflow."""
    overrides = [_override(column, "unit", unit) for column, unit in (units or {}).items()]
    link = {"title": "Show the workflow", "url": f"/d/{WORKFLOW_BOARD}?var-workflow=${{__value.raw}}"}
    overrides += [_override(column, "links", [link]) for column in ("workflow_id", "example")]
    return _panel("table", title, sql, about, _field("none", CALM) | {"overrides": overrides}, w=w, h=h) | {
        "options": {"cellHeight": "sm", "showHeader": True}
    }


def chosen(name: str, label: str, sql: str) -> Json:
    """A variable: one or more of the values that the query gives, or all."""
    return {
        "type": "query",
        "name": name,
        "label": label,
        "datasource": DATASOURCE,
        "query": sql,
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "allValue": "'*'",
        "current": {"text": ["All"], "value": ["$__all"]},
    }


def typed(name: str, label: str) -> Json:
    """A variable whose value somebody types, or a link brings along."""
    return {"type": "textbox", "name": name, "label": label, "query": "", "current": {"text": "", "value": ""}}


def board(
    uid: str, title: str, about: str, panels: Sequence[Json], *, variables: Sequence[Json] = (), since: str = "now-24h"
) -> Json:
    """A dashboard of these panels, laid out from left to right and downwards."""
    return {
        "uid": uid,
        "title": title,
        "description": about,
        "tags": ["civitai-archive"],
        "timezone": "browser",
        "editable": True,
        "graphTooltip": 1,
        "schemaVersion": 39,
        "refresh": "1m",
        "time": {"from": since, "to": "now"},
        "templating": {"list": list(variables)},
        "annotations": {"list": []},
        "links": [
            {
                "type": "dashboards",
                "title": "civitai-archive",
                "tags": ["civitai-archive"],
                "asDropdown": True,
                "includeVars": False,
                "keepTime": True,
                "targetBlank": False,
                "icon": "external link",
                "tooltip": "",
                "url": "",
            }
        ],
        "panels": _laid_out(panels),
    }


def _panel(kind: str, title: str, sql: str, about: str, field: Json, *, w: int, h: int, form: str = "table") -> Json:
    return {
        "type": kind,
        "title": title,
        "description": about,
        "datasource": DATASOURCE,
        "gridPos": {"x": 0, "y": 0, "w": w, "h": h},
        "fieldConfig": field,
        "targets": [
            {
                "refId": "A",
                "datasource": DATASOURCE,
                "editorMode": "code",
                "format": form,
                "rawQuery": True,
                "rawSql": sql.strip(),
            }
        ],
    }


def _field(unit: str, thresholds: Thresholds, custom: Json | None = None) -> Json:
    steps = [{"value": value, "color": colour} for value, colour in thresholds]
    defaults: Json = {"unit": unit, "thresholds": {"mode": "absolute", "steps": steps}}
    return {"defaults": defaults | ({"custom": custom} if custom else {}), "overrides": []}


def _override(column: str, name: str, value: object) -> Json:
    return {"matcher": {"id": "byName", "options": column}, "properties": [{"id": name, "value": value}]}


def _laid_out(panels: Sequence[Json]) -> list[Json]:
    placed = []
    x = y = height = 0
    for number, panel in zip(count(1), panels, strict=False):
        size = panel["gridPos"]
        if x + size["w"] > COLUMNS:
            x, y, height = 0, y + height, 0
        placed.append({"id": number, **panel, "gridPos": size | {"x": x, "y": y}})
        x, height = x + size["w"], max(height, size["h"])
    return placed
