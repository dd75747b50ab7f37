"""Damage: what a result had before its object was damaged, and which objects were looked at longest ago."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from migrations import online

revision: str = "8d2f6a90b3c7"
down_revision: str | None = "9d3f61b2c7e4"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

COMMENTS = {
    "verified_at": "when its bytes were last hashed, or looked for",
    "damaged_at": "since when they are missing or wrong",
}


def upgrade() -> None:
    comment = "of the object that it had and that was damaged; not stored for it"
    op.add_column("results", sa.Column("lost_digest", sa.LargeBinary(), nullable=True, comment=comment))
    online.create_index(
        "ix_results_lost_digest",
        "results",
        ["lost_digest"],
        unique=False,
        postgresql_where=sa.text("lost_digest IS NOT NULL"),
    )
    for name, comment in COMMENTS.items():
        op.alter_column("objects", name, existing_type=sa.DateTime(timezone=True), comment=comment)
    online.create_index("ix_objects_looked_at", "objects", [sa.text("greatest(verified_at, stored_at)")], unique=False)
    online.create_index(
        "ix_objects_damaged",
        "objects",
        ["digest"],
        unique=False,
        postgresql_where=sa.text("damaged_at IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_objects_damaged", table_name="objects")
    op.drop_index("ix_objects_looked_at", table_name="objects")
    for name in COMMENTS:
        op.alter_column("objects", name, existing_type=sa.DateTime(timezone=True), comment=None)
    op.drop_index("ix_results_lost_digest", table_name="results")
    op.drop_column("results", "lost_digest")
