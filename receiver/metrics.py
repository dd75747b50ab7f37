"""What is counted, for Prometheus. Nothing of a sender's choosing becomes a label: not a secret, not a new status.

With several workers each writes its own files under PROMETHEUS_MULTIPROC_DIR, which has to be set before this module
is imported, and whoever serves adds them up.
"""

import os
from collections import Counter as Tally
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Metric, multiprocess, start_http_server

from archive import events, quarantine
from orchestration import statuses

_KNOWN_STATUSES = {*statuses.TERMINAL, "unassigned", "preparing", "scheduled", "processing", "pending", "deleted"}
DIRECTORY = "PROMETHEUS_MULTIPROC_DIR"
"""The variable in which prometheus_client finds out that several processes are counted together."""

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

Refusal = Literal["token", "slowed", "too large", "too slow", "broken off", "busy"]

REGISTRY = CollectorRegistry()

EVENTS = Counter(
    "civitai_archive_events", "Deliveries of events that are in the database", ["scope", "status"], registry=REGISTRY
)
DUPLICATES = Counter(
    "civitai_archive_duplicate_events", "Deliveries of events that were there already", registry=REGISTRY
)
QUARANTINED = Counter("civitai_archive_quarantined", "Deliveries put into quarantine", registry=REGISTRY)
REFUSED = Counter("civitai_archive_refused", "Requests that were not kept, by reason", ["reason"], registry=REGISTRY)
BATCH = Histogram(
    "civitai_archive_batch_deliveries",
    "Deliveries in a batch",
    buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256, 512),
    registry=REGISTRY,
)
COMMIT = Histogram(
    "civitai_archive_commit_seconds",
    "Seconds from a batch's begin to its COMMIT",
    buckets=_SECONDS,
    registry=REGISTRY,
)
ACKNOWLEDGEMENT = Histogram(
    "civitai_archive_acknowledgement_seconds",
    "Seconds from a request's headers to its acknowledgement",
    buckets=_SECONDS,
    registry=REGISTRY,
)
SPOOLED = Counter("civitai_archive_spooled", "Deliveries written to the spool", registry=REGISTRY)
REPLAYED = Counter("civitai_archive_replayed", "Deliveries replayed from the spool", registry=REGISTRY)
SPOOL_BYTES = Gauge(
    "civitai_archive_spool_bytes", "Bytes that lie in the spool", registry=REGISTRY, multiprocess_mode="livesum"
)
BELL_FAILURES = Counter("civitai_archive_bell_failures", "Times that the bell could not ring", registry=REGISTRY)


def count_stored(deliveries: Sequence[events.Delivery | quarantine.Unread], recorded: events.Recorded) -> None:
    """Count deliveries whose transaction has been committed."""
    told = [delivery.event for delivery in deliveries if isinstance(delivery, events.Delivery)]
    for (scope, status), count in Tally((event.scope, event.status) for event in told).items():
        EVENTS.labels(scope, status if status in _KNOWN_STATUSES else "none" if status is None else "other").inc(count)
    DUPLICATES.inc(len(told) - recorded.new)
    QUARANTINED.inc(len(deliveries) - len(told))


def refused(reason: Refusal) -> None:
    """Count a request that was not kept."""
    REFUSED.labels(reason).inc()


def serve(host: str, port: int) -> None:
    """Serve what is counted, in this process and in all that share its PROMETHEUS_MULTIPROC_DIR, on a thread.

    Raises OSError when the address is not to be had.
    """
    registry = REGISTRY
    if DIRECTORY in os.environ:
        registry = CollectorRegistry()
        _AllProcesses(registry)
    start_http_server(port, host, registry)


class _AllProcesses(multiprocess.MultiProcessCollector):
    """Adds up what all have counted; a gauge counts for processes that live."""

    def __init__(self, registry: CollectorRegistry) -> None:
        super().__init__(registry)  # type: ignore[no-untyped-call]

    def collect(self) -> Iterable[Metric]:
        for file in Path(os.environ[DIRECTORY]).glob("gauge_live*_*.db"):
            pid = int(file.stem.rpartition("_")[2])
            if not _lives(pid):
                multiprocess.mark_process_dead(pid)  # type: ignore[no-untyped-call]
        metrics: Iterable[Metric] = super().collect()  # type: ignore[no-untyped-call]
        return metrics


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
