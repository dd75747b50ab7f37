"""Access: who is let in, and that the secret stays outside whatever is kept."""

import hmac
import json
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive import access, settings

FIRST, OTHER = "first-secret-of-the-tests", "other-secret-of-the-tests"
ROTATED = "rotated-away-long-ago"


def allowed(**secrets: str) -> access.Access:
    return access.Access(settings.CallbackSecret(name, settings.Secret(secret)) for name, secret in secrets.items())


def test_each_secret_opens_under_its_own_name() -> None:
    both = allowed(first=FIRST, other=OTHER)
    assert both.source_of(FIRST) == "first"
    assert both.source_of(OTHER) == "other"


@pytest.mark.parametrize(
    "token", ["", FIRST[:-1], FIRST + "x", FIRST.upper(), f"{FIRST},{OTHER}", "\x00", "\ud800", "ß"]
)
def test_nothing_else_opens(token: str) -> None:
    assert allowed(first=FIRST, other=OTHER).source_of(token) is None


def test_with_no_secret_nobody_is_let_in() -> None:
    assert allowed().source_of("") is None


def test_every_secret_is_compared_with_a_token_in_constant_time_even_after_a_match(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compared: list[tuple[int, int]] = []
    compare = hmac.compare_digest

    def noting(one: bytes, other: bytes) -> bool:
        compared.append((len(one), len(other)))
        return compare(one, other)

    monkeypatch.setattr("hmac.compare_digest", noting)
    both = allowed(first=FIRST, other=OTHER)
    for token in (FIRST, OTHER, "", "x" * 10_000):
        both.source_of(token)
    assert compared == [(32, 32)] * 8  # digests of one length, so that not even the secret's length is told


def test_no_access_shows_its_secrets() -> None:
    assert FIRST not in repr(allowed(first=FIRST))


def test_every_occurrence_of_every_secret_is_struck_from_a_body() -> None:
    body = f'{{"a":"{FIRST}","b":["x{OTHER}y{FIRST}"]}}'.encode()
    assert allowed(first=FIRST, other=OTHER).strike(body) == b'{"a":"***","b":["x***y***"]}'


def test_a_body_without_a_secret_stays_as_it_is_whatever_its_bytes() -> None:
    body = bytes(range(256))
    assert allowed(first=FIRST).strike(body) == body


def test_a_secret_that_begins_with_another_is_struck_whole() -> None:
    for secrets in ({"short": FIRST, "long": f"{FIRST}-2026"}, {"long": f"{FIRST}-2026", "short": FIRST}):
        assert allowed(**secrets).strike(f"<{FIRST}-2026>".encode()) == b"<***>"


@pytest.mark.parametrize(
    "query", [f"token={ROTATED}", f"run=7&token={ROTATED}&topic=a", f"TOKEN={ROTATED}", f"token={ROTATED}#part"]
)
def test_the_token_of_any_callback_url_is_struck_from_a_document_ours_or_rotated_away(query: str) -> None:
    url = f"https://archive.example.org/callbacks?{query}"
    document = {
        "id": "wf",
        "callbackUrl": url,
        "callbacks": [{"url": url, "type": ["workflow:*"]}, {"url": None}, "strange", {"type": []}],
    }
    struck = allowed(first=FIRST).strike_document(document)
    assert ROTATED not in json.dumps(struck)
    assert struck["callbacks"][0]["url"] == url.replace(ROTATED, "***")
    assert struck["callbacks"][0]["type"] == ["workflow:*"]
    assert struck["callbacks"][1:] == document["callbacks"][1:]
    assert document["callbackUrl"] == url  # what was given is not touched


def test_a_secret_of_ours_is_struck_wherever_a_document_holds_it() -> None:
    document = {
        "metadata": {"hook": {"nested": [f"https://x/?token={FIRST}"]}, OTHER: 1},
        "steps": [{"input": {"prompt": f"say {OTHER}"}}],
    }
    struck = allowed(first=FIRST, other=OTHER).strike_document(document)
    assert struck == {
        "metadata": {"hook": {"nested": ["https://x/?token=***"]}, "***": 1},
        "steps": [{"input": {"prompt": "say ***"}}],
    }


@pytest.mark.parametrize("strange", [None, 7, "text", {"url": 1}, [[]]])
def test_a_strange_list_of_callbacks_passes_unharmed(strange: object) -> None:
    document = {"callbacks": strange, "callbackUrl": strange}
    assert allowed(first=FIRST).strike_document(document) == document


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(), JSON, max_size=4), st.text())
def test_a_document_with_the_secret_anywhere_comes_out_without_it_and_otherwise_the_same(
    document: dict[str, object], around: str
) -> None:
    keeper = allowed(first=FIRST)
    assert keeper.strike_document({**document, "m": [around]}) == {**document, "m": [around]}
    struck = keeper.strike_document({**document, "m": [around + FIRST + around]})
    assert struck == {**document, "m": [around + "***" + around]}


def test_the_url_to_register_is_one_that_opens() -> None:
    secret = settings.CallbackSecret("first", settings.Secret("a.b_c~d-e0123456789"))
    url = access.callback_url("https://archive.example.org/hooks", secret)
    assert url == "https://archive.example.org/hooks/callbacks?token=a.b_c~d-e0123456789"
    (token,) = parse_qs(urlsplit(url).query)["token"]
    assert access.Access([secret]).source_of(token) == "first"


def test_an_entry_for_callbacks_asks_for_every_event_in_detail() -> None:
    assert access.callbacks_entry("https://x/callbacks?token=t") == {
        "url": "https://x/callbacks?token=t",
        "type": ["workflow:*", "step:*", "job:*"],
        "detailed": True,
    }
