from pathlib import Path

import pytest

from cli import machine
from embedded.supervisor import Supervisor


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("DATABASE_URL", "REDIS_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ARCHIVE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_the_home_that_is_up_completes_what_is_not_set(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Supervisor(home, durable=False) as addresses:
        config = machine.read_settings()
        assert config.required_database_url() == addresses.database_url
        assert config.required_redis_url() == addresses.redis_url
        monkeypatch.setenv("DATABASE_URL", "postgresql://elsewhere/archive")
        config = machine.read_settings()
        assert config.required_database_url() == "postgresql://elsewhere/archive"
        assert config.required_redis_url() == addresses.redis_url
    monkeypatch.delenv("DATABASE_URL")
    assert machine.read_settings().database_url is None


def test_a_home_that_is_not_up_completes_nothing(home: Path) -> None:
    config = machine.read_settings()
    assert (config.home, config.database_url, config.redis_url) == (home, None, None)
    assert not home.exists()
