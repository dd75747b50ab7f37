"""What is backfilled comes after everything else that is due."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from migrations import online

revision: str = "c93e17a5d240"
down_revision: str | None = "8f2d41a7c06b"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

IS_DUE = sa.text("due_at IS NOT NULL")
BACKFILLED = sa.text("(origin = 'backfill' AND last_event_id IS NULL)")


def upgrade() -> None:
    online.drop_index("ix_workflows_due", "workflows")
    online.create_index(
        "ix_workflows_due", "workflows", [BACKFILLED, "deadline_at", "due_at"], unique=False, postgresql_where=IS_DUE
    )


def downgrade() -> None:
    op.drop_index("ix_workflows_due", table_name="workflows")
    op.create_index("ix_workflows_due", "workflows", ["deadline_at", "due_at"], unique=False, postgresql_where=IS_DUE)
