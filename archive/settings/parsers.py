"""What the text of a variable means. Each takes the variable's name, for its SettingsError, and the text.

Addresses of servers are read here and not by their drivers, whose imports a command that needs none would wait for.
"""

import ipaddress
import re
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from archive import retention
from archive.names import templates
from archive.settings.variables import Secret, SettingsError

SECRET_CHARACTERS = re.compile(r"[A-Za-z0-9._~-]+")
"""What a callback secret is made of: characters that no URL and no JSON text ever escapes, so that it can be found."""

SECRET_LENGTH_AT_LEAST = 16
BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
PREFIX = re.compile(r"(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*/?")
SOURCE_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
DATABASE_OPTIONS = ("host", "port", "sslmode", "target_session_attrs", "prepared_statement_cache_size")
SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_DATABASE_URL = re.compile(
    r"\w+://"
    r"(?:[^:/@]*(?::[^@]*)?@)?"  # a user, and a password that may hold anything but an @
    r"(?:\[[^]/?]*\]|[^]\[:/?@]*)(?::[0-9]{0,5})?"
    r"(?:/[^?]*)?(?:\?(?P<options>.*))?"
)
_NO_ADDRESS = "is not an address (is its port a number, its password escaped?)"


Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True)
class CallbackSecret:
    """One secret that a callback URL may carry, and the name under which its events are kept."""

    source: str
    secret: Secret


def api_token(variable: str, value: str) -> Secret:
    """A key that an HTTP header can carry."""
    if not (value.isascii() and value.isprintable()) or " " in value:
        raise SettingsError(variable, "holds characters that no HTTP header can carry (a space or a line break?)")
    return Secret(value)


def home(variable: str, value: str) -> Path:
    """A directory; `~` is understood."""
    try:
        return Path(value).expanduser().absolute()
    except RuntimeError:
        raise SettingsError(variable, f"is {value!r}, in the home of a user who is not here") from None


def api_url(variable: str, value: str) -> str:
    """Where the API is; the token goes there."""
    return _web_url(variable, value, "would send the token in clear: only https will do off this machine")


def public_url(variable: str, value: str) -> str:
    """Where Civitai reaches us."""
    return _web_url(variable, value, "is not https: Civitai calls nothing else")


def web_url(variable: str, value: str) -> str:
    """Where a browser or a client finds something of ours: http will do behind a proxy of one's own."""
    found = parts(variable, value)
    if found.scheme not in ("http", "https") or not found.hostname or found.query or found.fragment or "@" in value:
        raise SettingsError(variable, "is not an http(s) address without user and query")
    return value.rstrip("/")


def _web_url(variable: str, value: str, in_clear: str) -> str:
    found = parts(variable, value)
    if found.scheme not in ("http", "https") or not found.hostname or found.query or found.fragment:
        raise SettingsError(variable, "is not an https address without a query")
    if "@" in found.netloc or found.port == 0:
        raise SettingsError(variable, "has a user or a port that nobody can call")
    if found.scheme == "http" and not _is_loopback(found.hostname):
        raise SettingsError(variable, in_clear)
    return value.rstrip("/")


def database_url(variable: str, value: str) -> Secret:
    """PostgreSQL's address, which may hold a password, with those of libpq's options that our driver has."""
    _check_scheme(variable, value, ("postgresql", "postgres"))
    found = _DATABASE_URL.fullmatch(value)
    if found is None:
        raise SettingsError(variable, _NO_ADDRESS)
    options = parse_qs(found["options"] or "")
    if unknown := options.keys() - DATABASE_OPTIONS:
        raise SettingsError(
            variable, f"has an option that we do not know, {min(unknown)!r} (we know {', '.join(DATABASE_OPTIONS)})"
        )
    mode = ", ".join(options.get("sslmode", ["prefer"]))
    if mode not in SSL_MODES:
        raise SettingsError(variable, f"has the sslmode {mode!r}, which is none of {', '.join(SSL_MODES)}")
    return Secret(value)


def redis_url(variable: str, value: str) -> Secret:
    """The address of Redis or Valkey, which may hold a password."""
    _check_scheme(variable, value, ("redis", "rediss", "unix"))
    try:
        found = urlsplit(value)
        found.port  # noqa: B018 - reading it is what checks it
    except ValueError:  # which may repeat the password
        raise SettingsError(variable, _NO_ADDRESS) from None
    path = "" if found.scheme == "unix" else found.path.lstrip("/")
    if not re.fullmatch("[0-9]*", parse_qs(found.query).get("db", [path])[0]):
        raise SettingsError(variable, "names a database that is no number")
    return Secret(value)


def _check_scheme(variable: str, value: str, schemes: tuple[str, ...]) -> None:
    if not value.startswith(tuple(f"{scheme}://" for scheme in schemes)):
        raise SettingsError(variable, f"does not begin with {' or '.join(f'{scheme}://' for scheme in schemes)}")


def storage_url(variable: str, value: str) -> str:
    """A directory, or a bucket and a prefix in it."""
    found = parts(variable, value)
    if found.scheme == "s3":
        return _bucket_url(variable, found, value)
    if found.scheme != "file" or found.netloc or not found.path.startswith("/"):
        fault = "is neither s3://bucket/prefix nor a file address with an absolute path (three slashes)"
        raise SettingsError(variable, fault)
    if found.query or found.fragment or "\0" in unquote(found.path):
        raise SettingsError(variable, "holds a character that must be escaped (? as %3F, # as %23) or removed")
    if not found.path.strip("/"):
        raise SettingsError(variable, "names the root of the file system, not a directory in it")
    return value.rstrip("/")


def _bucket_url(variable: str, parts: SplitResult, value: str) -> str:
    if not BUCKET.fullmatch(parts.netloc):
        raise SettingsError(variable, "does not name a bucket (keys belong into AWS_ACCESS_KEY_ID and its neighbours)")
    if not PREFIX.fullmatch(parts.path) or parts.query or parts.fragment:
        raise SettingsError(variable, "has a prefix that is not made of letters, digits, . _ - and single slashes")
    return value.rstrip("/")


def browse_template(variable: str, value: str) -> templates.Template | None:
    """A template for names, or `off`: None."""
    if value == "off":
        return None
    try:
        return templates.parse(value)
    except templates.TemplateError as error:
        raise SettingsError(variable, f"{error} (off switches it off)") from None


def prune_rules(variable: str, value: str) -> tuple[retention.Rule, ...]:
    """Rules of retention, in TOML."""
    try:
        return retention.parse(value)
    except retention.RuleError as error:
        raise SettingsError(variable, str(error)) from None


def duration(variable: str, value: str) -> timedelta:
    """A time such as 12h or 90d."""
    try:
        return retention.duration(value)
    except retention.RuleError as error:
        raise SettingsError(variable, str(error)) from None


def callback_secrets(variable: str, value: str) -> tuple[CallbackSecret, ...]:
    """A list of name:secret."""
    secrets = tuple(_callback_secret(variable, item.strip()) for item in value.split(",") if item.strip())
    if len({secret.source for secret in secrets}) < len(secrets):
        raise SettingsError(variable, "has the same name twice")
    if len({secret.secret for secret in secrets}) < len(secrets):
        raise SettingsError(variable, "has the same secret twice")
    return secrets


def _callback_secret(variable: str, item: str) -> CallbackSecret:
    source, colon, secret = item.partition(":")
    if not colon or not SOURCE_NAME.fullmatch(source):
        fault = "is not a list of name:secret (a name has small letters, digits, - and _)"
        raise SettingsError(variable, fault)
    if len(secret) < SECRET_LENGTH_AT_LEAST or not SECRET_CHARACTERS.fullmatch(secret):
        fault = f"has a secret for {source!r} that is not {SECRET_LENGTH_AT_LEAST} or more letters, digits, . _ ~ -"
        raise SettingsError(variable, fault)
    return CallbackSecret(source, Secret(secret))


def count(variable: str, value: str) -> int:
    """A number of something, at least one."""
    if not value.isascii() or not value.isdigit() or not 0 < int(value) <= 1_000_000:
        raise SettingsError(variable, f"is {value!r}, not a whole number from 1 to 1000000")
    return int(value)


def port(variable: str, value: str) -> int:
    """A port to listen on."""
    if not re.fullmatch("[0-9]{1,5}", value) or not 0 < int(value) < 65536:
        raise SettingsError(variable, f"is {value[:20]!r}, not a port number from 1 to 65535")
    return int(value)


def address(variable: str, value: str) -> tuple[str, int]:
    """A host and a port."""
    host, _, number = value.rpartition(":")
    if not host:
        raise SettingsError(variable, f"is {value[:50]!r}, not an address and a port")
    return host.removeprefix("[").removesuffix("]"), port(variable, number)


def size(variable: str, value: str) -> int:
    """A number of bytes."""
    if not re.fullmatch("[0-9]{1,15}", value):
        raise SettingsError(variable, f"is {value[:20]!r}, not a number of bytes")
    return int(value)


def networks(variable: str, value: str) -> tuple[Network, ...]:
    """A list of addresses and networks."""
    try:
        return tuple(ipaddress.ip_network(item.strip()) for item in value.split(",") if item.strip())
    except ValueError as error:
        raise SettingsError(variable, f"is not a list of addresses and networks ({error})") from None


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def flag(variable: str, text: str) -> bool:
    """What a switch says."""
    if text.lower() not in ("true", "false"):
        raise SettingsError(variable, f"is {text!r}, neither true nor false")
    return text.lower() == "true"


def parts(variable: str, text: str) -> SplitResult:
    """The parts of an address."""
    try:
        found = urlsplit(text)
        found.port  # noqa: B018 - reading it is what checks it
    except ValueError as error:
        raise SettingsError(variable, f"is not an address ({error})") from None
    return found
