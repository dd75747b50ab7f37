"""The statuses of a workflow, a step or a job.

On the way: unassigned, preparing, scheduled, processing. At the end: one of TERMINAL, which never changes
again. Civitai adds statuses without notice, so one that we do not know is kept as it came and ends nothing.
"""

TERMINAL: frozenset[str] = frozenset({"succeeded", "failed", "expired", "canceled"})

DELETED = "deleted"
"""What its owner removed: no outcome, and it may follow any."""


def is_terminal(status: str | None) -> bool:
    """Say whether nothing more will happen. `deleted`, what its owner removed, is not such an end."""
    return status is not None and status.lower() in TERMINAL
