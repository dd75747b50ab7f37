"""Settings: each variable, each way to get it wrong, and no secret in what is shown."""

from collections.abc import Callable
from pathlib import Path

import pytest

from archive import settings

SECRET = "hush-secret-of-nobody"


def test_an_empty_environment_has_defaults_for_all_that_can_have_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    config = settings.read({})
    assert config.api_url == "https://orchestration.civitai.com"
    assert config.home == tmp_path / ".archive"
    assert config.storage_url == (tmp_path / ".archive" / "storage").as_uri()
    assert config.receiver_port == 8000
    assert config.blob_allow_private is False
    assert config.callback_secrets == ()
    assert (config.api_token, config.database_url, config.redis_url, config.public_url) == (None, None, None, None)


def test_every_variable_is_read(tmp_path: Path) -> None:
    config = settings.read(
        {
            "CIVITAI_API_TOKEN": "token",
            "CIVITAI_API_URL": "https://orchestration-new.civitai.com/",
            "DATABASE_URL": "postgresql://archive:pw@db/archive",
            "REDIS_URL": "rediss://cache:6380/1",
            "STORAGE_URL": "file:///srv/archive/",
            "CALLBACK_SECRETS": f" main:{SECRET} , old:{SECRET}x ,",
            "PUBLIC_URL": "https://archive.example.org/hooks/",
            "ARCHIVE_HOME": str(tmp_path),
            "BLOB_ALLOW_PRIVATE": "True",
            "RECEIVER_PORT": "8001",
            "RECEIVER_METRICS": "[::1]:9465",
            "RECEIVER_SPOOL_BYTES": "0",
            "TRUSTED_PROXIES": " 10.0.0.0/8, 2001:db8::1 ,",
        }
    )
    assert config.required_api_token().reveal() == "token"
    assert config.api_url == "https://orchestration-new.civitai.com"
    assert config.required_database_url() == "postgresql://archive:pw@db/archive"
    assert config.required_redis_url() == "rediss://cache:6380/1"
    assert config.storage_url == "file:///srv/archive"
    assert [(one.source, one.secret.reveal()) for one in config.required_callback_secrets()] == [
        ("main", SECRET),
        ("old", f"{SECRET}x"),
    ]
    assert config.required_public_url() == "https://archive.example.org/hooks"
    assert (config.home, config.blob_allow_private, config.receiver_port) == (tmp_path, True, 8001)
    assert (config.receiver_metrics, config.spool_bytes) == (("::1", 9465), 0)
    assert [str(network) for network in config.trusted_proxies] == ["10.0.0.0/8", "2001:db8::1/128"]


def test_the_older_name_of_the_token_works_and_yields_to_the_newer() -> None:
    assert settings.read({"CIVITAI_API_KEY": "old"}).required_api_token().reveal() == "old"
    both = {"CIVITAI_API_KEY": "old", "CIVITAI_API_TOKEN": "new"}
    assert settings.read(both).required_api_token().reveal() == "new"


@pytest.mark.parametrize("variable", sorted(settings.EXAMPLES))
def test_every_example_is_right(variable: str) -> None:
    if variable not in ("CIVITAI_API_TOKEN", "CIVITAI_API_KEY"):  # theirs is a description
        settings.read({variable: settings.EXAMPLES[variable]})


@pytest.mark.parametrize(
    ("variable", "ask"),
    [
        ("CIVITAI_API_TOKEN", settings.Settings.required_api_token),
        ("DATABASE_URL", settings.Settings.required_database_url),
        ("REDIS_URL", settings.Settings.required_redis_url),
        ("CALLBACK_SECRETS", settings.Settings.required_callback_secrets),
        ("PUBLIC_URL", settings.Settings.required_public_url),
    ],
)
def test_what_is_missing_is_asked_for(variable: str, ask: Callable[[settings.Settings], object]) -> None:
    with pytest.raises(settings.SettingsError, match=rf"^{variable} is not set.*Example: {variable}="):
        ask(settings.read({}))


def test_what_is_read_shows_no_secret() -> None:
    config = settings.read(
        {
            "CIVITAI_API_TOKEN": "civitai-token",
            "DATABASE_URL": "postgresql://archive:database-password@db/archive",
            "REDIS_URL": "redis://:redis-password@cache/0",
            "CALLBACK_SECRETS": f"main:{SECRET}",
        }
    )
    for shown in (repr(config), str(config), f"{config.api_token}", repr(config.callback_secrets)):
        for secret in ("civitai-token", "database-password", "redis-password", SECRET):
            assert secret not in shown


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        settings.read({}).receiver_port = 1  # type: ignore[misc]
