"""What variables may say: each way to get one wrong, and no secret in what is said of it."""

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
        "postgresql://u:hush@h:/a",
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
        ("REDIS_URL", "redis://localhost:6379/"),
    ],
)
def test_the_servers_may_be_reached_in_every_usual_way(variable: str, value: str) -> None:
    config = settings.read({variable: value})
    assert config.database_url == settings.Secret(value) or config.redis_url == settings.Secret(value)
