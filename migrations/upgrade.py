"""Bring a database to the newest revision."""

from pathlib import Path

from alembic import command
from alembic.config import Config


def upgrade(database_url: str) -> None:
    """Run what is missing, in one transaction; nothing when nothing is. Safe to run from several places at once."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes["database_url"] = database_url
    command.upgrade(config, "head")
