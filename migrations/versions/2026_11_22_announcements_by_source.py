"""How callbacks of ends were delivered, by source as well; of what was counted before it is unknown."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "e81b54d0f6a3"
down_revision: str | None = "d5a3c07b9e12"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

BEFORE = "How Civitai delivered the callbacks of a day's ended workflows; each counts once"
NOW = "How Civitai delivered the callbacks of a day's ended workflows, by source; each counts once"


def upgrade() -> None:
    op.add_column(
        "announcements",
        sa.Column(
            "source",
            sa.Text(),
            nullable=True,
            comment="of the event that told the end, else of the first; null: none ever came",
        ),
    )
    op.drop_constraint("pk_announcements", "announcements", type_="primary")
    op.create_unique_constraint(
        "uq_announcements_day_source", "announcements", ["day", "source"], postgresql_nulls_not_distinct=True
    )
    op.create_table_comment("announcements", NOW, existing_comment=BEFORE)


def downgrade() -> None:
    op.execute(
        """
        WITH counted AS (DELETE FROM announcements RETURNING day, in_time, late, lost)
        INSERT INTO announcements (day, in_time, late, lost)
        SELECT day, sum(in_time), sum(late), sum(lost) FROM counted GROUP BY day
        """
    )
    op.drop_constraint("uq_announcements_day_source", "announcements", type_="unique")
    op.drop_column("announcements", "source")
    op.create_primary_key("pk_announcements", "announcements", ["day"])
    op.create_table_comment("announcements", BEFORE, existing_comment=NOW)
