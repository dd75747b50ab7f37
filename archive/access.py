"""Who may speak to the receiver, and how their secret is kept out of everything that we keep.

Civitai signs no callback: the secret in the callback URL's `token` parameter is the whole authentication, and
Civitai's own documents echo that URL. So every body, document and parameter is struck before it is stored.
"""

import hashlib
import hmac
import json
import re
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import urlencode

from archive import settings
from orchestration import wire

TOKEN_PARAMETER = "token"  # noqa: S105 - the parameter's name, not its value
STRUCK = "***"

_TOKEN_IN_URL = re.compile(rf"([?&]{TOKEN_PARAMETER}=)[^&#]*", re.IGNORECASE)


class Access:
    """The callback secrets that are valid now."""

    def __init__(self, secrets: Iterable[settings.CallbackSecret]) -> None:
        revealed = [(secret.source, secret.secret.reveal()) for secret in secrets]
        self._digests = [(source, _digest(secret)) for source, secret in revealed]
        # One secret may begin with another: struck first, the shorter would leave the rest of the longer to be seen.
        self._longest_first = sorted((secret.encode() for _, secret in revealed), key=len, reverse=True)

    def source_of(self, token: str) -> str | None:
        """The name of the secret that the token is, or None. Takes the same time whatever the token."""
        digest = _digest(token)
        found = None
        for source, expected in self._digests:
            if hmac.compare_digest(digest, expected):
                found = source
        return found

    def strike(self, text: bytes) -> bytes:
        """The text with every secret of ours replaced by `***`."""
        for secret in self._longest_first:
            text = text.replace(secret, STRUCK.encode())
        return text

    def strike_document(self, document: dict[str, Any]) -> dict[str, Any]:
        """A workflow document without any secret of ours, nor the `token` of any callback URL, ours or not.

        A secret that has been rotated away is no longer known here, but may still be in old documents.
        """
        struck = dict(document)
        if isinstance(url := struck.get("callbackUrl"), str):
            struck["callbackUrl"] = _strike_url(url)
        if isinstance(callbacks := struck.get("callbacks"), list):
            struck["callbacks"] = [_strike_callback(callback) for callback in callbacks]
        text = wire.dumps(struck)
        without = self.strike(text)
        return struck if without == text else dict(json.loads(without))


def callback_url(public_url: str, secret: settings.CallbackSecret) -> str:
    """The URL to register with Civitai. It holds the secret: show it to its owner alone."""
    return f"{public_url}/callbacks?{urlencode({TOKEN_PARAMETER: secret.secret.reveal()})}"


def callbacks_entry(url: str, events: Sequence[str] = ("workflow:*", "step:*", "job:*")) -> dict[str, Any]:
    """One entry for the `callbacks` list of a workflow submission, detailed so that ephemeral results are told."""
    return {"url": url, "type": list(events), "detailed": True}


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def _strike_callback(callback: Any) -> Any:
    if isinstance(callback, dict) and isinstance(url := callback.get("url"), str):
        return {**callback, "url": _strike_url(url)}
    return callback


def _strike_url(url: str) -> str:
    return _TOKEN_IN_URL.sub(rf"\g<1>{STRUCK}", url)
