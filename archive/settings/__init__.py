"""What the environment tells us: read once at the edge of a process, strictly, and passed in from there.

Every variable can also be given as `NAME_FILE`, the path of a file that holds the value. A wrong value raises
`SettingsError`, whose sentence names the variable, what is wrong with it, and an example of a right one; it never
repeats the value of a secret.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

from archive.names import templates
from archive.names.templates import Template
from archive.retention import Rule
from archive.settings import gateway as gateway_settings
from archive.settings import parsers, urls, variables
from archive.settings import s3 as s3_settings
from archive.settings.parsers import CallbackSecret as CallbackSecret
from archive.settings.parsers import Network as Network
from archive.settings.variables import EXAMPLES as EXAMPLES
from archive.settings.variables import Secret as Secret
from archive.settings.variables import SettingsError as SettingsError

T = TypeVar("T")


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
    verify_bytes_per_day: int
    browse_template: Template | None
    prune_rules: tuple[Rule, ...]
    prune_grace: timedelta
    receiver_port: int
    receiver_metrics: tuple[str, int]
    worker_metrics: tuple[str, int]
    spool_bytes: int
    trusted_proxies: tuple[Network, ...]
    gateway: gateway_settings.GatewaySettings

    @property
    def kept_roles(self) -> frozenset[str]:
        """The roles of the results that are archived; bundles never are: they repeat what other results hold."""
        chosen = {"preview": self.keep_previews, "by-product": self.keep_by_products}
        return frozenset({"result", *(role for role, kept in chosen.items() if kept)})

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

    def given(parse: Callable[[str, str], T], variable: str, default: str) -> T:
        return parse(variable, variables.value(environment, variable) or default)

    def optional(parse: Callable[[str, str], T], variable: str) -> T | None:
        value = variables.value(environment, variable)
        return None if value is None else parse(variable, value)

    home = given(parsers.home, "ARCHIVE_HOME", ".archive")
    storage_url = given(urls.storage, "STORAGE_URL", (home / "storage").as_uri())
    return Settings(
        api_token=optional(parsers.api_token, "CIVITAI_API_TOKEN") or optional(parsers.api_token, "CIVITAI_API_KEY"),
        api_url=given(urls.api, "CIVITAI_API_URL", EXAMPLES["CIVITAI_API_URL"]),
        database_url=optional(urls.database, "DATABASE_URL"),
        redis_url=optional(urls.redis, "REDIS_URL"),
        storage_url=storage_url,
        s3=s3_settings.read(environment) if storage_url.startswith("s3:") else None,
        callback_secrets=given(parsers.callback_secrets, "CALLBACK_SECRETS", ""),
        public_url=optional(urls.public, "PUBLIC_URL"),
        home=home,
        blob_allow_private=given(parsers.flag, "BLOB_ALLOW_PRIVATE", "false"),
        api_calls_per_second=given(parsers.count, "API_CALLS_PER_SECOND", "100"),
        keep_previews=given(parsers.flag, "KEEP_PREVIEWS", "false"),
        keep_by_products=given(parsers.flag, "KEEP_BY_PRODUCTS", "true"),
        keep_told_results=given(parsers.flag, "KEEP_TOLD_RESULTS", "true"),
        verify_bytes_per_day=given(parsers.size, "VERIFY_BYTES_PER_DAY", EXAMPLES["VERIFY_BYTES_PER_DAY"]),
        browse_template=given(parsers.browse_template, "BROWSE_TEMPLATE", templates.DEFAULT),
        prune_rules=given(parsers.prune_rules, "PRUNE_RULES", ""),
        prune_grace=given(parsers.duration, "PRUNE_GRACE", EXAMPLES["PRUNE_GRACE"]),
        receiver_port=given(parsers.port, "RECEIVER_PORT", "8000"),
        receiver_metrics=given(parsers.address, "RECEIVER_METRICS", EXAMPLES["RECEIVER_METRICS"]),
        worker_metrics=given(parsers.address, "WORKER_METRICS", EXAMPLES["WORKER_METRICS"]),
        spool_bytes=given(parsers.size, "RECEIVER_SPOOL_BYTES", EXAMPLES["RECEIVER_SPOOL_BYTES"]),
        trusted_proxies=given(parsers.networks, "TRUSTED_PROXIES", ""),
        gateway=gateway_settings.read(environment),
    )


def _required(variable: str, value: T | None, fault: str) -> T:
    if value is None:
        raise SettingsError(variable, fault)
    return value
