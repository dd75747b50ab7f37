"""Segments of what was told, in storage, and which files a rebuild has read."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "f4c81b6d27a0"
down_revision: str | None = "c93e17a5d240"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "segments",
        sa.Column("told", sa.Text(), nullable=False, comment="events or quarantine: of which table these are rows"),
        sa.Column("after_id", sa.BigInteger(), nullable=False, comment="its rows have greater ids than this"),
        sa.Column("up_to_id", sa.BigInteger(), nullable=False, comment="and this one or smaller"),
        sa.Column("name", sa.Text(), nullable=False, comment="in storage"),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "written_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when it had become durable: nobody writes it again",
        ),
        sa.CheckConstraint("told IN ('events', 'quarantine')", name=op.f("ck_segments_told")),
        sa.CheckConstraint("after_id < up_to_id", name=op.f("ck_segments_not_empty")),
        sa.PrimaryKeyConstraint("told", "after_id", name=op.f("pk_segments")),
        comment="A run of rows of events or quarantine that lies in storage as one file",
    )
    op.create_index(
        "ix_segments_unwritten",
        "segments",
        ["begun_at"],
        unique=False,
        postgresql_where=sa.text("written_at IS NULL"),
    )
    op.create_table(
        "rebuilt_files",
        sa.Column("name", sa.Text(), nullable=False, comment="in storage"),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_rebuilt_files")),
        comment="A file that the rebuild under way has taken in; none when no rebuild is",
    )
    for table in ("events", "quarantine"):
        comment = "the file in storage from which a rebuild has read it"
        op.add_column(table, sa.Column("segment", sa.Text(), nullable=True, comment=comment))


def downgrade() -> None:
    for table in ("quarantine", "events"):
        op.drop_column(table, "segment")
    op.drop_table("rebuilt_files")
    op.drop_index("ix_segments_unwritten", table_name="segments", postgresql_where=sa.text("written_at IS NULL"))
    op.drop_table("segments")
