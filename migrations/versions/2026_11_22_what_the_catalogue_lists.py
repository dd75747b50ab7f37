"""Ways into the catalogue: workflows by creation and by tag, jobs by their own ids."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from migrations import online

revision: str = "b7a2c90d4e18"
down_revision: str | None = "5e0b7d1c93fa"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    online.create_index(
        "ix_workflows_listed",
        "workflows",
        [sa.text("coalesce(created_at, heard_at)"), "id"],
        postgresql_where=sa.text("document IS NOT NULL"),
    )
    online.create_index("ix_workflows_tags", "workflows", ["tags"], postgresql_using="gin")
    online.create_index("ix_jobs_id", "jobs", ["id"])


def downgrade() -> None:
    op.drop_index("ix_jobs_id", "jobs")
    op.drop_index("ix_workflows_tags", "workflows")
    op.drop_index("ix_workflows_listed", "workflows")
