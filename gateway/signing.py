"""Addresses of blobs that need no key for a while: signed by us, as Civitai signs its own."""

import hashlib
import hmac
import os
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

from archive.catalogue import Content
from archive.settings import Settings
from orchestration import wire
from orchestration.rendering import Link

LIFETIME = timedelta(hours=1)
"""How long an address is good; whoever needs it longer asks for a fresh one."""

SIGNATURE, EXPIRY = "sig", "exp"
"""The names of the query's parameters, which are Civitai's."""

KEY_FILE = "gateway-signing-key"

_PURPOSE = b"civitai-archive blob\n"


@dataclass(frozen=True)
class Signer:
    """Without its key nobody can make an address, or prolong one."""

    key: bytes = field(repr=False)

    def link(self, base_url: str, content: Content) -> Link:
        """The address of a content below this origin, good for LIFETIME."""
        expires_at = f"{datetime.now(UTC) + LIFETIME:%Y-%m-%dT%H:%M:%SZ}"
        signed = f"{SIGNATURE}={self.sign(content.name, expires_at)}&{EXPIRY}={expires_at}"
        return Link(f"{base_url}/v2/consumer/blobs/{quote(content.name, safe='')}?{signed}", expires_at)

    def sign(self, name: str, expires_at: str) -> str:
        """The signature that lets this blob be had until then."""
        return hmac.digest(self.key, _PURPOSE + f"{expires_at}\n{name}".encode(), "sha256").hex()

    def allows(self, name: str, signature: str, expires_at: str) -> bool:
        """Whether the signature is ours, for this blob, and still good."""
        if not hmac.compare_digest(self.sign(name, expires_at).encode(), signature.encode("utf-8", "replace")):
            return False
        moment = wire.timestamp(expires_at)
        return moment is not None and moment > datetime.now(UTC)


def open_signer(config: Settings) -> Signer:
    """A signer with the secret of the settings, or with one of this home that is made when it is first needed."""
    if config.gateway.signing_secret is not None:
        return Signer(hashlib.sha256(config.gateway.signing_secret.reveal().encode()).digest())
    return Signer(_kept_key(config.home / KEY_FILE))


def _kept_key(path: Path) -> bytes:
    """The key in this file, which its owner alone can read; of several who make it at once the first wins."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(32))
            file.flush()
            os.fsync(descriptor)
        os.link(beside, path)  # whole or not at all, and never over one that is there
    except FileExistsError:
        pass
    finally:
        beside.unlink()
    return path.read_bytes()
