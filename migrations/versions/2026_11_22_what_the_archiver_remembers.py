"""What the archiver remembers: pauses, drift, first 404s, the documents of jobs, and who told a document."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import online

revision: str = "71668e8cc923"
down_revision: str | None = "2bdab24b2077"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "pauses",
        sa.Column("cause", sa.Text(), nullable=False, comment="rate, credentials, or jobs (their documents alone)"),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("cause", name=op.f("pk_pauses")),
        comment="A time in which nobody calls Civitai's API; it holds until it has passed",
    )
    op.create_table(
        "drift",
        sa.Column("workflow_id", sa.Text(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("step_type", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["workflow_id"], ["workflows.id"], name=op.f("fk_drift_workflow_id_workflows"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("workflow_id", "step", "path", name=op.f("pk_drift")),
        comment="Something in a document that might be content and cannot be read as such",
    )
    op.add_column(
        "jobs", sa.Column("document_at", sa.DateTime(timezone=True), nullable=True, comment="when that was fetched")
    )
    op.add_column(
        "jobs",
        sa.Column(
            "refused_at", sa.DateTime(timezone=True), nullable=True, comment="when the API refused it to our token"
        ),
    )
    op.alter_column(
        "jobs",
        "document",
        existing_type=postgresql.JSONB(astext_type=sa.Text()),
        comment="the v1 document: last event, provider, scan context",
        existing_comment="as the API's documents describe it",
        existing_nullable=True,
    )
    op.add_column(
        "results",
        sa.Column(
            "missing_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="Civitai's API answers 404 for the blob since then",
        ),
    )
    online.create_index(
        "ix_results_unsettled_blob",
        "results",
        ["blob_id"],
        unique=False,
        postgresql_where=sa.text("blob_id IS NOT NULL AND num_nonnulls(stored_at, withheld_at, gone_at, dead_at) = 0"),
    )
    op.add_column(
        "workflows",
        sa.Column(
            "document_told",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
            comment="the document is what callbacks told: an ephemeral workflow's",
        ),
    )
    op.add_column(
        "workflows",
        sa.Column(
            "missing_at", sa.DateTime(timezone=True), nullable=True, comment="Civitai's API answers 404 since then"
        ),
    )
    op.alter_column(
        "workflows",
        "gone_at",
        existing_type=postgresql.TIMESTAMP(timezone=True),
        comment="when Civitai's API had the last word: it is no more",
        existing_comment="when Civitai's API said that it is no more",
        existing_nullable=True,
    )


def downgrade() -> None:
    op.alter_column(
        "workflows",
        "gone_at",
        existing_type=postgresql.TIMESTAMP(timezone=True),
        comment="when Civitai's API said that it is no more",
        existing_comment="when Civitai's API had the last word: it is no more",
        existing_nullable=True,
    )
    op.drop_column("workflows", "missing_at")
    op.drop_column("workflows", "document_told")
    op.drop_index(
        "ix_results_unsettled_blob",
        table_name="results",
        postgresql_where=sa.text("blob_id IS NOT NULL AND num_nonnulls(stored_at, withheld_at, gone_at, dead_at) = 0"),
    )
    op.drop_column("results", "missing_at")
    op.alter_column(
        "jobs",
        "document",
        existing_type=postgresql.JSONB(astext_type=sa.Text()),
        comment="as the API's documents describe it",
        existing_comment="the v1 document: last event, provider, scan context",
        existing_nullable=True,
    )
    op.drop_column("jobs", "refused_at")
    op.drop_column("jobs", "document_at")
    op.drop_table("drift")
    op.drop_table("pauses")
