"""Settings: each variable, each way to get it wrong, and no secret in what is shown."""

from collections.abc import Callable
from pathlib import Path

import pytest

from archive import settings

SECRET = "hush-secret-of-nobody"
WRONG = {
    "CIVITAI_API_TOKEN": ["hush words", "hush\nbreak", "hüsh"],
    "CIVITAI_API_KEY": ["hush words"],
    "CIVITAI_API_URL": [
        "orchestration.civitai.com",
        "ftp://orchestration.civitai.com",
        "http://orchestration.civitai.com",
        "http://127.0.0.1.evil.example",
        "http://localhost.evil.example",
        "https://",
        "https://[half",
        "https://host:port",
        "https://host:99999",
        "https://host/?a=b",
        "https://host/#a",
        "https://user:hush@host",
        "https://host:0",
    ],
    "DATABASE_URL": [
        "mysql://localhost/archive",
        "postgresql:archive",
        "localhost",
        "postgresql://u:hush@h:port/a",
        "postgresql://u:hu@sh@h/a",
        "postgresql://u:hush@[half/a",
        "postgresql://u:hush@h/a?nonsense=1",
        "postgresql://u:hush@h/a?sslmode=perhaps",
        "postgresql://u:hush@h/a?sslmode=require&sslmode=prefer",
    ],
    "REDIS_URL": [
        "http://localhost",
        "localhost:6379",
        "redis://:hush@localhost:port",
        "redis://:hush@localhost:6379/first",
        "redis://:hush@localhost?db=first",
        "redis://[half",
    ],
    "STORAGE_URL": [
        "/srv/archive",
        "s3://",
        "s3:///prefix",
        "s3://key:hush@bucket/prefix",
        "s3://UPPER/prefix",
        "s3://bucket/a//b",
        "s3://bucket/a?b",
        "file://srv/archive",
        "file:srv/archive",
        "file:///",
        "file:///srv/archive?x",
        "file:///srv/#1",
        "file:///srv/%00",
        "file://[half/",
    ],
    "BROWSE_TEMPLATE": ["{promt}", "../{prompt}", "/{prompt}", "hush", "OFF"],
    "PRUNE_RULES": ["hush", "a = 1", 'a = {delete = "everything"}', 'a = {delete = "events"}'],
    "PRUNE_GRACE": ["soon", "1", "-1d", "1y"],
    "PUBLIC_URL": [
        "archive.example.org",
        "http://archive.example.org",
        "https://",
        "https://[half",
        "https://host:99999",
        "https://host/?token=x",
    ],
    "ARCHIVE_HOME": ["~nobody-of-this-name/archive"],
    "BLOB_ALLOW_PRIVATE": ["yes", "1", "tru"],
    "RECEIVER_METRICS": ["9464", "127.0.0.1", "127.0.0.1:", "127.0.0.1:0", ":9464", "127.0.0.1:http"],
    "VERIFY_BYTES_PER_DAY": ["-1", "10 GB", "all"],
    "RECEIVER_SPOOL_BYTES": ["-1", "1.5", "1GB", "1e9", "9" * 16],
    "TRUSTED_PROXIES": ["proxy", "10.0.0.1/8", "10.0.0.0/33", "10.0.0.0-10.0.0.9", "10.0.0.1;10.0.0.2"],
    "RECEIVER_PORT": ["0", "65536", "-1", "8000.0", "http", "٨٠٠٠", "9" * 5000],
    "GATEWAY_PORT": ["0", "http"],
    "MCP_PORT": ["65536", "-1"],
    "GATEWAY_METRICS": ["9466", ":9466"],
    "GATEWAY_URL": [
        "gateway.example.org",
        "ftp://gateway.example.org",
        "https://",
        "https://host/?a",
        "http://u:hush@h",
    ],
    "GATEWAY_SIGNING_SECRET": ["hush", "hush" * 7],
    "GATEWAY_ACCEL_REDIRECT": ["stored", "/", "//stored", "/sto red", "/stored?x", "/stored\r\nX: y"],
    "CALLBACK_SECRETS": [
        SECRET,
        f"Main:{SECRET}",
        f":{SECRET}",
        f"-main:{SECRET}",
        f"{'n' * 64}:{SECRET}",
        "main:",
        "main:short",
        "main:with a space in it!",
        f"main:{SECRET}%20",
        f'main:{SECRET}"',
        f"main:{SECRET}:{SECRET}",
        f"main:{SECRET},main:{SECRET}x",
        f"main:{SECRET},other:{SECRET}",
        f"main:{SECRET};other:{SECRET}x",
    ],
}
"""Whatever is secret in these has "hush" in it."""


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


@pytest.mark.parametrize(("variable", "value"), [(name, value) for name, values in WRONG.items() for value in values])
def test_a_wrong_value_ends_in_a_sentence_that_names_the_variable_and_gives_an_example(
    variable: str, value: str
) -> None:
    with pytest.raises(settings.SettingsError) as caught:
        settings.read({variable: value})
    said = str(caught.value)
    assert caught.value.variable == variable
    assert said.startswith(f"{variable} ")
    assert said.endswith(f"Example: {variable}={settings.EXAMPLES[variable]}")
    assert "\n" not in said
    assert "hush" not in said
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("variable", sorted(settings.EXAMPLES))
def test_every_example_is_right(variable: str) -> None:
    if variable not in ("CIVITAI_API_TOKEN", "CIVITAI_API_KEY"):  # theirs is a description
        settings.read({variable: settings.EXAMPLES[variable]})


@pytest.mark.parametrize("value", ["http://localhost:9000", "http://127.0.0.1:9000", "http://[::1]:9000"])
def test_plain_http_will_do_on_this_machine(value: str) -> None:
    config = settings.read({"CIVITAI_API_URL": value, "PUBLIC_URL": value})
    assert (config.api_url, config.public_url) == (value, value)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("DATABASE_URL", "postgres://archive@/archive?host=/run/archive&port=5432"),
        ("DATABASE_URL", "postgres://archive@db/archive?sslmode=verify-full&target_session_attrs=read-write"),
        ("DATABASE_URL", "postgresql://archive:p%40ss:w/rd#@[::1]:5432/archive"),
        ("REDIS_URL", "unix:///run/archive/valkey.sock"),
        ("REDIS_URL", "redis://:pass%2Fword@[::1]:6379/3"),
        ("REDIS_URL", "redis://localhost"),
    ],
)
def test_the_servers_may_be_reached_in_every_usual_way(variable: str, value: str) -> None:
    config = settings.read({variable: value})
    assert config.database_url == settings.Secret(value) or config.redis_url == settings.Secret(value)


@pytest.mark.parametrize("variable", sorted(settings.EXAMPLES))
def test_every_variable_can_be_given_as_a_file(variable: str, tmp_path: Path) -> None:
    file = tmp_path / "value"
    value = settings.EXAMPLES[variable].replace(" ", "-")
    file.write_text(f"{value}\n", encoding="utf-8")
    assert settings.read({f"{variable}_FILE": str(file)}) == settings.read({variable: value})


@pytest.mark.parametrize("variable", sorted(settings.EXAMPLES))
def test_a_variable_and_its_file_at_once_are_refused(variable: str, tmp_path: Path) -> None:
    with pytest.raises(settings.SettingsError, match=rf"^{variable} and {variable}_FILE are both set"):
        settings.read({variable: settings.EXAMPLES[variable], f"{variable}_FILE": str(tmp_path / "value")})


def test_a_file_that_cannot_be_read_is_named_with_the_reason(tmp_path: Path) -> None:
    binary = tmp_path / "binary"
    binary.write_bytes(b"\xff\xfe")
    for path, reason in ((tmp_path / "absent", "No such file"), (tmp_path, "Is a directory"), (binary, "not UTF-8")):
        with pytest.raises(settings.SettingsError, match=f"^CALLBACK_SECRETS cannot be read from .*{reason}") as caught:
            settings.read({"CALLBACK_SECRETS_FILE": str(path)})
        assert str(path) in str(caught.value)


def test_an_empty_value_or_an_empty_file_is_as_good_as_none(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.write_text("\n", encoding="utf-8")
    nothing = dict.fromkeys(settings.EXAMPLES, "") | {"CALLBACK_SECRETS_FILE": str(empty)}
    assert settings.read(nothing) == settings.read({})


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
