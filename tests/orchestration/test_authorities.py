import shutil
from pathlib import Path

import pytest

from orchestration import authorities, connection, errors
from tests.orchestration import servers


@pytest.fixture
def unnamed(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment that names no list of authorities."""
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def subjects() -> list[object]:
    return [certificate["subject"] for certificate in authorities.context().get_ca_certs()]


def test_the_world_s_authorities_are_believed_and_read_once(unnamed: pytest.MonkeyPatch) -> None:
    del unnamed
    assert len(subjects()) > 50
    assert authorities.context() is authorities.context()
    assert authorities.context().check_hostname


def test_the_environment_may_name_others(unnamed: pytest.MonkeyPatch, tmp_path: Path) -> None:
    world = authorities.context()
    shutil.copy(servers.CERTIFICATE, tmp_path / "one.pem")
    unnamed.setenv("SSL_CERT_FILE", str(tmp_path / "one.pem"))
    assert authorities.context() is not world
    unnamed.delenv("SSL_CERT_FILE")
    unnamed.setenv("SSL_CERT_DIR", str(tmp_path))
    assert subjects() == []  # those in a directory are read when one is needed


async def test_a_list_that_cannot_be_read_is_named_whatever_is_asked(
    unnamed: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with servers.serve_bytes(b"") as api:
        for content in (None, "no certificate"):
            if content is not None:
                (tmp_path / "list.pem").write_text(content)
            unnamed.setenv("SSL_CERT_FILE", str(tmp_path / "list.pem"))
            link = connection.Connection(api.replace("http", "https"), "t", timeout=5)
            for ask in (link.ask, link.open):
                with pytest.raises(errors.Unreachable, match="SSL_CERT_FILE or SSL_CERT_DIR names"):
                    await ask(connection.Call("get", "GET", "/a"))
            await link.aclose()
