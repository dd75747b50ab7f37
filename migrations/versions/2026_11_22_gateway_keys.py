"""Who may speak to the gateway."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "e2c8417a5f03"
down_revision: str | None = "9a4c2f17d6be"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "gateway_keys",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("name", sa.Text(), nullable=False, comment="whose key it is; free again once it is revoked"),
        sa.Column(
            "digest",
            sa.LargeBinary(),
            nullable=False,
            comment="SHA-256 of the key, which nobody keeps but its owner",
        ),
        sa.Column("scopes", postgresql.ARRAY(sa.Text()), nullable=False, comment="read, write, admin"),
        sa.Column("calls_per_minute", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True, comment="to the minute"),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("octet_length(digest) = 32", name=op.f("ck_gateway_keys_digest_is_sha256")),
        sa.CheckConstraint("calls_per_minute > 0", name=op.f("ck_gateway_keys_calls")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gateway_keys")),
        comment="One key of the gateway's",
    )
    op.create_index("uq_gateway_keys_digest", "gateway_keys", ["digest"], unique=True)
    op.create_index(
        "uq_gateway_keys_name",
        "gateway_keys",
        ["name"],
        unique=True,
        postgresql_where=sa.text("revoked_at IS NULL"),
    )


def downgrade() -> None:
    op.drop_table("gateway_keys")
