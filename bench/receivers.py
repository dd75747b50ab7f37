"""A receiver alone on loopback, for what is about nothing else."""

import subprocess
import sys
from pathlib import Path

from bench import house
from embedded.supervisor import Addresses

COMMAND: tuple[str, ...] = (sys.executable, "-m", "cli", "receiver", "--port")
"""What starts one, but for its port."""


def environment(home: Path, addresses: Addresses, callback_secrets: str) -> dict[str, str]:
    """The environment of a receiver whose metrics are on a port of their own."""
    return house.others() | {
        "ARCHIVE_HOME": str(home / "receiver"),
        "CALLBACK_SECRETS": callback_secrets,
        "DATABASE_URL": addresses.database_url,
        "RECEIVER_METRICS": f"127.0.0.1:{house.free_port()}",
        "REDIS_URL": addresses.redis_url,
    }


def start(port: int, environment: dict[str, str], log: Path) -> subprocess.Popen[bytes]:
    """Start one; what it says is added to the log."""
    with log.open("ab") as output:
        return subprocess.Popen([*COMMAND, str(port)], env=environment, stdout=output, stderr=output)
