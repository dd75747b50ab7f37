"""Who is calling, whether they may, and whether they have called too often."""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Collection
from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.datastructures import Headers

from archive import keys
from gateway.problems import Problem

REMEMBERED_SECONDS = 1.0
"""How long a key is not looked up again: so long, at most, it works after it was revoked."""

REMEMBERED = 10_000

_REALM = {"WWW-Authenticate": 'Bearer realm="civitai-archive"'}


class Keyring:
    """The keys that were used lately, in this process."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._found: OrderedDict[bytes, tuple[keys.Key | None, float]] = OrderedDict()
        self._allowances: OrderedDict[int, _Allowance] = OrderedDict()

    async def admit(self, headers: Headers, scope: keys.Scope) -> keys.Key:
        """The key that came with a request, if it may do this now. Raises Problem: 401, 403 or 429."""
        key = await self.identify(headers)
        if scope not in key.scopes:
            raise Problem(403, f"This key may not {scope}: make one with --scope {scope}.")
        if wait := self._allowance(key).wait(time.monotonic()):
            sentence = f"This key may make {key.calls_per_minute} calls a minute, and has."
            raise Problem(429, sentence, headers={"Retry-After": str(int(wait) + 1)})
        return key

    async def identify(self, headers: Headers) -> keys.Key:
        """The key that came with a request, whatever it may do. Raises Problem: 401."""
        scheme, _, text = headers.get("Authorization", "").partition(" ")
        key = await self._find(text.strip()) if scheme.lower() == "bearer" else None
        if key is None:
            sentence = "A key of this gateway is needed, as Authorization: Bearer; civitai-archive key makes one."
            raise Problem(401, sentence, headers=_REALM)
        return key

    async def _find(self, text: str) -> keys.Key | None:
        name, now = hashlib.sha256(text.encode()).digest(), time.monotonic()
        key, until = self._found.get(name, (None, 0.0))
        if now < until:
            return key
        async with self._engine.connect() as connection:
            key = await keys.find(connection, text)
        self._found[name] = key, now + REMEMBERED_SECONDS
        self._found.move_to_end(name)
        if len(self._found) > REMEMBERED:
            self._found.popitem(last=False)
        return key

    def _allowance(self, key: keys.Key) -> "_Allowance":
        allowance = self._allowances.get(key.id)
        if allowance is None:
            allowance = self._allowances[key.id] = _Allowance(key.calls_per_minute)
            if len(self._allowances) > REMEMBERED:
                self._allowances.popitem(last=False)
        return allowance


class Owner:
    """In the place of a keyring where nobody comes from outside: whoever started the process, who needs no key."""

    def __init__(self, scopes: Collection[keys.Scope]) -> None:
        self._key = keys.Key(0, "owner", frozenset(scopes), 0, datetime.now(UTC), None, None)

    async def admit(self, _: Headers, scope: keys.Scope) -> keys.Key:
        """Himself, if he has not asked to be kept from this. Raises Problem: 403."""
        if scope not in self._key.scopes:
            raise Problem(403, f"This gateway was started for {' and '.join(sorted(self._key.scopes))} alone.")
        return self._key

    async def identify(self, _: Headers) -> keys.Key:
        """Himself."""
        return self._key


class _Allowance:
    """A bucket that holds the calls of a minute, and fills within a minute."""

    def __init__(self, calls_per_minute: int) -> None:
        self._most = self._left = float(calls_per_minute)
        self._at = 0.0

    def wait(self, now: float) -> float:
        """Take one call, or say how many seconds there will be none."""
        self._left = min(self._most, self._left + (now - self._at) * self._most / 60)
        self._at = now
        if self._left >= 1:
            self._left -= 1
            return 0.0
        return (1 - self._left) * 60 / self._most
