import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration import errors


@pytest.mark.parametrize(
    ("status", "meaning"),
    [
        (301, errors.Unreachable),
        (302, errors.Unreachable),
        (308, errors.Unreachable),
        (400, errors.Permanent),
        (401, errors.CredentialError),
        (402, errors.Permanent),
        (403, errors.CredentialError),
        (404, errors.NotFound),
        (408, errors.ServerError),
        (409, errors.Conflict),
        (410, errors.Permanent),
        (418, errors.Permanent),
        (422, errors.Permanent),
        (429, errors.RateLimited),
        (500, errors.ServerError),
        (503, errors.ServerError),
        (599, errors.ServerError),
    ],
)
def test_a_status_of_the_api_has_its_place_in_the_tree(status: int, meaning: type[errors.OrchestrationError]) -> None:
    assert type(errors.from_answer(status, b"", call="get workflow", url="https://api.example")) is meaning


def test_an_error_carries_its_facts_and_says_them() -> None:
    error = errors.from_answer(
        429, b'"slow down"', call="get workflow", id="wf_1", url="https://api.example/w/wf_1?wait=3", retry_after=7
    )
    assert isinstance(error, errors.RateLimited)
    assert (error.call, error.id, error.url) == ("get workflow", "wf_1", "https://api.example/w/wf_1")
    assert (error.status, error.detail, error.retry_after) == (429, "slow down", 7)
    assert str(error) == (
        "Civitai asks for fewer calls, try again later"
        " (get workflow wf_1; https://api.example/w/wf_1; HTTP 429; slow down)."
    )


def test_a_message_of_ones_own_is_the_whole_message() -> None:
    assert str(errors.TooLarge("It has 3 GB, we take 2.", status=200)) == "It has 3 GB, we take 2."


def test_without_facts_the_sentence_stands_alone() -> None:
    assert str(errors.NotFound()) == "Civitai does not know it, or no more."


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b"", None),
        (b"<html>Bad gateway</html>", None),
        (b"[1]", None),
        (b"{}", None),
        (b'"Workflow not found"', "Workflow not found"),
        (b"no healthy upstream\r\n", "no healthy upstream"),
        (b'{"title": "Bad Request", "detail": "No steps"}', "Bad Request: No steps"),
        (
            b'{"title": "Invalid", "errors": {"steps[0].input": ["is missing", "is odd"], "tags": "too many"}}',
            "Invalid: steps[0].input: is missing, is odd: tags: too many",
        ),
        (b'"red \\u001b[31m\\nalert\\u0000"', "red [31m alert"),
    ],
)
def test_what_an_error_says_is_read_from_its_body(body: bytes, detail: str | None) -> None:
    assert errors.problem(body) == detail


def test_signatures_and_secrets_are_struck_from_what_is_said() -> None:
    body = json.dumps({"detail": "'https://me:pw@a.example/callbacks?token=SECRET' must be public"}).encode()
    assert errors.problem(body) == "'https://a.example/callbacks' must be public"
    assert errors.without_secrets("https://me:pw@a.example/b?sig=S#f") == "https://a.example/b"
    assert "SECRET" not in str(errors.UrlExpired(url="https://a.example/b?sig=SECRET"))


@given(st.one_of(st.binary(), st.text(st.characters()).map(lambda text: json.dumps(text).encode())))
def test_a_detail_is_one_printable_line_of_bounded_length(body: bytes) -> None:
    detail = errors.problem(body)
    assert detail is None or (detail.isprintable() and len(detail) <= 500)


@given(st.text(st.characters()))
def test_any_text_can_be_shown_as_a_url(url: str) -> None:
    assert errors.without_secrets(url).isprintable()
