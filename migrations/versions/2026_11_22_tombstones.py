"""Results whose content a rule of retention took away, and a tombstone for everything deleted."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from migrations import online

revision: str = "9d3f61b2c7e4"
down_revision: str | None = "5b7c0d1e94af"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_DELETING = "no result needed it then; it goes after a time of grace"


def upgrade() -> None:
    op.create_table(
        "tombstones",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False, comment="the name of the rule of retention that asked for it"),
        sa.Column(
            "what",
            sa.Text(),
            nullable=False,
            comment="result (its content), object (the bytes), event or quarantine",
        ),
        sa.Column("workflow_id", sa.Text(), nullable=True),
        sa.Column("step", sa.Text(), nullable=True, comment="of a result, like path"),
        sa.Column("path", sa.Text(), nullable=True),
        sa.Column(
            "digest",
            sa.LargeBinary(),
            nullable=True,
            comment="SHA-256 of the content, or what was unique of the event or delivery",
        ),
        sa.Column("size", sa.BigInteger(), nullable=True, comment="bytes of the content or of the body"),
        sa.Column("media_type", sa.Text(), nullable=True),
        sa.Column(
            "written_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when it had become durable in storage too, for a rebuild to find",
        ),
        sa.Column(
            "removed_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="of an object: when its bytes had left storage, or were needed after all",
        ),
        sa.CheckConstraint("what IN ('result', 'object', 'event', 'quarantine')", name=op.f("ck_tombstones_what")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tombstones")),
        comment="Something that a rule of retention, or a person, has deleted",
    )
    op.create_index("ix_tombstones_digest", "tombstones", ["digest"])
    op.create_index(
        "ix_tombstones_workflow_id",
        "tombstones",
        ["workflow_id"],
        postgresql_where=sa.text("workflow_id IS NOT NULL"),
    )
    op.create_index(
        "ix_tombstones_unwritten", "tombstones", ["deleted_at"], postgresql_where=sa.text("written_at IS NULL")
    )
    op.create_index(
        "ix_tombstones_unremoved",
        "tombstones",
        ["deleted_at"],
        postgresql_where=sa.text("what = 'object' AND removed_at IS NULL"),
    )
    online.create_index(
        "ix_objects_deleting_at", "objects", ["deleting_at"], postgresql_where=sa.text("deleting_at IS NOT NULL")
    )
    op.alter_column("objects", "deleting_at", existing_type=sa.DateTime(timezone=True), comment=_DELETING)
    op.add_column(
        "results",
        sa.Column(
            "pruned_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when a rule of retention took its content away; it stays settled as stored",
        ),
    )
    op.drop_constraint(op.f("ck_results_stored_means_object"), "results")
    online.create_check_constraint(
        "ck_results_stored_means_object",
        "results",
        "(stored_at IS NOT NULL AND pruned_at IS NULL) = (object_digest IS NOT NULL)",
    )
    online.create_check_constraint(
        "ck_results_pruned_was_stored", "results", "pruned_at IS NULL OR stored_at IS NOT NULL"
    )


def downgrade() -> None:
    # What was pruned has no word of its own there: it is gone.
    op.execute("UPDATE results SET stored_at = NULL, gone_at = pruned_at, pruned_at = NULL WHERE pruned_at IS NOT NULL")
    op.drop_constraint(op.f("ck_results_pruned_was_stored"), "results")
    op.drop_constraint(op.f("ck_results_stored_means_object"), "results")
    op.create_check_constraint(
        op.f("ck_results_stored_means_object"), "results", "(stored_at IS NULL) = (object_digest IS NULL)"
    )
    op.drop_column("results", "pruned_at")
    op.alter_column(
        "objects", "deleting_at", existing_type=sa.DateTime(timezone=True), comment=None, existing_comment=_DELETING
    )
    op.drop_index("ix_objects_deleting_at", "objects")
    op.drop_table("tombstones")
