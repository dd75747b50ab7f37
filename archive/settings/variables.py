"""One variable of the environment at a time: its value or its file's, and what to say when it is wrong."""

from collections.abc import Mapping
from pathlib import Path

EXAMPLES: dict[str, str] = {
    "CIVITAI_API_TOKEN": "the key from your Civitai account settings",
    "CIVITAI_API_KEY": "the key from your Civitai account settings",
    "CIVITAI_API_URL": "https://orchestration.civitai.com",
    "DATABASE_URL": "postgresql://archive:password@localhost/archive",
    "REDIS_URL": "redis://localhost:6379/0",
    "STORAGE_URL": "file:///srv/civitai-archive",
    "CALLBACK_SECRETS": "main:kD3vW9pQx7ZtL2mR5sYb",
    "PUBLIC_URL": "https://archive.example.org",
    "ARCHIVE_HOME": "./.archive",
    "BLOB_ALLOW_PRIVATE": "false",
    "API_CALLS_PER_SECOND": "100",
    "KEEP_PREVIEWS": "false",
    "KEEP_BY_PRODUCTS": "true",
    "KEEP_TOLD_RESULTS": "true",
    "BROWSE_TEMPLATE": "{year}/{month}/{prompt}-{workflow}-{index}.{extension}",
    "PRUNE_RULES": 'drafts={delete="contents",older_than="90d",tags=["draft"]}',
    "PRUNE_GRACE": "1d",
    "RECEIVER_PORT": "8000",
    "RECEIVER_METRICS": "127.0.0.1:9464",
    "VERIFY_BYTES_PER_DAY": "10737418240",
    "WORKER_METRICS": "127.0.0.1:9465",
    "RECEIVER_SPOOL_BYTES": "1073741824",
    "GATEWAY_PORT": "8080",
    "GATEWAY_URL": "https://gateway.example.org",
    "GATEWAY_SIGNING_SECRET": "9wQbZ1rXc7Vt5Yk3Hn8Lp2Ms6Df4Gj0A",
    "GATEWAY_ACCEL_REDIRECT": "/stored",
    "GATEWAY_METRICS": "127.0.0.1:9466",
    "MCP_PORT": "9090",
    "TRUSTED_PROXIES": "127.0.0.1,10.0.0.0/8",
}
"""The variables we read, each with a value that would be right."""

S3_EXAMPLES: dict[str, str] = {
    "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "AWS_SESSION_TOKEN": "what your provider gave you with a temporary key",
    "AWS_REGION": "eu-central-1",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_ENDPOINT_URL": "https://s3.example.org",
    "AWS_ALLOW_HTTP": "false",
}
"""Those that are read only if STORAGE_URL names a bucket: many a machine has them for something else."""


class SettingsError(Exception):
    """A setting is missing or wrong; the message is for the person who set it."""

    def __init__(self, variable: str, fault: str) -> None:
        self.variable = variable
        example = (EXAMPLES | S3_EXAMPLES)[variable]
        super().__init__(f"{variable} {fault}. Example: {variable}={example}")


class Secret:
    """A value that shows itself to nobody who does not ask for it by name."""

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The value itself."""
        return self._value

    def __repr__(self) -> str:
        return "Secret('***')"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._value == other._value

    def __hash__(self) -> int:
        return hash(self._value)


def value(environment: Mapping[str, str], variable: str) -> str | None:
    """The variable's value or its file's content; None when neither is set or the value is empty."""
    found, path = environment.get(variable), environment.get(f"{variable}_FILE")
    if not path:
        return found or None
    if found:
        raise SettingsError(variable, f"and {variable}_FILE are both set: keep one")
    try:
        return Path(path).read_text(encoding="utf-8").strip() or None
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise SettingsError(variable, f"cannot be read from {path} ({variable}_FILE): {reason}") from error
