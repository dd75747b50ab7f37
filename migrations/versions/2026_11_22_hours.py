"""Counting by the hour, and indexes on the times by which operators ask."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from migrations import online

revision: str = "4f1e8a6c2d97"
down_revision: str | None = "b19e4d7730fc"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

NOT_KEPT = "dead_at IS NOT NULL OR withheld_at IS NOT NULL OR gone_at IS NOT NULL"
FAILED = "lower({}) IN ('failed', 'expired', 'canceled')"
BLOCKS = {"postgresql_using": "brin", "postgresql_with": {"autosummarize": "on"}}


def upgrade() -> None:
    op.create_table(
        "hours",
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False, comment="its beginning, UTC"),
        sa.Column(
            "counted_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when what happened in it was last counted",
        ),
        sa.PrimaryKeyConstraint("hour", name=op.f("pk_hours")),
        comment="An hour of the archive's history",
    )
    op.create_table(
        "recounts",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recounts")),
        comment="An hour of which something has changed: it is counted again; several rows say no more than one",
    )
    op.create_index("ix_recounts_hour", "recounts", ["hour"])
    _counted(
        "callback_hours",
        "Events by the hour in which they were first received",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("events", sa.BigInteger(), nullable=False),
        sa.Column("facts", sa.BigInteger(), nullable=False, comment="events that are the first body of their fact"),
        sa.Column("deliveries", sa.BigInteger(), nullable=False),
        sa.Column("p50_latency_seconds", sa.Double(), nullable=True),
        sa.Column("p95_latency_seconds", sa.Double(), nullable=True),
        sa.Column("max_latency_seconds", sa.Double(), nullable=True),
        sa.Column("last_received_at", sa.DateTime(timezone=True), nullable=False),
    )
    _counted(
        "stored_hours",
        "Results by the hour in which they were stored, step type and engine",
        sa.Column("step_type", sa.Text(), nullable=True),
        sa.Column("engine", sa.Text(), nullable=True),
        sa.Column("workflows", sa.BigInteger(), nullable=False),
        sa.Column("results", sa.BigInteger(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
    )
    _counted(
        "stored_tag_hours",
        "Results by the hour in which they were stored and tag",
        sa.Column("tag", sa.Text(), nullable=True),
        sa.Column("workflows", sa.BigInteger(), nullable=False),
        sa.Column("results", sa.BigInteger(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
    )
    _counted(
        "storage_hours",
        "Results by the hour in which they were stored, kind and nsfw level",
        sa.Column("kind", sa.Text(), nullable=True),
        sa.Column("nsfw_level", sa.Text(), nullable=True),
        sa.Column("results", sa.BigInteger(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("new_objects", sa.BigInteger(), nullable=False, comment="contents whose first result these are"),
        sa.Column("new_bytes", sa.BigInteger(), nullable=False),
    )
    _counted(
        "spent_hours",
        "Steps by the hour of their workflow's submission, and what they cost",
        sa.Column("step_type", sa.Text(), nullable=True),
        sa.Column("engine", sa.Text(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=True),
        sa.Column("steps", sa.BigInteger(), nullable=False),
        sa.Column("cost", sa.Numeric(), nullable=True),
    )
    _counted(
        "spent_tag_hours",
        "Workflows by the hour of submission and tag, and what they cost",
        sa.Column("tag", sa.Text(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=True),
        sa.Column("workflows", sa.BigInteger(), nullable=False),
        sa.Column("cost", sa.Numeric(), nullable=True),
    )
    for table, column in (("events", "first_received_at"), ("results", "stored_at")):
        of_blocks = {column: "timestamptz_minmax_multi_ops"}
        online.create_index(f"ix_{table}_{column}", table, [column], postgresql_ops=of_blocks, **BLOCKS)
    not_kept_at = sa.text("coalesce(withheld_at, gone_at, dead_at)")
    online.create_index("ix_results_not_kept", "results", [not_kept_at], postgresql_where=sa.text(NOT_KEPT))
    submitted_at = sa.text("coalesce(created_at, heard_at)")
    online.create_index("ix_workflows_submitted", "workflows", [submitted_at, "id"])
    failed = sa.text(FAILED.format("status"))
    online.create_index("ix_workflows_failed", "workflows", [submitted_at], postgresql_where=failed)
    online.drop_index("ix_workflows_listed", "workflows")
    failed = sa.text(FAILED.format("coalesce(told_status, status)"))
    online.create_index("ix_jobs_failed", "jobs", ["workflow_id"], postgresql_where=failed)
    online.create_index("ix_attempts_attempted_at", "attempts", ["attempted_at"])


def downgrade() -> None:
    submitted_at = sa.text("coalesce(created_at, heard_at)")
    op.drop_index("ix_attempts_attempted_at", "attempts")
    op.drop_index("ix_jobs_failed", "jobs")
    op.create_index(
        "ix_workflows_listed", "workflows", [submitted_at, "id"], postgresql_where=sa.text("document IS NOT NULL")
    )
    op.drop_index("ix_workflows_failed", "workflows")
    op.drop_index("ix_workflows_submitted", "workflows")
    op.drop_index("ix_results_not_kept", "results")
    op.drop_index("ix_results_stored_at", "results")
    op.drop_index("ix_events_first_received_at", "events")
    for table in ("spent_tag_hours", "spent_hours", "storage_hours", "stored_tag_hours", "stored_hours"):
        op.drop_table(table)
    op.drop_table("callback_hours")
    op.drop_table("recounts")
    op.drop_table("hours")


def _counted(name: str, comment: str, *columns: sa.Column[object]) -> None:
    op.create_table(
        name,
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        *columns,
        sa.ForeignKeyConstraint(["hour"], ["hours.hour"], name=op.f(f"fk_{name}_hour_hours"), ondelete="CASCADE"),
        comment=comment,
    )
    op.create_index(f"ix_{name}_hour", name, ["hour"])
