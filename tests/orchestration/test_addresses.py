import ipaddress
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration import addresses


@pytest.mark.parametrize(
    "address",
    ["1.1.1.1", "8.8.8.8", "172.15.255.255", "172.32.0.1", "192.169.0.1", "100.63.255.255", "100.128.0.1",
     "2606:4700:4700::1111", "2a00:1450:4001::200e", "::ffff:8.8.8.8", "64:ff9b::808:808"],
)  # fmt: skip
def test_hosts_on_the_internet_are_public(address: str) -> None:
    assert addresses.is_public(address)


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "127.8.8.8", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1",
     str(ipaddress.IPv4Address(0)), "0.1.2.3",
     "169.254.169.254", "169.254.170.2", "100.100.100.200", "192.0.0.192", "168.63.129.16",
     "198.18.0.1", "192.0.2.1", "192.88.99.1", "224.0.0.1", "240.0.0.1", "255.255.255.255",
     "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1", "2001:db8::1",
     "::ffff:127.0.0.1", "::ffff:a9fe:a9fe", "::127.0.0.1", "::ffff:0:127.0.0.1",
     "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::808:808",
     "2002:7f00:1::", "2002:a9fe:a9fe::1", "2001:0:7f00:1::1", "100::1", "5f00::1"],
)  # fmt: skip
def test_private_local_and_reserved_addresses_are_not_public(address: str) -> None:
    assert not addresses.is_public(address)


@pytest.mark.parametrize("text", ["", "localhost", "0x7f.1", "2130706433", "127.1", "8.8.8.8 ", "[::1]"])
def test_what_is_no_address_is_not_public(text: str) -> None:
    assert not addresses.is_public(text)


@given(st.ip_addresses())
def test_nothing_is_public_that_python_knows_to_be_special(ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    special = not ip.is_global or ip.is_multicast or ip.is_reserved or ip.is_loopback or ip.is_link_local
    holds_another = any(ip in ipaddress.ip_network(network) for network in ("64:ff9b::/96", "::ffff:0:0/96"))
    assert holds_another or not (special and addresses.is_public(str(ip)))


@given(st.ip_addresses(v=4))
def test_an_address_within_an_address_counts_as_itself(ip: ipaddress.IPv4Address) -> None:
    mapped = ipaddress.IPv6Address(0xFFFF_0000_0000 + int(ip))
    translated = ipaddress.IPv6Address(int(ipaddress.IPv6Address("64:ff9b::")) + int(ip))
    assert addresses.is_public(str(mapped)) == addresses.is_public(str(translated)) == addresses.is_public(str(ip))


def test_a_socket_is_made_for_an_allowed_address_alone() -> None:
    open_socket = addresses.guarded_sockets(lambda address: address == "127.0.0.1")
    kind = (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "")
    with open_socket((*kind, ("127.0.0.1", 80))) as made:
        assert made.family is socket.AF_INET
    with pytest.raises(addresses.NotPublicError, match=r"^The host's address is private, local or reserved$"):
        open_socket((*kind, ("127.0.0.2", 80)))
