"""How far the receiver's spool files have been replayed."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "c41f0e6d9a52"
down_revision: str | None = "71668e8cc923"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "spools",
        sa.Column("name", sa.Text(), nullable=False, comment="the file's name, never used twice"),
        sa.Column("position", sa.BigInteger(), nullable=False, comment="its first bytes that are in the database"),
        sa.Column("replayed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_spools")),
        comment="How far a spool file of the receiver has been replayed; a row is gone soon after its file",
    )


def downgrade() -> None:
    op.drop_table("spools")
