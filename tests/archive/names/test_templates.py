"""Templates: what they may say, and what they say of mistakes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pathvalidate import is_valid_filename

from archive.names import templates

VALUES = {field: field.upper() for field in templates.FIELDS} | {"extension": "png"}


def test_a_template_is_filled_with_the_values_of_its_fields() -> None:
    template = templates.parse("by tag/{tag}/{date} {workflow}-{index}.{extension}")
    assert template.fill(VALUES) == ("by tag/TAG/DATE WORKFLOW-INDEX.png", False)
    assert template.fill(VALUES, mark="token") == ("by tag/TAG/DATE WORKFLOW-INDEX-token.png", False)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("{promt}.png", r"names the field \{promt\}, which we do not know; the fields are date, year, .* extension$"),
        ("{}.png", r"names the field \{\}"),
        ("{prompt", "has a { without its counterpart"),
        ("prompt}", "has a } without its counterpart"),
        ("{prompt.__class__}", r"names the field \{prompt.__class__\}"),
        ("{prompt!r:>9999999}", "names the field"),
        ("cat.png", "has no field"),
        ("", "begins or ends with a slash, or has two in a row"),
        ("/etc/{prompt}", "begins or ends with a slash"),
        ("{year}//{prompt}", "two in a row"),
        ("{prompt}/", "begins or ends with a slash"),
        ("../{prompt}", r"has the name '\.\.', which begins or ends as file names must not"),
        ("a/../../{prompt}", r"has the name '\.\.'"),
        ("./{prompt}", r"has the name '\.'"),
        (".hidden/{prompt}", "begins or ends as file names must not"),
        ("{prompt}. /x", "begins or ends as file names must not"),
        ("C:\\{prompt}", "holds ':'"),
        ("a\\{prompt}", r"holds '\\\\'"),
        ("a\n{prompt}", r"holds '\\n'"),
        ("a\u202e{prompt}", r"holds '\\u202e'"),
        ("a/b/c/d/e/{prompt}", "has 6 levels, and we make no more than 5"),
    ],
)
def test_a_mistake_is_told_in_words(text: str, fault: str) -> None:
    with pytest.raises(templates.TemplateError, match=fault):
        templates.parse(text)


PIECES = [*"{}/.-~ ab\\:\x00é", *(f"{{{field}}}" for field in templates.FIELDS)]


@given(st.lists(st.sampled_from(PIECES)).map("".join))
def test_whatever_a_template_says_its_paths_stay_below_their_directory(text: str) -> None:
    try:
        template = templates.parse(text)
    except templates.TemplateError:
        return
    path, _ = template.fill(VALUES)
    assert all(is_valid_filename(name, platform="universal") for name in path.split("/")), path
    assert not path.startswith("/")
    assert ".." not in path.split("/")


@pytest.mark.parametrize(
    ("text", "identifies"),
    [
        (templates.DEFAULT, True),
        ("{workflow}/{prompt}", True),
        ("{date}-{workflow}.{extension}", True),
        ("{prompt}/{workflow}-{index}", True),
        ("{prompt}.{extension}", False),
        ("{prompt}{workflow}", False),
        ("{workflow}_{step}", False),
        ("{workflow}-{workflow}", False),
        ("{workflow} {step}/{workflow}", True),
    ],
)
def test_a_template_identifies_workflows_where_their_id_stands_by_itself(text: str, identifies: bool) -> None:
    assert templates.parse(text).identifies_workflow == identifies


def test_a_path_is_never_too_long_for_a_bucket() -> None:
    template = templates.parse("/".join(["{prompt}{prompt}{prompt}"] * templates.MAX_LEVELS))
    path, was_cut = template.fill(VALUES | {"prompt": "夜" * 60}, mark="token67890")
    assert was_cut
    assert path.endswith("-token67890")
    assert len(path.encode()) <= 1024
