"""Commands without their start, which costs half a second of a processor each: Python's own, and the imports.

Each is a process all the same, with arguments, environment, directory, streams and session of its own, and runs to its
end as the program does. That the program itself starts is proved where tests name it, and by `tests/packaging`, which
types every command of every page into a shell.
"""

import asyncio
import atexit
import contextlib
import functools
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

HOUSE = Path(__file__).parents[2]


@functools.cache
def _server() -> str:
    """Start the process that forks, which ends with us; the address of its socket."""
    address = f"\0{uuid.uuid4()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(address)
        listener.listen()
        server = subprocess.Popen(
            [sys.executable, "-c", f"from tests.cli import forking; forking.main({listener.fileno()})"],
            cwd=HOUSE,
            stdin=subprocess.PIPE,
            pass_fds=[listener.fileno()],
            start_new_session=True,
        )
    atexit.register(server.communicate)
    return address


async def run(
    arguments: Sequence[str], environment: Mapping[str, str], directory: Path, given: bytes, *, within: float
) -> tuple[int, bytes, bytes]:
    """Run the command with these `sys.argv` to its end: its exit code, and what it wrote."""
    loop = asyncio.get_running_loop()
    with contextlib.ExitStack() as stack:
        streams = [stack.enter_context(tempfile.TemporaryFile()) for _ in range(3)]
        streams[0].write(given)
        streams[0].seek(0)
        connection = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET))
        connection.connect(_server())
        asked = {"arguments": list(arguments), "environment": dict(environment), "directory": str(directory)}
        socket.send_fds(connection, [json.dumps(asked).encode()], [stream.fileno() for stream in streams])
        connection.setblocking(False)
        process = int(await loop.sock_recv(connection, 32))
        code = None
        try:
            async with asyncio.timeout(within):
                code = int(await loop.sock_recv(connection, 32))
        finally:
            if code is None:
                os.kill(process, signal.SIGKILL)
        out, err = (os.pread(stream.fileno(), os.fstat(stream.fileno()).st_size, 0) for stream in streams[1:])
    return code, out, err
