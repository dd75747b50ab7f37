"""Which storage this is, and what the bytes of its objects say of themselves."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "5e0b7d1c93fa"
down_revision: str | None = "c41f0e6d9a52"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "storage_markers",
        sa.Column("is_only", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("id", sa.Text(), nullable=False, comment="as the marker in storage must say"),
        sa.Column("chosen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "seen_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when the marker was first seen there: since then it must be there",
        ),
        sa.CheckConstraint("is_only", name=op.f("ck_storage_markers_one_row")),
        sa.PrimaryKeyConstraint("is_only", name=op.f("pk_storage_markers")),
        comment="The storage that this database belongs to: one row",
    )
    op.add_column(
        "objects",
        sa.Column(
            "width",
            sa.Integer(),
            nullable=True,
            comment="of the bytes, like height and duration; what Civitai says is in results",
        ),
    )
    op.add_column("objects", sa.Column("height", sa.Integer(), nullable=True))
    op.add_column("objects", sa.Column("duration", sa.Double(), nullable=True, comment="seconds"))
    op.alter_column(
        "objects",
        "media_type",
        existing_type=sa.Text(),
        existing_nullable=True,
        comment="what the bytes are; as claimed where they do not say",
    )


def downgrade() -> None:
    op.alter_column(
        "objects",
        "media_type",
        existing_type=sa.Text(),
        existing_nullable=True,
        comment=None,
        existing_comment="what the bytes are; as claimed where they do not say",
    )
    op.drop_column("objects", "duration")
    op.drop_column("objects", "height")
    op.drop_column("objects", "width")
    op.drop_table("storage_markers")
