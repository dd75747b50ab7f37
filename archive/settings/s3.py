"""How an S3-compatible store is reached: the AWS_* variables that every client of it reads, each also as a file."""

from collections.abc import Mapping
from dataclasses import dataclass

from archive.settings import parsers, urls, variables
from archive.settings.variables import Secret, SettingsError


@dataclass(frozen=True)
class S3Settings:
    """Without keys the machine's own role is used, as on Amazon's machines; without an endpoint, Amazon."""

    access_key_id: str | None
    secret_access_key: Secret | None
    session_token: Secret | None
    region: str
    endpoint: str | None
    allow_http: bool


def read(environment: Mapping[str, str]) -> S3Settings:
    """Understand the variables, or raise SettingsError."""
    key = variables.value(environment, "AWS_ACCESS_KEY_ID")
    secret = variables.value(environment, "AWS_SECRET_ACCESS_KEY")
    if (key is None) != (secret is None):
        missing = "AWS_ACCESS_KEY_ID" if key is None else "AWS_SECRET_ACCESS_KEY"
        raise SettingsError(missing, "is not set, and the other half of the key is")
    allow_http = parsers.flag("AWS_ALLOW_HTTP", variables.value(environment, "AWS_ALLOW_HTTP") or "false")
    session_token = variables.value(environment, "AWS_SESSION_TOKEN")
    return S3Settings(
        access_key_id=key,
        secret_access_key=Secret(secret) if secret else None,
        session_token=Secret(session_token) if session_token else None,
        region=variables.value(environment, "AWS_REGION")
        or variables.value(environment, "AWS_DEFAULT_REGION")
        or "us-east-1",
        endpoint=_endpoint(variables.value(environment, "AWS_ENDPOINT_URL"), allow_http=allow_http),
        allow_http=allow_http,
    )


def _endpoint(url: str | None, *, allow_http: bool) -> str | None:
    if url is None:
        return None
    parts = urls.parts("AWS_ENDPOINT_URL", url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment or parts.username:
        raise SettingsError("AWS_ENDPOINT_URL", "is not an https address without user and query")
    if parts.scheme == "http" and not allow_http:
        raise SettingsError("AWS_ENDPOINT_URL", "is plain http, which AWS_ALLOW_HTTP=true must allow first")
    return url.rstrip("/")
