"""What the environment tells us: read once at the edge of a process, strictly, and passed in from there.

Every variable can also be given as `NAME_FILE`, the path of a file that holds the value. A wrong value raises
`SettingsError`, whose sentence names the variable, what is wrong with it, and an example of a right one; it never
repeats the value of a secret.
"""

import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from urllib.parse import SplitResult, unquote

from arq.connections import RedisSettings
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from archive import s3_settings, variables
from archive.variables import EXAMPLES as EXAMPLES
from archive.variables import Secret as Secret
from archive.variables import SettingsError as SettingsError

T = TypeVar("T")

SECRET_CHARACTERS = re.compile(r"[A-Za-z0-9._~-]+")
"""What a callback secret is made of: characters that no URL and no JSON text ever escapes, so that it can be found."""

SECRET_LENGTH_AT_LEAST = 16
BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
PREFIX = re.compile(r"(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*/?")
SOURCE_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")


Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True)
class CallbackSecret:
    """One secret that a callback URL may carry, and the name under which its events are kept."""

    source: str
    secret: Secret


@dataclass(frozen=True)
class Settings:
    """The environment, understood. What is None was not set and has no default; see `required`."""

    api_token: Secret | None
    api_url: str
    database_url: Secret | None
    redis_url: Secret | None
    storage_url: str
    s3: s3_settings.S3Settings | None
    callback_secrets: tuple[CallbackSecret, ...]
    public_url: str | None
    home: Path
    blob_allow_private: bool
    api_calls_per_second: int
    keep_previews: bool
    keep_by_products: bool
    keep_told_results: bool
    receiver_port: int
    receiver_metrics: tuple[str, int]
    worker_metrics: tuple[str, int]
    spool_bytes: int
    trusted_proxies: tuple[Network, ...]

    def required_api_token(self) -> Secret:
        """The token, or a SettingsError that asks for it."""
        return _required("CIVITAI_API_TOKEN", self.api_token, "is not set: it is what Civitai knows you by")

    def required_database_url(self) -> str:
        """PostgreSQL's address, or a SettingsError that asks for it."""
        url = _required("DATABASE_URL", self.database_url, "is not set, and no archive is up on this machine")
        return url.reveal()

    def required_redis_url(self) -> str:
        """The address of Redis or Valkey, or a SettingsError that asks for it."""
        url = _required("REDIS_URL", self.redis_url, "is not set, and no archive is up on this machine")
        return url.reveal()

    def required_callback_secrets(self) -> tuple[CallbackSecret, ...]:
        """At least one secret, or a SettingsError that asks for it."""
        fault = "is not set: without a secret in its URL anybody could send callbacks"
        return _required("CALLBACK_SECRETS", self.callback_secrets or None, fault)

    def required_public_url(self) -> str:
        """The address at which Civitai reaches the receiver, or a SettingsError that asks for it."""
        return _required("PUBLIC_URL", self.public_url, "is not set: it is where Civitai reaches the receiver")


def read(environment: Mapping[str, str]) -> Settings:
    """Understand the environment, or raise SettingsError for the first thing in it that is wrong."""
    home = _home(variables.value(environment, "ARCHIVE_HOME") or ".archive")
    public_url = variables.value(environment, "PUBLIC_URL")
    storage_url = _storage_url(variables.value(environment, "STORAGE_URL") or (home / "storage").as_uri())
    return Settings(
        api_token=_api_token(environment, "CIVITAI_API_TOKEN") or _api_token(environment, "CIVITAI_API_KEY"),
        api_url=_web_url(
            "CIVITAI_API_URL",
            variables.value(environment, "CIVITAI_API_URL") or EXAMPLES["CIVITAI_API_URL"],
            "would send the token in clear: only https will do off this machine",
        ),
        database_url=_server_url(environment, "DATABASE_URL", ("postgresql", "postgres"), make_url),
        redis_url=_server_url(environment, "REDIS_URL", ("redis", "rediss", "unix"), RedisSettings.from_dsn),
        storage_url=storage_url,
        s3=s3_settings.read(environment) if storage_url.startswith("s3:") else None,
        callback_secrets=_callback_secrets(variables.value(environment, "CALLBACK_SECRETS") or ""),
        public_url=_web_url("PUBLIC_URL", public_url, "is not https: Civitai calls nothing else")
        if public_url
        else None,
        home=home,
        blob_allow_private=variables.flag(
            "BLOB_ALLOW_PRIVATE", variables.value(environment, "BLOB_ALLOW_PRIVATE") or "false"
        ),
        api_calls_per_second=_count(
            "API_CALLS_PER_SECOND", variables.value(environment, "API_CALLS_PER_SECOND") or "50"
        ),
        keep_previews=variables.flag("KEEP_PREVIEWS", variables.value(environment, "KEEP_PREVIEWS") or "false"),
        keep_by_products=variables.flag("KEEP_BY_PRODUCTS", variables.value(environment, "KEEP_BY_PRODUCTS") or "true"),
        keep_told_results=variables.flag(
            "KEEP_TOLD_RESULTS", variables.value(environment, "KEEP_TOLD_RESULTS") or "true"
        ),
        receiver_port=_port("RECEIVER_PORT", variables.value(environment, "RECEIVER_PORT") or "8000"),
        receiver_metrics=_address(
            "RECEIVER_METRICS",
            variables.value(environment, "RECEIVER_METRICS") or EXAMPLES["RECEIVER_METRICS"],
        ),
        worker_metrics=_address(
            "WORKER_METRICS",
            variables.value(environment, "WORKER_METRICS") or EXAMPLES["WORKER_METRICS"],
        ),
        spool_bytes=_bytes(
            "RECEIVER_SPOOL_BYTES",
            variables.value(environment, "RECEIVER_SPOOL_BYTES") or EXAMPLES["RECEIVER_SPOOL_BYTES"],
        ),
        trusted_proxies=_networks("TRUSTED_PROXIES", variables.value(environment, "TRUSTED_PROXIES") or ""),
    )


def _required(variable: str, value: T | None, fault: str) -> T:
    if value is None:
        raise SettingsError(variable, fault)
    return value


def _api_token(environment: Mapping[str, str], variable: str) -> Secret | None:
    value = variables.value(environment, variable)
    if value is None:
        return None
    if not (value.isascii() and value.isprintable()) or " " in value:
        raise SettingsError(variable, "holds characters that no HTTP header can carry (a space or a line break?)")
    return Secret(value)


def _home(value: str) -> Path:
    try:
        return Path(value).expanduser().absolute()
    except RuntimeError:
        raise SettingsError("ARCHIVE_HOME", f"is {value!r}, in the home of a user who is not here") from None


def _web_url(variable: str, value: str, in_clear: str) -> str:
    parts = variables.parts(variable, value)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise SettingsError(variable, "is not an https address without a query")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise SettingsError(variable, in_clear)
    return value.rstrip("/")


def _server_url(
    environment: Mapping[str, str], variable: str, schemes: tuple[str, ...], understand: Callable[[str], object]
) -> Secret | None:
    value = variables.value(environment, variable)
    if value is None:
        return None
    if value.split(":", 1)[0] not in schemes or "://" not in value:
        raise SettingsError(variable, f"does not begin with {' or '.join(f'{scheme}://' for scheme in schemes)}")
    try:
        understand(value)
    except (ValueError, ArgumentError):  # which may repeat the password
        raise SettingsError(variable, "is not an address (is its port a number, its password escaped?)") from None
    return Secret(value)


def _storage_url(value: str) -> str:
    parts = variables.parts("STORAGE_URL", value)
    if parts.scheme == "s3":
        return _bucket_url(parts, value)
    if parts.scheme != "file" or parts.netloc or not parts.path.startswith("/"):
        fault = "is neither s3://bucket/prefix nor a file address with an absolute path (three slashes)"
        raise SettingsError("STORAGE_URL", fault)
    if parts.query or parts.fragment or "\0" in unquote(parts.path):
        raise SettingsError("STORAGE_URL", "holds a character that must be escaped (? as %3F, # as %23) or removed")
    if not parts.path.strip("/"):
        raise SettingsError("STORAGE_URL", "names the root of the file system, not a directory in it")
    return value.rstrip("/")


def _bucket_url(parts: SplitResult, value: str) -> str:
    if not BUCKET.fullmatch(parts.netloc):
        raise SettingsError(
            "STORAGE_URL", "does not name a bucket (keys belong into AWS_ACCESS_KEY_ID and its neighbours)"
        )
    if not PREFIX.fullmatch(parts.path) or parts.query or parts.fragment:
        raise SettingsError("STORAGE_URL", "has a prefix that is not made of letters, digits, . _ - and single slashes")
    return value.rstrip("/")


def _callback_secrets(value: str) -> tuple[CallbackSecret, ...]:
    secrets = tuple(_callback_secret(item.strip()) for item in value.split(",") if item.strip())
    if len({secret.source for secret in secrets}) < len(secrets):
        raise SettingsError("CALLBACK_SECRETS", "has the same name twice")
    if len({secret.secret for secret in secrets}) < len(secrets):
        raise SettingsError("CALLBACK_SECRETS", "has the same secret twice")
    return secrets


def _callback_secret(item: str) -> CallbackSecret:
    source, colon, secret = item.partition(":")
    if not colon or not SOURCE_NAME.fullmatch(source):
        fault = "is not a list of name:secret (a name has small letters, digits, - and _)"
        raise SettingsError("CALLBACK_SECRETS", fault)
    if len(secret) < SECRET_LENGTH_AT_LEAST or not SECRET_CHARACTERS.fullmatch(secret):
        fault = f"has a secret for {source!r} that is not {SECRET_LENGTH_AT_LEAST} or more letters, digits, . _ ~ -"
        raise SettingsError("CALLBACK_SECRETS", fault)
    return CallbackSecret(source, Secret(secret))


def _count(variable: str, value: str) -> int:
    if not value.isascii() or not value.isdigit() or not 0 < int(value) <= 1_000_000:
        raise SettingsError(variable, f"is {value!r}, not a whole number from 1 to 1000000")
    return int(value)


def _port(variable: str, value: str) -> int:
    if not re.fullmatch("[0-9]{1,5}", value) or not 0 < int(value) < 65536:
        raise SettingsError(variable, f"is {value[:20]!r}, not a port number from 1 to 65535")
    return int(value)


def _address(variable: str, value: str) -> tuple[str, int]:
    host, _, port = value.rpartition(":")
    if not host:
        raise SettingsError(variable, f"is {value[:50]!r}, not an address and a port")
    return host.removeprefix("[").removesuffix("]"), _port(variable, port)


def _bytes(variable: str, value: str) -> int:
    if not re.fullmatch("[0-9]{1,15}", value):
        raise SettingsError(variable, f"is {value[:20]!r}, not a number of bytes")
    return int(value)


def _networks(variable: str, value: str) -> tuple[Network, ...]:
    try:
        return tuple(ipaddress.ip_network(item.strip()) for item in value.split(",") if item.strip())
    except ValueError as error:
        raise SettingsError(variable, f"is not a list of addresses and networks ({error})") from None


def is_loopback(host: str) -> bool:
    """Whether a host as written in a URL is this machine itself."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
