"""Counts of what is not kept, read from indexes alone, and the failed jobs of a day."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from migrations import online

revision: str = "f4c9730a5d18"
down_revision: str | None = "e81b54d0f6a3"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

NOT_KEPT = sa.text("dead_at IS NOT NULL OR withheld_at IS NOT NULL OR gone_at IS NOT NULL")
NOT_KEPT_AT = sa.text("coalesce(withheld_at, gone_at, dead_at)")
HOW = ["withheld_at", "gone_at", "dead_at"]
FAILED = sa.text("lower(coalesce(told_status, status)) IN ('failed', 'expired', 'canceled')")
DAY = sa.text("date_bin('1 day', completed_at, '2000-01-01 00:00:00+00')")


def upgrade() -> None:
    for name in ("ix_results_without_bytes", "ix_results_not_kept"):
        online.drop_index(name, "results")
    online.drop_index("ix_jobs_failed", "jobs")
    online.create_index(
        "ix_results_without_bytes",
        "results",
        ["workflow_id"],
        postgresql_include=["role", *HOW],
        postgresql_where=NOT_KEPT,
    )
    online.create_index(
        "ix_results_not_kept", "results", [NOT_KEPT_AT], postgresql_include=HOW, postgresql_where=NOT_KEPT
    )
    online.create_index("ix_jobs_failed", "jobs", [DAY], postgresql_where=FAILED)
    for table in ("results", "jobs"):
        online.analyze(table)


def downgrade() -> None:
    op.drop_index("ix_jobs_failed", "jobs")
    op.drop_index("ix_results_not_kept", "results")
    op.drop_index("ix_results_without_bytes", "results")
    op.create_index("ix_results_without_bytes", "results", ["workflow_id"], postgresql_where=NOT_KEPT)
    op.create_index("ix_results_not_kept", "results", [NOT_KEPT_AT], postgresql_where=NOT_KEPT)
    op.create_index("ix_jobs_failed", "jobs", ["workflow_id"], postgresql_where=FAILED)
