"""Names for people: the same on every run, for two results never the same, whatever a document says."""

import random
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pathvalidate import is_valid_filename

from archive.names import naming, templates
from archive.results import Kept
from orchestration.wire import JsonObject

HEARD_AT = datetime(2026, 11, 22, 8, 30, tzinfo=UTC)
DOCUMENT: JsonObject = {
    "id": "wf_1",
    "createdAt": "2026-03-04T05:06:07.1234567Z",
    "tags": ["Alpha Team", "beta"],
    "steps": [
        {"name": "first", "input": {"params": {"prompt": "A red FOX, in: the snow", "seed": 42}}},
        {"name": "second-step", "input": {}},
    ],
}


def kept(
    path: str = "output.images[0]", step: str = "first", media_type: str | None = "image/png", **facts: Any
) -> Kept:
    """A stored result; with `digest=None` one that is not."""
    told: dict[str, Any] = dict.fromkeys(Kept.__dataclass_fields__)
    told |= {"step": step, "path": path, "role": "result", "kind": "image", "digest": "ab" * 32, "size": 3}
    return Kept(**(told | {"media_type": media_type, "next_attempt_at": HEARD_AT} | facts))


def named(template: str, *results: Kept, workflow_id: str = "wf_1", document: JsonObject = DOCUMENT) -> list[str]:
    files = naming.files(templates.parse(template), workflow_id, HEARD_AT, document, results)
    return [file.name for file in files]


def test_the_default_says_when_what_and_which() -> None:
    assert named(templates.DEFAULT, kept()) == ["2026/03/04/a_red_fox_in_the_snow-wf_1-first-001.png"]


@pytest.mark.parametrize(
    ("template", "name"),
    [
        ("{date}/{workflow}", "2026-03-04/wf_1"),
        ("{workflow}-{year}{month}{day}{hour}{minute}{second}", "wf_1-20260304050607"),
        ("{workflow}-{step}", "wf_1-first"),
        ("{workflow}-{seed}", "wf_1-42"),
        ("{workflow}-{tag}", "wf_1-alpha_team"),
        ("{workflow}-{kind}.{extension}", "wf_1-image.png"),
    ],
)
def test_every_field_is_filled_from_the_workflow(template: str, name: str) -> None:
    assert named(template, kept()) == [name]


def test_what_a_workflow_does_not_say_is_named_as_missing() -> None:
    template = "{date}/{workflow}-{prompt}-{seed}-{tag}-{kind}.{extension}"
    names = named(template, kept(kind=None, media_type=None), document={})
    assert names == ["2026-11-22/wf_1-no_prompt-no_seed-no_tag-file.bin"]


def test_a_step_without_a_prompt_takes_its_workflow_s() -> None:
    assert named("{workflow}-{prompt}", kept(step="second-step")) == ["wf_1-a_red_fox_in_the_snow"]


def test_results_are_numbered_within_their_step_in_the_order_of_their_paths() -> None:
    results = [kept(f"output.images[{number}]") for number in (10, 2, 0)] + [kept(step="second-step")]
    names = named("{workflow}-{step}-{index}", *results)
    assert names == ["wf_1-first-003", "wf_1-first-002", "wf_1-first-001", "wf_1-second_step-001"]


def test_what_is_not_stored_has_no_name_and_keeps_its_number() -> None:
    results = [kept("output.images[0]", digest=None, size=None), kept("output.images[1]")]
    assert named("{workflow}-{index}", *results) == ["wf_1-002"]


def test_two_results_that_would_share_a_name_are_told_apart_and_a_third_is_left_alone() -> None:
    results = [kept("output.images[0]"), kept("output.images[1]"), kept(media_type="video/mp4")]
    first, second, third = named("{workflow}.{extension}", *results)
    assert third == "wf_1.mp4"
    assert len({first, second}) == 2
    for name in (first, second):
        assert name.startswith("wf_1-")
        assert name.endswith(".png")


def test_names_that_differ_in_case_alone_are_told_apart() -> None:
    results = [kept(step="Straße"), kept(step="STRASSE")]
    names = named("{workflow}-{step}", *results)
    assert len({name.casefold() for name in names}) == 2


def test_a_template_that_cannot_tell_workflows_apart_gets_help() -> None:
    (one,), (other,) = (named("{prompt}.{extension}", kept(), workflow_id=each) for each in ("wf_1", "wf_2"))
    assert one != other
    assert one.startswith("a_red_fox_in_the_snow-")
    assert one.endswith(".png")


@given(st.lists(st.tuples(st.text(), st.text()), unique=True, max_size=8), st.randoms(use_true_random=False))
def test_names_do_not_depend_on_the_order_and_are_never_the_same(
    places: list[tuple[str, str]], chance: random.Random
) -> None:
    results = [kept(path, step) for step, path in places]
    shuffled = chance.sample(results, len(results))
    for template in ("{prompt}.{extension}", "{workflow}/{step}.{extension}", templates.DEFAULT):
        names = dict(zip(places, named(template, *results), strict=True))
        again = named(template, *shuffled)
        assert names == dict(zip([(each.step, each.path) for each in shuffled], again, strict=True))
        assert len({name.casefold() for name in names.values()}) == len(places)


@given(st.text(min_size=1), st.text(min_size=1), st.text(), st.text())
def test_hostile_workflows_get_names_that_stay_below_and_apart(one: str, other: str, prompt: str, tag: str) -> None:
    document = {"tags": [tag], "steps": [{"name": "first", "input": {"prompt": prompt, "seed": tag}}]}
    for template in ("{prompt}-{workflow}-{tag}", "{tag}/{workflow}/{seed}.{extension}", "{workflow}{tag}"):
        names = [named(template, kept(), workflow_id=each, document=document)[0] for each in (one, other)]
        assert (names[0] == names[1]) == (one == other)
        for each in names[0].split("/"):
            assert is_valid_filename(each, platform="universal"), each


def test_a_prompt_as_deep_or_long_as_can_be_holds_nothing_up() -> None:
    deep: dict[str, Any] = {"prompt": 1.5}
    for _ in range(1000):
        deep = {"a": deep, "b": [deep] * 3}
    document = {"steps": [{"name": "first", "input": deep}, {"name": "b", "input": {"prompt": "x" * 10_000_000}}]}
    assert named("{workflow}-{prompt}", kept(), document=document) == ["wf_1-" + "x" * 60]


def test_a_prompt_is_found_in_one_place_whatever_the_order_of_keys() -> None:
    parts = {"b": {"prompt": "of b"}, "a": {"prompt": "of a"}}
    for asked in (parts, dict(reversed(parts.items()))):
        document = {"steps": [{"name": "first", "input": asked}]}
        assert named("{workflow}-{prompt}", kept(), document=document) == ["wf_1-of_a"]
