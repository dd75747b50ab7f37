"""Which segment what was told is to leave."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "b19e4d7730fc"
down_revision: str | None = "e27c5a90d1b8"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_OF_OBJECTS = "of an object: when its bytes had left storage, or were needed after all"
_OF_ALL = "when its bytes had left storage, or were needed after all"


def upgrade() -> None:
    op.add_column(
        "tombstones",
        sa.Column(
            "segment",
            sa.Text(),
            nullable=True,
            comment="of what was told: the file in storage that holds it until removed_at",
        ),
    )
    op.create_index("ix_tombstones_segment", "tombstones", ["segment"], postgresql_where=sa.text("segment IS NOT NULL"))
    op.alter_column(
        "tombstones",
        "removed_at",
        existing_type=sa.DateTime(timezone=True),
        comment=_OF_ALL,
        existing_comment=_OF_OBJECTS,
    )


def downgrade() -> None:
    op.alter_column(
        "tombstones",
        "removed_at",
        existing_type=sa.DateTime(timezone=True),
        comment=_OF_OBJECTS,
        existing_comment=_OF_ALL,
    )
    op.drop_index("ix_tombstones_segment", "tombstones")
    op.drop_column("tombstones", "segment")
