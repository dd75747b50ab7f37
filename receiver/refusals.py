"""Those without the secret: the more often an address tries, the longer it waits for its 401.

Whoever has the secret never waits, whatever their neighbours do: behind one proxy or one NAT Civitai may share its
address with a stranger, and a callback that is turned away is lost.
"""

import asyncio
import ipaddress
import time
from collections import OrderedDict
from collections.abc import Sequence

from archive.settings import Network

FREE_TRIES = 3
FIRST_SECONDS, LONGEST_SECONDS = 0.25, 8.0
"""The wait after the free tries, doubled with each further one."""

FORGIVEN_SECONDS = 60.0
"""Without a try for so long, an address begins anew."""

ADDRESSES = 10_000
WAITING = 256
"""What is remembered, and how many wait at once: strangers shall not fill our memory."""


class Refusals:
    """What addresses have tried lately, in this process."""

    def __init__(self) -> None:
        self._tries: OrderedDict[str, tuple[int, float]] = OrderedDict()
        self._waiting = 0

    async def slow_down(self, address: str) -> bool:
        """Wait as long as this address has to for its refusal; False, at once, when too many are waiting already."""
        seconds = self._note(address)
        if not seconds:
            return True
        if self._waiting >= WAITING:
            return False
        self._waiting += 1
        try:
            await asyncio.sleep(seconds)
        finally:
            self._waiting -= 1
        return True

    def _note(self, address: str) -> float:
        now = time.monotonic()
        tries, last = self._tries.pop(address, (0, now))
        tries = 1 if now - last > FORGIVEN_SECONDS else tries + 1
        self._tries[address] = (tries, now)
        if len(self._tries) > ADDRESSES:
            self._tries.popitem(last=False)
        if tries <= FREE_TRIES:
            return 0.0
        return min(FIRST_SECONDS * 2.0 ** min(tries - FREE_TRIES - 1, 10), LONGEST_SECONDS)


def client_address(peer: str | None, forwarded: Sequence[str], trusted_proxies: Sequence[Network]) -> str:
    """Whose tries these are: the nearest address that is no proxy which we trust; of IPv6 the network of a customer.

    `forwarded` are the values of X-Forwarded-For, read from their end, where our own proxies wrote, and only as far as
    they are the ones who wrote.
    """
    addresses = [address.strip() for value in forwarded for address in value.split(",")]
    nearest = peer or "unknown"
    while (address := _parse(nearest)) and any(address in network for network in trusted_proxies) and addresses:
        nearest = addresses.pop()
    address = _parse(nearest)
    if address is None:
        return "unknown"
    return str(ipaddress.ip_network((address, 64), strict=False) if address.version == 6 else address)


def _parse(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
