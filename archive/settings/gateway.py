"""How the gateway is reached and what it signs with: the GATEWAY_* variables, and MCP_PORT."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from archive.settings import parsers, urls, variables
from archive.settings.variables import EXAMPLES, Secret, SettingsError

SIGNING_SECRET_LENGTH_AT_LEAST = 32

_LOCATION = re.compile(r"(/[A-Za-z0-9._~-]+)+/?")


@dataclass(frozen=True)
class GatewaySettings:
    """Without a url, addresses name the host by which the client called; without a secret, one is made and kept."""

    port: int
    mcp_port: int
    metrics: tuple[str, int]
    url: str | None
    signing_secret: Secret | None
    accel_redirect: str | None


def read(environment: Mapping[str, str]) -> GatewaySettings:
    """Understand the variables, or raise SettingsError."""

    def given(variable: str) -> str:
        return variables.value(environment, variable) or EXAMPLES[variable]

    url = variables.value(environment, "GATEWAY_URL")
    secret = variables.value(environment, "GATEWAY_SIGNING_SECRET")
    location = variables.value(environment, "GATEWAY_ACCEL_REDIRECT")
    return GatewaySettings(
        port=parsers.port("GATEWAY_PORT", given("GATEWAY_PORT")),
        mcp_port=parsers.port("MCP_PORT", given("MCP_PORT")),
        metrics=parsers.address("GATEWAY_METRICS", given("GATEWAY_METRICS")),
        url=None if url is None else urls.web("GATEWAY_URL", url),
        signing_secret=None if secret is None else _signing_secret(secret),
        accel_redirect=None if location is None else _location(location),
    )


def _signing_secret(value: str) -> Secret:
    if len(value) < SIGNING_SECRET_LENGTH_AT_LEAST:
        raise SettingsError("GATEWAY_SIGNING_SECRET", f"has fewer than {SIGNING_SECRET_LENGTH_AT_LEAST} characters")
    return Secret(value)


def _location(value: str) -> str:
    if not _LOCATION.fullmatch(value):
        raise SettingsError("GATEWAY_ACCEL_REDIRECT", "is no path of letters, digits, . _ ~ - and slashes")
    return value.rstrip("/")
