"""What the text of a variable means. Each takes the variable's name, for its SettingsError, and the text."""

import ipaddress
import re
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from archive import retention
from archive.names import templates
from archive.settings.variables import Secret, SettingsError

SECRET_CHARACTERS = re.compile(r"[A-Za-z0-9._~-]+")
"""What a callback secret is made of: characters that no URL and no JSON text ever escapes, so that it can be found."""

SECRET_LENGTH_AT_LEAST = 16
SOURCE_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
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


def flag(variable: str, text: str) -> bool:
    """What a switch says."""
    if text.lower() not in ("true", "false"):
        raise SettingsError(variable, f"is {text!r}, neither true nor false")
    return text.lower() == "true"
