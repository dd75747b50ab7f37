"""What the gateway counts, for Prometheus. Nothing of a client's choosing becomes a label."""

from prometheus_client import CollectorRegistry, Counter, Histogram, start_http_server

REGISTRY = CollectorRegistry()

REQUESTS = Counter(
    "civitai_archive_gateway_requests",
    "Requests, by operation, who answered and status",
    ["operation", "source", "status"],
    registry=REGISTRY,
)
SECONDS = Histogram(
    "civitai_archive_gateway_seconds",
    "Seconds from a request's head to the head of its answer",
    ["operation", "source"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 100),
    registry=REGISTRY,
)


def serve(host: str, port: int) -> None:
    """Serve what is counted, on a thread. Raises OSError when the address is not to be had."""
    start_http_server(port, host, REGISTRY)
