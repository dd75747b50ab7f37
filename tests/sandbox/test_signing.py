from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

from sandbox import signing

NOW = datetime(2026, 1, 21, 22, 21, 26, 332_000, UTC)


def signer(key: bytes = b"key") -> signing.Signer:
    return signing.Signer("http://127.0.0.1:1", timedelta(seconds=60), key)


def parts(url: str) -> tuple[str, str, str]:
    """The path, the signature and the expiry of a signed URL."""
    split = urlsplit(url)
    query = parse_qs(split.query)
    return split.path, query["sig"][0], query["exp"][0]


def test_a_url_is_good_for_its_lifetime_and_no_longer() -> None:
    for moment, seconds, good in [
        (NOW, None, True),
        (NOW - timedelta(seconds=61), None, False),
        (NOW, 0.0, False),
        (NOW - timedelta(seconds=61), 90.0, True),
    ]:
        _, signature, expires = parts(signer().url("a", moment, seconds))
        assert signer().allows("a", signature, expires, NOW) == good


def test_neither_the_blob_nor_the_time_nor_the_key_can_be_changed() -> None:
    _, signature, expires = parts(signer().url("a", NOW))
    assert signer().allows("a", signature, expires, NOW)
    assert not signer().allows("b", signature, expires, NOW)
    assert not signer().allows("a", signature, expires.replace("20", "21", 1), NOW)
    assert not signer(b"other").allows("a", signature, expires, NOW)
    assert not signer().allows("a", "ü", "soon", NOW)


def test_an_odd_id_is_escaped() -> None:
    path, _, _ = parts(signer().url("a/b?c", NOW))
    assert path == "/blobs/a%2Fb%3Fc"


def test_the_key_is_never_shown() -> None:
    assert "secret-key" not in repr(signer(b"secret-key"))
