"""Who speaks: what the query of a callback's URL says about its sender, and what else it carries."""

import json
from dataclasses import dataclass

from starlette.datastructures import QueryParams

from archive import access
from archive.access import Access
from archive.events import Parameters

KNOWN_AT_MOST = 1024
KNOWN_BYTES = 512
"""Longer queries are read anew each time."""


@dataclass(frozen=True)
class Caller:
    """Somebody who has a secret of ours.

    source: the secret's name. parameters: the callback URL's query without the secret, whatever its owner put there for
    correlation.
    """

    source: str
    parameters: Parameters


class Callers:
    """Tells callers by their query. Nearly all come with the same one, so what it says is remembered."""

    def __init__(self, allowed: Access) -> None:
        self._allowed = allowed
        self._known: dict[bytes, Caller] = {}

    def of(self, query: bytes) -> Caller | None:
        """Whose query this is, or None if it has no valid secret. The time taken tells nothing about a secret."""
        return self._known.get(query) or self._read(query)

    def _read(self, query: bytes) -> Caller | None:
        given = QueryParams(query)
        source = self._allowed.source_of(given.get(access.TOKEN_PARAMETER, ""))
        if source is None:
            return None
        parameters: Parameters = {}
        for name, value in given.multi_items():
            if name != access.TOKEN_PARAMETER:
                parameters.setdefault(name, []).append(value)
        if parameters:
            parameters = dict(json.loads(self._allowed.strike(json.dumps(parameters).encode())))
        caller = Caller(source, parameters)
        if len(self._known) < KNOWN_AT_MOST and len(query) <= KNOWN_BYTES:
            self._known[query] = caller
        return caller
