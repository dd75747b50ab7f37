"""Addresses in variables. Each takes the variable's name, for its SettingsError, and the text.

Those of servers are read here and not by their drivers, whose imports a command that needs none would wait for.
"""

import ipaddress
import re
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from archive.settings.variables import Secret, SettingsError

BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
PREFIX = re.compile(r"(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*/?")
DATABASE_OPTIONS = ("host", "port", "sslmode", "target_session_attrs", "prepared_statement_cache_size")
SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_DATABASE_URL = re.compile(
    r"\w+://"
    r"(?:[^:/@]*(?::[^@]*)?@)?"  # a user, and a password that may hold anything but an @
    r"(?:\[[^]/?]*\]|[^]\[:/?@]*)(?::[0-9]{1,5})?"
    r"(?:/[^?]*)?(?:\?(?P<options>.*))?"
)
_NO_ADDRESS = "is not an address (is its port a number, its password escaped?)"


def api(variable: str, value: str) -> str:
    """Where the API is; the token goes there."""
    return _own(variable, value, "would send the token in clear: only https will do off this machine")


def public(variable: str, value: str) -> str:
    """Where Civitai reaches us."""
    return _own(variable, value, "is not https: Civitai calls nothing else")


def web(variable: str, value: str) -> str:
    """Where a browser or a client finds something of ours: http will do behind a proxy of one's own."""
    found = parts(variable, value)
    if found.scheme not in ("http", "https") or not found.hostname or found.query or found.fragment or "@" in value:
        raise SettingsError(variable, "is not an http(s) address without user and query")
    return value.rstrip("/")


def _own(variable: str, value: str, in_clear: str) -> str:
    found = parts(variable, value)
    if found.scheme not in ("http", "https") or not found.hostname or found.query or found.fragment:
        raise SettingsError(variable, "is not an https address without a query")
    if "@" in found.netloc or found.port == 0:
        raise SettingsError(variable, "has a user or a port that nobody can call")
    if found.scheme == "http" and not _is_loopback(found.hostname):
        raise SettingsError(variable, in_clear)
    return value.rstrip("/")


def database(variable: str, value: str) -> Secret:
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


def redis(variable: str, value: str) -> Secret:
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


def storage(variable: str, value: str) -> str:
    """A directory, or a bucket and a prefix in it."""
    found = parts(variable, value)
    if found.scheme == "s3":
        return _bucket(variable, found, value)
    if found.scheme != "file" or found.netloc or not found.path.startswith("/"):
        fault = "is neither s3://bucket/prefix nor a file address with an absolute path (three slashes)"
        raise SettingsError(variable, fault)
    if found.query or found.fragment or "\0" in unquote(found.path):
        raise SettingsError(variable, "holds a character that must be escaped (? as %3F, # as %23) or removed")
    if not found.path.strip("/"):
        raise SettingsError(variable, "names the root of the file system, not a directory in it")
    return value.rstrip("/")


def _bucket(variable: str, parts: SplitResult, value: str) -> str:
    if not BUCKET.fullmatch(parts.netloc):
        raise SettingsError(variable, "does not name a bucket (keys belong into AWS_ACCESS_KEY_ID and its neighbours)")
    if not PREFIX.fullmatch(parts.path) or parts.query or parts.fragment:
        raise SettingsError(variable, "has a prefix that is not made of letters, digits, . _ - and single slashes")
    return value.rstrip("/")


def parts(variable: str, text: str) -> SplitResult:
    """The parts of an address."""
    try:
        found = urlsplit(text)
        found.port  # noqa: B018 - reading it is what checks it
    except ValueError as error:
        raise SettingsError(variable, f"is not an address ({error})") from None
    return found


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
