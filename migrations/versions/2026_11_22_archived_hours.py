"""Counting by the hour what was archived, and how long that took."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "d5a3c07b9e12"
down_revision: str | None = "4f1e8a6c2d97"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "archived_hours",
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column("workflows", sa.BigInteger(), nullable=False),
        sa.Column("p50_seconds", sa.Double(), nullable=False),
        sa.Column("p95_seconds", sa.Double(), nullable=False),
        sa.Column("p99_seconds", sa.Double(), nullable=False),
        sa.Column("max_seconds", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["hour"], ["hours.hour"], name=op.f("fk_archived_hours_hour_hours"), ondelete="CASCADE"
        ),
        comment="Workflows by the hour in which they were archived, and how long after the callback of their end",
    )
    op.create_index("ix_archived_hours_hour", "archived_hours", ["hour"])
    # What is counted already has no row here yet.
    op.execute("UPDATE hours SET counted_at = NULL")


def downgrade() -> None:
    op.drop_table("archived_hours")
