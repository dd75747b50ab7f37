"""Who speaks, by the query of the URL."""

from archive import settings
from archive.access import Access
from receiver import callers
from receiver.callers import Caller, Callers
from tests.conftest import OTHER_SECRET, SECRET

ALLOWED = Access(
    [
        settings.CallbackSecret("first", settings.Secret(SECRET)),
        settings.CallbackSecret("other", settings.Secret(OTHER_SECRET)),
    ]
)


def query(text: str) -> bytes:
    return text.encode()


def test_a_secret_tells_whose_it_is_and_the_rest_of_the_query_is_kept() -> None:
    known = Callers(ALLOWED)
    told = query(f"run=1&token={OTHER_SECRET}&run=2&empty=")
    assert known.of(told) == Caller("other", {"run": ["1", "2"], "empty": [""]}) == known.of(told)


def test_a_stranger_stays_one_however_often_they_ask() -> None:
    known = Callers(ALLOWED)
    for text in ("", "token=", "token=wrong", f"Token={SECRET}", f"token={SECRET}x"):
        assert known.of(query(text)) is None
        assert known.of(query(text)) is None


def test_the_secret_is_struck_from_what_else_the_query_says() -> None:
    caller = Callers(ALLOWED).of(query(f"token={SECRET}&copy={OTHER_SECRET}"))
    assert caller == Caller("first", {"copy": ["***"]})


def test_what_is_remembered_is_bounded_in_number_and_length() -> None:
    known = Callers(ALLOWED)
    for number in range(callers.KNOWN_AT_MOST + 10):
        assert known.of(query(f"token={SECRET}&n={number}")) == Caller("first", {"n": [str(number)]})
    assert len(known._known) == callers.KNOWN_AT_MOST
    long = Callers(ALLOWED)
    assert long.of(query(f"token={SECRET}&n={'x' * callers.KNOWN_BYTES}")) is not None
    assert not long._known
