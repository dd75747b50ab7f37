"""The embedded Valkey: no TCP, everything appended to a file, behind a private socket."""

import signal
import socket
from pathlib import Path

from embedded import binaries, server


def answers(path: Path) -> bool:
    """Whether a Valkey that has read its data answers at the socket `path`."""
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(2)
            connection.connect(str(path))
            connection.sendall(b"PING\r\n")
            return connection.recv(64).startswith(b"+PONG")
    except OSError:
        return False


class Valkey(server.Server):
    """Valkey with its data under `home`/valkey and its socket at `socket_path`."""

    name = "Valkey"
    program = "valkey-server"
    stops = ((signal.SIGTERM, 10.0), (signal.SIGKILL, 5.0))
    orphan_stops = stops

    def __init__(self, home: Path, socket_path: Path, *, durable: bool) -> None:
        super().__init__(home / "valkey", home / "logs" / "valkey.log")
        self._socket_path = socket_path
        self._durable = durable

    def command(self) -> list[str | Path]:
        """See `Server.command`."""
        options = {
            "port": "0",
            "unixsocket": str(self._socket_path),
            "unixsocketperm": "700",
            "appendonly": "yes",
            "appendfsync": "everysec" if self._durable else "no",
            "save": "",  # the appended file is enough
        }
        return [
            binaries.valkey(),
            *(word for name, value in options.items() for word in (f"--{name}", value)),
        ]

    def prepare(self) -> None:
        """See `Server.prepare`."""
        self.directory.mkdir(mode=0o700, exist_ok=True)

    def answers(self) -> bool:
        """See `Server.answers`."""
        return answers(self._socket_path)
