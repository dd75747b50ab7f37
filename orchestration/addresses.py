"""Which addresses on the network content may come from: public ones, those of hosts on the Internet.

A URL that somebody else wrote could otherwise have us ask a database on our own network, or the metadata service
that hands out a cloud machine's credentials. The check is of the address that a socket is about to be connected
to, so that neither a spelling nor a name server that changes its answers gets around it.
"""

import ipaddress
import socket
from collections.abc import Callable
from typing import Any

# The special-purpose registries of IANA, and one cloud's metadata on an address that looks public. Python's own
# `is_global` changes its mind between releases, so it is not asked.
_NOT_PUBLIC_4 = tuple(
    map(
        ipaddress.IPv4Network,
        (
            "0.0.0.0/8",  # this host
            "10.0.0.0/8",  # private
            "100.64.0.0/10",  # carriers' NAT; a cloud's metadata
            "127.0.0.0/8",  # loopback
            "168.63.129.16/32",  # Azure's metadata
            "169.254.0.0/16",  # link-local; most clouds' metadata
            "172.16.0.0/12",  # private
            "192.0.0.0/24",  # protocol assignments; a cloud's metadata
            "192.0.2.0/24",  # documentation
            "192.88.99.0/24",  # relays of 6to4
            "192.168.0.0/16",  # private
            "198.18.0.0/15",  # benchmarks
            "198.51.100.0/24",  # documentation
            "203.0.113.0/24",  # documentation
            "224.0.0.0/3",  # multicast, reserved, broadcast
        ),
    )
)
_PUBLIC_6 = ipaddress.IPv6Network("2000::/3")
_NOT_PUBLIC_6 = tuple(
    map(
        ipaddress.IPv6Network,
        (
            "2001::/23",  # protocol assignments: Teredo, ORCHID and others
            "2001:db8::/32",  # documentation
            "2002::/16",  # 6to4, which has an IPv4 address of anybody's choice in it
            "3fff::/20",  # documentation
        ),
    )
)
# Networks without IPv4 reach IPv4 hosts in this way; what counts is the address within.
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


class NotPublicError(PermissionError):
    """The host's address is private, local or reserved."""

    def __init__(self) -> None:
        # The same words for every address: where a host has several and all are refused, one such error comes out.
        super().__init__((type(self).__doc__ or "").rstrip("."))


def is_public(address: str) -> bool:
    """Say whether this is the address of a host on the Internet; what is no IP address is not."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or (ipaddress.IPv4Address(int(ip) & 0xFFFF_FFFF) if ip in _NAT64 else None)
        if inner is None:
            return ip in _PUBLIC_6 and not any(ip in network for network in _NOT_PUBLIC_6)
        ip = inner
    return not any(ip in network for network in _NOT_PUBLIC_4)


def guarded_sockets(is_allowed: Callable[[str], bool]) -> Callable[[tuple[Any, ...]], socket.socket]:
    """Make sockets, each for the one address (as of `getaddrinfo`) that it is then connected to.

    For an address that is not allowed there is none: NotPublicError.
    """

    def open_socket(info: tuple[Any, ...]) -> socket.socket:
        family, kind, protocol, _, address = info
        if not is_allowed(address[0]):
            raise NotPublicError
        return socket.socket(family, kind, protocol)

    return open_socket
