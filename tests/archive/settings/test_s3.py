from pathlib import Path

import pytest

from archive import settings
from archive.settings import variables

BUCKET = {"STORAGE_URL": "s3://bucket/a/prefix/"}
KEY = {"AWS_ACCESS_KEY_ID": "an-id", "AWS_SECRET_ACCESS_KEY": "hush"}


def test_a_bucket_alone_is_amazon_s_with_the_role_of_the_machine() -> None:
    config = settings.read(BUCKET)
    assert config.storage_url == "s3://bucket/a/prefix"
    assert config.s3
    assert (config.s3.access_key_id, config.s3.secret_access_key, config.s3.session_token) == (None, None, None)
    assert (config.s3.region, config.s3.endpoint, config.s3.allow_http) == ("us-east-1", None, False)


def test_every_variable_is_read() -> None:
    told = {"AWS_SESSION_TOKEN": "hush-too", "AWS_REGION": "fsn1", "AWS_ENDPOINT_URL": "https://s3.example.org/"}
    s3 = settings.read(BUCKET | KEY | told).s3
    assert s3
    assert (s3.access_key_id, s3.secret_access_key, s3.session_token) == (
        "an-id",
        variables.Secret("hush"),
        variables.Secret("hush-too"),
    )
    assert (s3.region, s3.endpoint) == ("fsn1", "https://s3.example.org")
    assert "hush" not in repr(s3)


def test_the_older_name_of_the_region_works_and_yields_to_the_newer() -> None:
    older = BUCKET | {"AWS_DEFAULT_REGION": "old"}
    assert [settings.read(told).s3 for told in (older, older | {"AWS_REGION": "new"})] == [
        settings.read(BUCKET | {"AWS_REGION": region}).s3 for region in ("old", "new")
    ]


@pytest.mark.parametrize("variable", sorted(variables.S3_EXAMPLES))
def test_every_variable_can_be_given_as_a_file_and_not_both_ways(variable: str, tmp_path: Path) -> None:
    file = tmp_path / "value"
    file.write_text(f"{variables.S3_EXAMPLES[variable]}\n", encoding="utf-8")
    others = {name: value for name, value in (BUCKET | KEY).items() if name != variable}
    told = settings.read(others | {variable: variables.S3_EXAMPLES[variable]})
    assert settings.read(others | {f"{variable}_FILE": str(file)}) == told
    with pytest.raises(settings.SettingsError, match=f"{variable} and {variable}_FILE are both set"):
        settings.read(others | {f"{variable}_FILE": str(file), variable: "x"})


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        ({"AWS_ACCESS_KEY_ID": "an-id"}, "AWS_SECRET_ACCESS_KEY is not set, and the other half of the key is"),
        ({"AWS_SECRET_ACCESS_KEY": "hush"}, "AWS_ACCESS_KEY_ID is not set, and the other half of the key is"),
        ({"AWS_ALLOW_HTTP": "yes"}, "AWS_ALLOW_HTTP is 'yes', neither true nor false"),
        ({"AWS_ENDPOINT_URL": "http://s3.example.org"}, "AWS_ENDPOINT_URL is plain http, which AWS_ALLOW_HTTP=true"),
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:9000"}, "AWS_ENDPOINT_URL is plain http, which AWS_ALLOW_HTTP=true"),
        ({"AWS_ENDPOINT_URL": "ftp://s3.example.org"}, "AWS_ENDPOINT_URL is not an https address"),
        ({"AWS_ENDPOINT_URL": "https://k:hush@s3.example.org"}, "AWS_ENDPOINT_URL is not an https address"),
        ({"AWS_ENDPOINT_URL": "https://s3.example.org:port"}, "AWS_ENDPOINT_URL is not an address"),
        ({"AWS_ENDPOINT_URL": "https://s3.example.org/?a=b"}, "AWS_ENDPOINT_URL is not an https address"),
    ],
)
def test_a_wrong_value_ends_in_a_sentence_that_names_the_variable_and_gives_an_example(
    told: dict[str, str], sentence: str
) -> None:
    with pytest.raises(settings.SettingsError) as caught:
        settings.read(BUCKET | told)
    said = str(caught.value)
    assert said.startswith(sentence)
    assert said.endswith(f"Example: {caught.value.variable}={variables.S3_EXAMPLES[caught.value.variable]}")
    assert "hush" not in said


def test_plain_http_will_do_where_it_is_told() -> None:
    told = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9000", "AWS_ALLOW_HTTP": "true"}
    s3 = settings.read(BUCKET | told).s3
    assert s3
    assert (s3.endpoint, s3.allow_http) == ("http://127.0.0.1:9000", True)


def test_what_a_machine_has_for_something_else_does_not_matter_to_a_directory() -> None:
    assert settings.read({"AWS_ACCESS_KEY_ID": "x", "AWS_ENDPOINT_URL": "http://x"}) == settings.read({})
