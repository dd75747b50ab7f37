"""Changes to tables that are in use: none of these stops who writes for longer than it takes to note the change.

An index is built beside the writers, which PostgreSQL does outside of a transaction only: what a migration has done
before is committed. Use these for every table that may be large; a migration that fails between can be run again.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from alembic import op


def create_index(name: str, table: str, columns: Sequence[str | sa.TextClause], **options: Any) -> None:
    """As `op.create_index`, without keeping anybody from writing. What a failed build has left is removed first."""
    invalid = sa.text("SELECT NOT indisvalid FROM pg_index WHERE indexrelid = to_regclass(:name)")
    if op.get_bind().execute(invalid, {"name": name}).scalar():
        drop_index(name, table)
    with _beside_writers():
        op.create_index(name, table, columns, postgresql_concurrently=True, if_not_exists=True, **options)


def drop_index(name: str, table: str) -> None:
    """As `op.drop_index`, without waiting for the table to be idle."""
    with _beside_writers():
        op.drop_index(name, table_name=table, postgresql_concurrently=True, if_exists=True)


def create_check_constraint(name: str, table: str, condition: str) -> None:
    """As `op.create_check_constraint`; the rows that are there are looked at while others write."""
    op.create_check_constraint(op.f(name), table, condition, postgresql_not_valid=True)
    with _beside_writers():
        op.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}")


def analyze(table: str) -> None:
    """Have PostgreSQL look at the rows. What a new index on an expression holds is unknown until then."""
    with _beside_writers():
        op.execute(f"ANALYZE {table}")


@contextmanager
def _beside_writers() -> Iterator[None]:
    """Outside of a transaction, and waiting as long as it takes for what others have begun: nobody waits behind us."""
    with op.get_context().autocommit_block():
        limit = op.get_bind().execute(sa.text("SHOW lock_timeout")).scalar_one()
        op.execute("SET lock_timeout = 0")
        try:
            yield
        finally:
            op.execute(f"SET lock_timeout = '{limit}'")
