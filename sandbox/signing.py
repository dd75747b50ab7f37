"""Signed blob URLs: `<blob origin>/blobs/<id>?sig=<HMAC-SHA256>&exp=<time>`."""

import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import quote, urlencode

from sandbox import clock


@dataclass(frozen=True)
class Signer:
    """Signs for one blob origin. Without the `key` nobody can make or prolong a URL."""

    origin: str
    lifetime: timedelta
    key: bytes = field(repr=False)

    def url(self, blob_id: str, moment: datetime, seconds: float | None = None) -> str:
        """The blob's address, good for `lifetime`, or for so many seconds, from `moment` on."""
        expires = self.expiry(moment, seconds)
        query = urlencode({"sig": self._signature(blob_id, expires), "exp": expires}, safe=":")
        return f"{self.origin}/blobs/{quote(blob_id, safe='')}?{query}"

    def expiry(self, moment: datetime, seconds: float | None = None) -> str:
        """When a URL that was signed at `moment` ends, as documents write it."""
        return clock.text(moment + (self.lifetime if seconds is None else timedelta(seconds=seconds)))

    def allows(self, blob_id: str, signature: str, expires: str, moment: datetime) -> bool:
        """Whether the signature is ours and at this moment still good."""
        if not hmac.compare_digest(self._signature(blob_id, expires).encode(), signature.encode()):
            return False
        return clock.parse(expires) > moment

    def _signature(self, blob_id: str, expires: str) -> str:
        return hmac.new(self.key, f"{blob_id}\n{expires}".encode(), hashlib.sha256).hexdigest()
