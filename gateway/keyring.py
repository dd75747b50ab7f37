"""Who is calling, whether they may, and whether they have called too often."""

import asyncio
import math
import time
from collections import OrderedDict
from collections.abc import Collection, Mapping
from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.datastructures import Headers

from archive import keys
from gateway.problems import Problem

REMEMBERED_SECONDS = 1.0
"""How long the keys are not looked up again: so long, at most, one works after it was revoked."""

REMEMBERED = 10_000

_REALM = {"WWW-Authenticate": 'Bearer realm="civitai-archive"'}


class Keyring:
    """Every valid key, looked up in PostgreSQL once a second at most, whatever strangers send.

    What has not the shape of a key is refused at once. What has it and is unknown may have been made since we looked:
    it waits for the next look, and so does who guesses. A key that we know never waits for those.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._valid: Mapping[bytes, keys.Key] = {}
        self._noted: set[int] = set()  # the keys whose use has been noted since we looked
        self._looked_at = -math.inf
        self._looking: asyncio.Task[None] | None = None
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
        digest, began = keys.digest(text), time.monotonic()
        if digest is None:
            return None
        await self._look()
        if digest not in self._valid and self._looked_at < began:
            await asyncio.sleep(self._looked_at + REMEMBERED_SECONDS - time.monotonic())
            await self._look()
        key = self._valid.get(digest)
        if key is not None and key.id not in self._noted:
            async with self._engine.connect() as connection:
                await keys.note_use(connection, key)
            self._noted.add(key.id)
        return key

    async def _look(self) -> None:
        """Look the keys up unless we have done so lately; those who want it at the same time share one look."""
        if time.monotonic() < self._looked_at + REMEMBERED_SECONDS:
            return
        if self._looking is None:
            # A task of its own, which does not end when one who waits for it hangs up.
            self._looking = asyncio.create_task(self._look_up())
        await asyncio.shield(self._looking)

    async def _look_up(self) -> None:
        began = time.monotonic()
        try:
            async with self._engine.connect() as connection:
                self._valid = await keys.valid(connection)
            self._looked_at = began
            self._noted.clear()
        finally:
            self._looking = None

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
