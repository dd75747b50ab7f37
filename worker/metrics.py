"""What a worker counts, for Prometheus, and where it is served."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, start_http_server

from archive import pauses, settings

REGISTRY = CollectorRegistry()

ARCHIVED = Counter("civitai_archive_workflows_archived", "Workflows sealed", registry=REGISTRY)
STORED = Counter("civitai_archive_results_stored", "Results downloaded and stored", registry=REGISTRY)
STORED_BYTES = Counter("civitai_archive_stored_bytes", "Bytes of the results that were stored", registry=REGISTRY)
FAILED = Counter("civitai_archive_tries_failed", "Failed tries", ["of"], registry=REGISTRY)
SETTLED_WITHOUT = Counter(
    "civitai_archive_settled_without_bytes", "What ended without its bytes", ["of", "how"], registry=REGISTRY
)
DRIFT = Counter(
    "civitai_archive_drift", "Places in documents that might be content and cannot be read as such", registry=REGISTRY
)
VERIFIED_BYTES = Counter("civitai_archive_verified_bytes", "Stored bytes that were hashed again", registry=REGISTRY)
BROKEN = Counter("civitai_archive_objects_broken", "Objects found damaged or missing", ["how"], registry=REGISTRY)
PAUSED = Gauge(
    "civitai_archive_paused", "1 while nobody calls Civitai's API for this cause", ["cause"], registry=REGISTRY
)

log = structlog.get_logger()


def show_pauses(holding: Iterable[pauses.Pause]) -> None:
    """Show which pauses hold."""
    causes = {pause.cause for pause in holding}
    for cause in pauses.CAUSES:
        PAUSED.labels(cause).set(cause in causes)


@contextmanager
def served(config: settings.Settings) -> Iterator[None]:
    """Serve what is counted, on a thread. A second worker on this machine goes without: work matters more."""
    host, port = config.worker_metrics
    try:
        server, thread = start_http_server(port, host, REGISTRY)
    except OSError as error:
        log.warning("no metrics: WORKER_METRICS cannot be listened on", address=f"{host}:{port}", error=error.strerror)
        yield
        return
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
