"""The port of a service."""

import socket

from cli import failures


def listen(host: str, port: int, *, variable: str = "RECEIVER_PORT", option: str = "--port") -> socket.socket:
    """A socket that listens there; a host with a colon is an IPv6 address. Raises CommandFailed.

    `variable` and `option` are where the port is set.
    """
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        reason = (error.strerror or str(error)).partition(" (while")[0]
        raise failures.CommandFailed(
            f"cannot listen on {host} port {port} ({reason}): choose an address of this machine with --host "
            f"and a free port with {option} or {variable}."
        ) from error
