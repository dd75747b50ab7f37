"""Whose account at Civitai this is: the token and the API's address, from the environment or from `.env`."""

import os
from collections.abc import Mapping
from pathlib import Path

from archive import access, settings
from cli import machine
from orchestration import retry
from orchestration.client import Client
from orchestration.wire import JsonObject

TOKENS = ("CIVITAI_API_TOKEN", "CIVITAI_API_TOKEN_FILE", "CIVITAI_API_KEY", "CIVITAI_API_KEY_FILE")
TAKEN = ("CIVITAI_API_TOKEN", "CIVITAI_API_KEY", "CIVITAI_API_URL")
FILES = (Path(".claude/skills/civitai-orchestration/.env"), Path(".env"))
"""Where the civitai-orchestration skill looks, seen from the project's directory; the first that is there counts."""


def read_settings() -> settings.Settings:
    """This machine's settings; without a token in the environment, the token and the address of a `.env`."""
    return machine.read_settings(environment(os.environ))


def environment(given: Mapping[str, str]) -> Mapping[str, str]:
    """The environment, completed from `.env` where it names no token. Raises SettingsError.

    Token and address come from the same place: a `.env` that lies about in some directory cannot have a token of
    ours sent to an address of its own.
    """
    if any(given.get(name) for name in TOKENS):
        return given
    path = next((path for path in FILES if path.is_file()), None)
    if path is None:
        return given
    from dotenv import parser

    try:
        with path.open(encoding="utf-8-sig") as file:
            told = list(parser.parse_stream(file))
    except (OSError, UnicodeError) as error:
        raise settings.SettingsError("CIVITAI_API_TOKEN", f"cannot be read from {path}: {error}") from error
    for line in told:
        if line.error and (name := next((name for name in TAKEN if name in line.original.string), None)):
            fault = f"cannot be read from {path}: line {line.original.line} is no NAME=value"
            raise settings.SettingsError(name, fault)
    return {**given, **{line.key: line.value for line in told if line.key in TAKEN and line.value}}


def client(config: settings.Settings) -> Client:
    """Civitai's API for somebody who waits: it gives up sooner than a worker. Raises SettingsError without a token."""
    return Client(config.api_url, config.required_api_token().reveal(), retries=retry.AT_A_TERMINAL)


def struck(config: settings.Settings, document: JsonObject) -> JsonObject:
    """What Civitai told of a workflow, to be shown: without our callback's secret, which it repeats."""
    return access.Access(config.callback_secrets).strike_document(document)
