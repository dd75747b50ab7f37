"""The template for names that a command is to use: the one that was typed, or else the one of the settings."""

from archive.names import templates
from archive.settings import Settings
from cli import failures


def choose(written: str | None, config: Settings) -> templates.Template | None:
    """None if none was typed and the settings say off. Raises CommandFailed."""
    if written is None:
        return config.browse_template
    try:
        return templates.parse(written)
    except templates.TemplateError as error:
        raise failures.CommandFailed(f"--template {error}.", exit_code=failures.USAGE) from None
