"""Refusals: strangers wait longer each time, whoever has the secret never does, and no forged address is believed."""

import asyncio
import ipaddress
import time
from collections.abc import AsyncIterator

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive import settings
from receiver import refusals
from receiver.refusals import Refusals
from tests import serving
from tests.archive.factories import workflow_event
from tests.conftest import SECRET

PROXIES = [ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("2001:db8:1::/48")]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same steps in a fraction of the time."""
    monkeypatch.setattr(refusals, "FIRST_SECONDS", 0.05)
    monkeypatch.setattr(refusals, "LONGEST_SECONDS", 0.2)


async def seconds(kept: Refusals, address: str) -> float:
    began = time.monotonic()
    assert await kept.slow_down(address)
    return time.monotonic() - began


@pytest.mark.usefixtures("quick")
async def test_an_address_waits_longer_with_every_try_up_to_a_bound_and_others_do_not() -> None:
    kept = Refusals()
    waits = [await seconds(kept, "192.0.2.1") for _ in range(refusals.FREE_TRIES + 4)]
    for wait, expected in zip(waits, [0, 0, 0, 0.05, 0.1, 0.2, 0.2], strict=True):
        assert expected <= wait < expected + 0.2
    assert await seconds(kept, "192.0.2.2") < 0.04


@pytest.mark.usefixtures("quick")
async def test_an_address_that_has_stopped_trying_is_forgiven(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = Refusals()
    for _ in range(refusals.FREE_TRIES + 1):
        await kept.slow_down("192.0.2.1")
    monkeypatch.setattr(refusals, "FORGIVEN_SECONDS", 0.01)
    await asyncio.sleep(0.05)
    assert await seconds(kept, "192.0.2.1") < 0.04


async def test_neither_addresses_nor_those_who_wait_fill_our_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusals, "ADDRESSES", 100)
    monkeypatch.setattr(refusals, "WAITING", 5)
    kept = Refusals()
    for number in range(1000):
        assert await kept.slow_down(f"192.0.2.{number}")
    assert len(kept._tries) == 100
    for _ in range(refusals.FREE_TRIES):
        await kept.slow_down("192.0.2.1")
    waiting = [asyncio.create_task(kept.slow_down("192.0.2.1")) for _ in range(5)]
    await asyncio.sleep(0)
    assert await kept.slow_down("192.0.2.1") is False
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    assert kept._waiting == 0


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("192.0.2.1", [], "192.0.2.1"),
        ("192.0.2.1", ["198.51.100.7"], "192.0.2.1"),  # nobody whom we trust says so
        ("10.0.0.1", ["198.51.100.7"], "198.51.100.7"),
        ("10.0.0.1", ["203.0.113.9, 198.51.100.7"], "198.51.100.7"),  # what the client made up stands in front
        ("10.0.0.1", ["203.0.113.9", "198.51.100.7, 10.2.3.4"], "198.51.100.7"),
        ("10.0.0.1", ["10.9.9.9, 10.2.3.4"], "10.9.9.9"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.7, nonsense"], "unknown"),
        ("10.0.0.1", [""], "unknown"),
        ("2001:db8:9:1::5", [], "2001:db8:9:1::/64"),
        ("2001:db8:1::1", ["2001:db8:9:1:2:3:4:5"], "2001:db8:9:1::/64"),
        (None, ["198.51.100.7"], "unknown"),
    ],
)
def test_the_address_is_the_nearest_one_that_is_no_proxy_of_ours(
    peer: str | None, forwarded: list[str], address: str
) -> None:
    assert refusals.client_address(peer, forwarded, PROXIES) == address


@given(st.lists(st.text() | st.ip_addresses().map(str)))
def test_whatever_a_stranger_writes_into_the_header_is_not_believed(forwarded: list[str]) -> None:
    assert refusals.client_address("192.0.2.1", forwarded, PROXIES) == "192.0.2.1"
    refusals.client_address("10.0.0.1", forwarded, PROXIES)


@pytest.fixture
async def http(config: settings.Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a receiver of its own, which remembers no tries of other tests."""
    async with serving.receiver(config) as url, httpx.AsyncClient(base_url=url, timeout=60) as http:
        yield http


@pytest.mark.usefixtures("engine", "quick")
async def test_whoever_has_the_secret_is_not_slowed_down_by_a_stranger_at_the_same_address(
    http: httpx.AsyncClient,
) -> None:
    tries = [asyncio.create_task(http.post("/callbacks?token=guess")) for _ in range(30)]
    await asyncio.sleep(0.1)
    began = time.monotonic()
    answer = await http.post(f"/callbacks?token={SECRET}", json=workflow_event("wf", "x"))
    assert answer.status_code == 202
    assert time.monotonic() - began < 20
    assert {answer.status_code for answer in await asyncio.gather(*tries)} == {401}
    assert all(answer.headers["Connection"] == "close" for answer in await asyncio.gather(*tries))


async def test_when_too_many_are_waiting_the_next_is_refused_at_once(
    http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refusals, "WAITING", 0)
    answers = [await http.post("/callbacks?token=guess") for _ in range(refusals.FREE_TRIES + 1)]
    assert [answer.status_code for answer in answers] == [401] * refusals.FREE_TRIES + [429]
    assert answers[-1].headers["Retry-After"] == "8"
