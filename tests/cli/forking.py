"""A process that has imported what commands import, and forks for each one that is to be run: see `forks`."""

import gc
import importlib
import json
import os
import pkgutil
import select
import signal
import socket
import sys
import threading
from typing import Any, NoReturn

from cli import main as command

ROOMS = ("archive", "cli", "embedded", "gateway", "orchestration", "receiver", "sandbox", "worker")
MESSAGE_BYTES = 1 << 20


def main(listener: int) -> None:
    """Fork for whoever connects to the socket of this descriptor, until standard input ends."""
    for room in ROOMS:
        for module in pkgutil.walk_packages([room], f"{room}."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    assert threading.active_count() == 1  # of several, a fork has one
    gc.collect()
    gc.freeze()
    if _wait_for_command(socket.socket(fileno=listener)):
        _run_command()


def _wait_for_command(listener: socket.socket) -> bool:
    """Fork for whoever connects: True in a process that has become the command, False when standard input ends."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for attendants
    while sys.stdin not in select.select([listener, sys.stdin], [], [])[0]:
        connection, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            _attend(connection)
            return True
        connection.close()
    return False


def _attend(connection: socket.socket) -> None:
    """Fork the command that is asked for, tell its number and then its exit code; returns in the command alone."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    asked, streams, _, _ = socket.recv_fds(connection, MESSAGE_BYTES, 3)
    number = os.fork()
    if number == 0:
        connection.close()
        _become(json.loads(asked), streams)
        return
    connection.send(str(number).encode())
    _, status = os.waitpid(number, 0)
    connection.send(str(os.waitstatus_to_exitcode(status)).encode())
    os._exit(0)


def _become(asked: dict[str, Any], streams: list[int]) -> None:
    """Be as a process is that was started so."""
    os.setsid()
    for target, stream in enumerate(streams):
        os.dup2(stream, target)
        os.close(stream)
    os.chdir(asked["directory"])
    os.environ.clear()
    os.environ.update(asked["environment"])
    sys.argv = asked["arguments"]
    sys.stdin = os.fdopen(0, encoding="utf-8", closefd=False)
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = os.fdopen(2, "w", encoding="utf-8", errors="backslashreplace", buffering=1, closefd=False)


def _run_command() -> NoReturn:
    """Run it, and end without Python's own end: to let go of all that is imported takes four times as long."""
    code: int | str | None = 1
    try:
        command.main()
        code = 0
    except SystemExit as end:
        code = end.code
    except BaseException:
        sys.excepthook(*sys.exc_info())
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else code is not None)
