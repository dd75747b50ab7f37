"""Rules of retention: what operators may write, and what is said of mistakes."""

from datetime import timedelta

import pytest

from archive import retention
from archive.retention import Rule, RuleError


def test_rules_are_read_from_toml() -> None:
    text = """
        [old-drafts]
        delete = "contents"
        older_than = "90d"
        tags = ["draft", "test"]
        nsfw_levels = ["x"]
        kinds = "video"

        [old-events]
        delete = "events"
        older_than = "52 w"
        dead = true
    """
    assert retention.parse(text) == (
        Rule("old-drafts", "contents", timedelta(days=90), ("draft", "test"), ("x",), ("video",)),
        Rule("old-events", "events", timedelta(weeks=52), dead=True),
    )
    assert retention.parse("") == ()


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[a", "is not TOML"),
        ('delete = "contents"', "has 'delete', which is no rule"),
        ('["a b"]\ndelete = "contents"', "has 'a b', which is no rule"),
        ("[a]", "lets 'a' delete None, which is none of contents, events and quarantine"),
        ('[a]\ndelete = "all"', "lets 'a' delete 'all'"),
        ('[a]\ndelete = "contents"', "'a' would delete all contents: give it older_than, tags"),
        ('[a]\ndelete = "contents"\ntags = []', "'a' would delete all contents"),
        ('[a]\ndelete = "contents"\ndead = true', "'a' would delete all contents"),
        ('[a]\ndelete = "contents"\nolder_then = "1d"', "says 'older_then' of 'a', which we do not know; a rule says"),
        ('[a]\ndelete = "contents"\nolder_than = 90', "has the time 90, which is not like 12h, 90d or 8w"),
        ('[a]\ndelete = "contents"\nolder_than = "-1d"', "has the time '-1d'"),
        ('[a]\ndelete = "contents"\ntags = [1]', "has tags in 'a' that are not a list of texts"),
        ('[a]\ndelete = "contents"\ntags = ["\\u0000"]', "has tags in 'a' that are not a list of texts"),
        ('[a]\ndelete = "contents"\ntags = ["b"]\ndead = "no"', "says that dead is 'no' in 'a'"),
        ('[a]\ndelete = "quarantine"\nolder_than = "1d"\ntags = ["b"]', "'a' is for quarantine, of which nothing is"),
    ],
)
def test_a_mistake_is_told_in_words(text: str, fault: str) -> None:
    with pytest.raises(RuleError) as caught:
        retention.parse(text)
    assert str(caught.value).startswith(fault)


@pytest.mark.parametrize(
    ("text", "time"), [("0s", 0), ("90 s", 90), ("2m", 120), ("1h", 3600), ("1d", 86400), ("2w", 14 * 86400)]
)
def test_a_time_has_a_unit(text: str, time: int) -> None:
    assert retention.duration(text).total_seconds() == time
