"""When the bytes of a deleted object had been moved aside."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "e27c5a90d1b8"
down_revision: str | None = "f4c81b6d27a0"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column(
        "tombstones",
        sa.Column(
            "aside_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="of an object: when its bytes had been moved aside in storage",
        ),
    )


def downgrade() -> None:
    op.drop_column("tombstones", "aside_at")
