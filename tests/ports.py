"""Ports of loopback for servers that have to be told one."""

import contextlib
import secrets
import socket

CHOICE = range(10_000, 32_768)
"""Below those from which the kernel serves whoever asks for any: none of these goes to somebody else meanwhile."""


def free() -> int:
    """One on which nobody listens."""
    while True:
        port = CHOICE[secrets.randbelow(len(CHOICE))]
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
