"""A body that jsonb can read needs no second copy of itself."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "8f2d41a7c06b"
down_revision: str | None = "e2c8417a5f03"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

COMMENT = "the body as far as jsonb can hold it"


def upgrade() -> None:
    op.alter_column(
        "events",
        "projection",
        existing_type=postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
        nullable=True,
        existing_comment=COMMENT,
        comment=f"{COMMENT}; null: the body itself, which it can",
    )


def downgrade() -> None:
    op.execute("UPDATE events SET projection = convert_from(body, 'UTF8')::jsonb WHERE projection IS NULL")
    op.alter_column(
        "events",
        "projection",
        existing_type=postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
        nullable=False,
        existing_comment=f"{COMMENT}; null: the body itself, which it can",
        comment=COMMENT,
    )
