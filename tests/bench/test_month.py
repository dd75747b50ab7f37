"""The month of the drill: the same for the same seed, and rot that hurts one name of a file."""

import os
import random
from pathlib import Path

from bench import month

CALLBACK = {"url": "http://127.0.0.1:1/callbacks?token=x", "type": ["workflow:*"]}


def test_the_same_seed_gives_the_same_month() -> None:
    first, again, other = (list(month.days(4, 5, seed, CALLBACK)) for seed in (1, 1, 2))
    assert first == again != other
    assert [len(day) for day in first] == [5] * 4
    assert all(sum(month.DRAFT in body["tags"] for body in day) == 1 for day in first)
    names = [body["externalId"] for day in first for body in day]
    assert len(set(names)) == len(names)


def test_damage_takes_or_changes_each_file_and_leaves_its_other_names(tmp_path: Path) -> None:
    files = [tmp_path / str(number) for number in range(20)]
    for file in files:
        file.write_bytes(b"content")
        os.link(file, file.with_suffix(".other"))
    month.damage(files, random.Random(1))  # noqa: S311 - nothing secret
    left = [file for file in files if file.exists()]
    assert 0 < len(left) < len(files)
    assert all(file.read_bytes() != b"content" and file.stat().st_size == 7 for file in left)
    assert all(file.with_suffix(".other").read_bytes() == b"content" for file in files)
