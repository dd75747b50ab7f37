from pathlib import Path

import pytest

from archive import settings
from archive.catalogue import Content
from gateway import signing

CONTENT = Content("a/b?c.png", bytes(32), 1, None, None)


def test_a_key_is_made_once_for_a_home_and_is_its_owners_alone(tmp_path: Path) -> None:
    config = settings.read({"ARCHIVE_HOME": str(tmp_path / "home")})
    first, second = signing.open_signer(config), signing.open_signer(config)
    assert first.key == second.key
    assert len(first.key) == 32
    (file,) = (tmp_path / "home").iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    other = signing.open_signer(settings.read({"ARCHIVE_HOME": str(tmp_path / "other")}))
    assert other.key != first.key


def test_a_secret_of_the_settings_is_used_and_nothing_is_written(tmp_path: Path) -> None:
    told = {"ARCHIVE_HOME": str(tmp_path), "GATEWAY_SIGNING_SECRET": "s" * 32}
    signer = signing.open_signer(settings.read(told))
    assert signer == signing.open_signer(settings.read(told))
    assert list(tmp_path.iterdir()) == []
    assert "key" not in repr(signer)


def test_an_address_is_good_for_its_blob_alone() -> None:
    signer = signing.Signer(b"k" * 32)
    link = signer.link("https://g.example", CONTENT)
    assert link.url.startswith("https://g.example/v2/consumer/blobs/a%2Fb%3Fc.png?sig=")
    assert link.expires_at is not None
    signature = signer.sign(CONTENT.name, link.expires_at)
    assert signature in link.url
    assert signer.allows(CONTENT.name, signature, link.expires_at)
    assert not signer.allows("another", signature, link.expires_at)
    assert not signing.Signer(b"l" * 32).allows(CONTENT.name, signature, link.expires_at)


@pytest.mark.parametrize("expires_at", ["2020-01-01T00:00:00Z", "", "soon", "9999"])
def test_what_has_expired_or_never_does_is_refused(expires_at: str) -> None:
    signer = signing.Signer(b"k" * 32)
    assert not signer.allows("a", signer.sign("a", expires_at), expires_at)
