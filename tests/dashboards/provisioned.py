"""What lies under dashboards/, as Grafana would read it."""

import json
from pathlib import Path
from typing import Any

import yaml

DIRECTORY = Path(__file__).parents[2] / "dashboards"
ALERTS = DIRECTORY / "provisioning" / "alerting" / "archive.yaml"


def boards() -> dict[str, dict[str, Any]]:
    """The dashboards by the names of their files."""
    return {file.stem: json.loads(file.read_text()) for file in sorted(DIRECTORY.glob("*.json"))}


def alert_rules() -> list[dict[str, Any]]:
    """The rules of all groups."""
    return [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]
