"""Walks through listings, how callbacks were delivered, and indexes on what is given up, archived, uncounted."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import online

revision: str = "5b7c0d1e94af"
down_revision: str | None = "b7a2c90d4e18"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "announcements",
        sa.Column("day", sa.Date(), nullable=False, comment="on which the workflows ended (UTC)"),
        sa.Column(
            "in_time", sa.Integer(), nullable=False, comment="the callback of the end came within a minute of it"
        ),
        sa.Column("late", sa.Integer(), nullable=False, comment="it came later"),
        sa.Column("lost", sa.Integer(), nullable=False, comment="it was registered, and never came"),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_announcements")),
        comment="How Civitai delivered the callbacks of a day's ended workflows; each counts once",
    )
    op.create_table(
        "listings",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False, comment="reconcile or backfill"),
        sa.Column(
            "from_date",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="of creation; null: from the first workflow on",
        ),
        sa.Column("to_date", sa.DateTime(timezone=True), nullable=True, comment="of creation; null: to the last"),
        sa.Column("tags", postgresql.ARRAY(sa.Text()), nullable=False, comment="all of them, sorted"),
        sa.Column("query", sa.Text(), nullable=True, comment="text in the metadata"),
        sa.Column(
            "newest_first",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
            comment="Civitai ignored the dates: listed backwards, until what lies before them",
        ),
        sa.Column("cursor", sa.Text(), nullable=True, comment="of the page that comes next; null: the first"),
        sa.Column(
            "pages",
            sa.Integer(),
            server_default=sa.text("0"),
            nullable=False,
            comment="pages taken in; whose page is next",
        ),
        sa.Column(
            "listed",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
            comment="workflows in the range so far",
        ),
        sa.Column(
            "unheard",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
            comment="of these, never heard of before",
        ),
        sa.Column(
            "unfinished",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
            comment="of these, had ended unannounced",
        ),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=True, comment="creation of the first one listed"),
        sa.Column("reached_at", sa.DateTime(timezone=True), nullable=True, comment="creation of the last one listed"),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("moved_at", sa.DateTime(timezone=True), nullable=False, comment="when a page was last taken in"),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("purpose IN ('reconcile', 'backfill')", name=op.f("ck_listings_purpose")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_listings")),
        comment="One walk through Civitai's workflows, resumable at its cursor",
    )
    op.create_index(
        "uq_listings_backfill",
        "listings",
        ["from_date", "to_date", "tags", "query"],
        unique=True,
        postgresql_nulls_not_distinct=True,
        postgresql_where=sa.text("purpose = 'backfill' AND finished_at IS NULL"),
    )
    op.create_index(
        "uq_listings_reconcile",
        "listings",
        ["purpose"],
        unique=True,
        postgresql_where=sa.text("purpose = 'reconcile' AND finished_at IS NULL"),
    )
    op.alter_column(
        "results",
        "attempts",
        existing_type=sa.INTEGER(),
        comment="failed tries; from none again when a person makes it due",
        existing_comment="failed tries so far",
        existing_nullable=False,
        existing_server_default=sa.text("0"),
    )
    online.create_index(
        "ix_results_without_bytes",
        "results",
        ["workflow_id"],
        unique=False,
        postgresql_where=sa.text("dead_at IS NOT NULL OR withheld_at IS NOT NULL OR gone_at IS NOT NULL"),
    )
    op.add_column(
        "workflows",
        sa.Column(
            "counted_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when its callbacks were counted in announcements, or found not to be ours",
        ),
    )
    online.create_index(
        "ix_workflows_archived_at",
        "workflows",
        ["archived_at"],
        unique=False,
        postgresql_where=sa.text("archived_at IS NOT NULL"),
    )
    online.create_index(
        "ix_workflows_given_up",
        "workflows",
        ["id"],
        unique=False,
        postgresql_where=sa.text("dead_at IS NOT NULL OR gone_at IS NOT NULL"),
    )
    online.create_index(
        "ix_workflows_uncounted",
        "workflows",
        ["completed_at"],
        unique=False,
        postgresql_where=sa.text("counted_at IS NULL AND completed_at IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index(
        "ix_workflows_uncounted",
        table_name="workflows",
        postgresql_where=sa.text("counted_at IS NULL AND completed_at IS NOT NULL"),
    )
    op.drop_index(
        "ix_workflows_given_up",
        table_name="workflows",
        postgresql_where=sa.text("dead_at IS NOT NULL OR gone_at IS NOT NULL"),
    )
    op.drop_index(
        "ix_workflows_archived_at", table_name="workflows", postgresql_where=sa.text("archived_at IS NOT NULL")
    )
    op.drop_column("workflows", "counted_at")
    op.drop_index(
        "ix_results_without_bytes",
        table_name="results",
        postgresql_where=sa.text("dead_at IS NOT NULL OR withheld_at IS NOT NULL OR gone_at IS NOT NULL"),
    )
    op.alter_column(
        "results",
        "attempts",
        existing_type=sa.INTEGER(),
        comment="failed tries so far",
        existing_comment="failed tries; from none again when a person makes it due",
        existing_nullable=False,
        existing_server_default=sa.text("0"),
    )
    op.drop_index(
        "uq_listings_reconcile",
        table_name="listings",
        postgresql_where=sa.text("purpose = 'reconcile' AND finished_at IS NULL"),
    )
    op.drop_index(
        "uq_listings_backfill",
        table_name="listings",
        postgresql_nulls_not_distinct=True,
        postgresql_where=sa.text("purpose = 'backfill' AND finished_at IS NULL"),
    )
    op.drop_table("listings")
    op.drop_table("announcements")
