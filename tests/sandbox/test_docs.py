"""docs/sandbox.md is true: its tables are whole, its examples can be played."""

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from sandbox import faults, scenario

TEXT = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text()
ROWS = re.findall(r"^\| `(\w+)` \| `(\{.*?\})` \| ", TEXT, re.MULTILINE)


def test_the_table_of_faults_is_whole() -> None:
    assert {name for name, _ in ROWS if name in faults.NAMES} == set(faults.NAMES)


def test_the_table_of_what_metadata_can_ask_for_is_whole() -> None:
    assert {name for name, _ in ROWS if name not in faults.NAMES} == scenario.KEYS


@pytest.mark.parametrize(("name", "example"), ROWS)
def test_every_example_can_be_played(name: str, example: str) -> None:
    parse: Callable[[Mapping[str, Any]], object] = faults.parse if name in faults.NAMES else scenario.parse
    wishes = json.loads(example)
    assert name in wishes
    parse(wishes)
