"""Repeatable chance."""

import random


def dice(seed: int = 0) -> random.Random:
    return random.Random(seed)  # noqa: S311 (no secret)
