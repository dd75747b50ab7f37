"""Delivery of callbacks: in order, one at a time a workflow, tried again for a while and then given up for good.

Where a delivery may go is the stand-in's own rule: to this machine only. A fault may lose a callback, send it twice,
let the next one pass it, or send it late and beside the others.
"""

import asyncio
import contextlib
import ipaddress
import re
from collections import deque
from collections.abc import Coroutine, Iterator, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import aiohttp
import yarl

from orchestration import addresses
from sandbox import faults, state

RETRY_DELAYS = (1.0, 3.0, 8.0, 15.0)  # seconds before each further try: about half a minute in all
ANSWER_WITHIN = 10.0  # seconds
IDLE_WITHIN = 2.0  # seconds; less than receivers wait before they close a connection that is not used
MOST_SENT = 10_000  # kept
_RETRIED = frozenset({408, 429})
_CHARACTERS = re.compile(r"[!-~]+")


@dataclass
class Delivery:
    """One callback to one address. `answers` has a status a try, None where no answer came."""

    workflow_id: str
    url: str = field(repr=False)  # holds the receiver's secret
    body: dict[str, Any]
    answers: list[int | None] = field(default_factory=list)
    waits_for_next: float = 0.0  # seconds at most, to be passed by the next one

    @property
    def delivered(self) -> bool:
        """Whether the last try was acknowledged."""
        return bool(self.answers) and self.answers[-1] is not None and 200 <= self.answers[-1] < 300


def is_on_this_machine(url: str) -> bool:
    """Whether `url` is http or https to a loopback address, read as it is read when it is called."""
    try:
        parts = _verbatim(url)
        is_here = parts.host == "localhost" or _is_loopback(parts.host or "")
        return parts.scheme in {"http", "https"} and is_here and parts.port is not None
    except ValueError:
        return False


def _verbatim(url: str) -> yarl.URL:
    if not _CHARACTERS.fullmatch(url):
        raise ValueError("A URL is made of visible ASCII characters.")
    return yarl.URL(url, encoded=True)


def _is_loopback(address: str) -> bool:
    return ipaddress.ip_address(address).is_loopback


class Deliveries:
    """An async context manager that sends what is posted. Keeps the newest of the finished deliveries in `sent`."""

    def __init__(self, chance: faults.Chance, retry_delays: Sequence[float] = RETRY_DELAYS) -> None:
        self._chance = chance
        self.sent: deque[Delivery] = deque(maxlen=MOST_SENT)
        self._retry_delays = retry_delays
        self._queues: dict[str, asyncio.Queue[Delivery]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def post(self, workflow: state.Workflow, url: str, body: dict[str, Any]) -> None:
        """Send `body` to `url` once everything posted earlier for this workflow is delivered or given up."""
        delivery = Delivery(workflow.id, url, body)
        strike = self._chance.strike(faults.CALLBACK, f"workflow {workflow.number}", workflow.scenario.own_faults)
        match strike:
            case None:
                self._queue(workflow, delivery)
            case faults.Strike(name="callback_lost"):
                self._record(workflow, delivery)
            case faults.Strike(name="callback_doubled"):
                self._queue(workflow, delivery)
                self._queue(workflow, Delivery(workflow.id, url, body))
            case faults.Strike(name="callback_reordered", seconds=seconds):
                delivery.waits_for_next = seconds
                self._queue(workflow, delivery)
            case faults.Strike(seconds=seconds):
                self._start(self._deliver_late(workflow, delivery, seconds))

    async def __aenter__(self) -> Self:
        # What a name leads to is decided when it is connected to: nothing but loopback gets a socket, whatever the URL
        # looked like when it was registered. Nothing to verify there; cookies would be a memory that the real one does
        # not have.
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                ssl=False, keepalive_timeout=IDLE_WITHIN, socket_factory=addresses.guarded_sockets(_is_loopback)
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(ANSWER_WITHIN),
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Drop what is not delivered yet."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._session.close()

    def _queue(self, workflow: state.Workflow, delivery: Delivery) -> None:
        queue = self._queues.get(workflow.id)
        if queue is None:
            queue = self._queues[workflow.id] = asyncio.Queue()
            self._start(self._drain(workflow, queue))
        queue.put_nowait(delivery)

    def _start(self, sending: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(sending)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _drain(self, workflow: state.Workflow, queue: asyncio.Queue[Delivery]) -> None:
        while not queue.empty():
            delivery = queue.get_nowait()
            if delivery.waits_for_next:
                with contextlib.suppress(TimeoutError):
                    following = await asyncio.wait_for(queue.get(), delivery.waits_for_next)
                    await self._deliver(workflow, following)
            await self._deliver(workflow, delivery)
        del self._queues[workflow.id]

    async def _deliver_late(self, workflow: state.Workflow, delivery: Delivery, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await self._deliver(workflow, delivery)

    async def _deliver(self, workflow: state.Workflow, delivery: Delivery) -> None:
        await self._try(delivery)
        self._record(workflow, delivery)

    def _record(self, workflow: state.Workflow, delivery: Delivery) -> None:
        self.sent.append(delivery)
        if delivery.delivered:
            workflow.callbacks_delivered += 1
            workflow.told.update(_steps_with_output(delivery.body))
        else:
            workflow.callbacks_failed += 1

    async def _try(self, delivery: Delivery) -> None:
        for delay in (0.0, *self._retry_delays):
            await asyncio.sleep(delay)
            try:
                status = await self._send(delivery)
            except (aiohttp.ClientError, TimeoutError):
                delivery.answers.append(None)
                continue
            delivery.answers.append(status)
            if status < 500 and status not in _RETRIED:
                return

    async def _send(self, delivery: Delivery) -> int:
        # Exactly as it was registered, and no redirect leads it off this machine.
        async with self._session.post(_verbatim(delivery.url), json=delivery.body, allow_redirects=False) as answer:
            await answer.read()
            return answer.status


def _steps_with_output(body: dict[str, Any]) -> Iterator[str]:
    """The names of the steps whose output the details of a callback bring."""
    details = body.get("details", {})
    for step in details.get("steps", [{"name": body.get("name"), **details}]):
        if "output" in step:
            yield step["name"]
