"""Civitai's levels of maturity, from `pg` to `xxx`; `na` and words that we do not know are no level."""

LEVELS = ("pg", "pg13", "r", "x", "xxx")

_RANKS = {level: rank for rank, level in enumerate(LEVELS)}
_FLAGS = {"1": "pg", "2": "pg13", "4": "r", "8": "x", "16": "xxx"}
"""The older spelling: a bit for each."""


def is_mature(level: str | None) -> bool:
    """Whether content of this level is hidden from who asks for none that is mature."""
    rank = _rank(level)
    return rank is not None and rank >= _RANKS["r"]


def is_within(level: str | None, limit: str) -> bool:
    """Whether content of this level may be shown to who allows at most `limit`; what has no level may not."""
    rank, allowed = _rank(level), _rank(limit)
    return rank is not None and allowed is not None and rank <= allowed


def _rank(level: str | None) -> int | None:
    word = (level or "").lower()
    return _RANKS.get(_FLAGS.get(word, word))
