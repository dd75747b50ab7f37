"""What operators ask: when the end of a workflow was told, and where the storage lies."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "9a4c2f17d6be"
down_revision: str | None = "8d2f6a90b3c7"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column(
        "workflows",
        sa.Column(
            "end_received_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when the first callback came that told its end",
        ),
    )
    op.add_column(
        "storage_markers",
        sa.Column("url", sa.Text(), nullable=True, comment="where a worker last found the storage"),
    )


def downgrade() -> None:
    op.drop_column("storage_markers", "url")
    op.drop_column("workflows", "end_received_at")
