"""docs/schema.md: what a reader needs to know of every table and view, from the database itself."""

from embedded.supervisor import Addresses
from migrations import describe, ops
from tests.embedded.clients import sql


async def test_the_page_names_every_relation_column_and_index(addresses: Addresses) -> None:
    page = await describe.describe(addresses.database_url)
    columns = sql(
        addresses,
        "SELECT table_name, column_name FROM information_schema.columns "
        "WHERE table_schema IN ('ops', 'public') AND table_name <> 'alembic_version'",
    ).splitlines()
    assert len(columns) > 300
    for column in columns:
        assert f"| `{column.split('|')[1]}` |" in page
    for view in ops.VIEWS:
        assert f"### ops.{view}\n" in page
    for index in sql(addresses, "SELECT indexname FROM pg_indexes WHERE schemaname = 'public'").split():
        assert f"index `{index}`" in page or index == "alembic_version_pkc"


async def test_a_column_that_nobody_described_makes_the_page_that_is_there_stale(addresses: Addresses) -> None:
    before = await describe.describe(addresses.database_url)
    sql(addresses, "ALTER TABLE drift ADD COLUMN news text")
    try:
        assert await describe.describe(addresses.database_url) != before
    finally:
        sql(addresses, "ALTER TABLE drift DROP COLUMN news")
    assert await describe.describe(addresses.database_url) == before
