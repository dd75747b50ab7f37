"""An nginx on loopback that hands out the files of a directory: the cheapest other side there is."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MISSING = "This bench serves its files with nginx, which is not installed; apt-get install nginx-light brings it."

_CONFIGURATION = """daemon off; master_process off; pid {home}/nginx.pid; error_log {home}/nginx.log;
events {{ worker_connections 512; }}
http {{
  access_log off; sendfile on; keepalive_requests 1000000;
  client_body_temp_path {home}/1; proxy_temp_path {home}/2; fastcgi_temp_path {home}/3;
  uwsgi_temp_path {home}/4; scgi_temp_path {home}/5;
  server {{
    listen 127.0.0.1:{port} backlog=512; root {files};
    location /v2/ {{ default_type application/json; }}
    location /v1/ {{ default_type application/json; }}
  }}
}}
"""


def is_installed() -> bool:
    """Whether this machine has it."""
    return shutil.which("nginx") is not None


@contextmanager
def serving(files: Path, home: Path) -> Iterator[str]:
    """Its address; it keeps its own files in `home`."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    (home / "nginx.conf").write_text(_CONFIGURATION.format(home=home, port=port, files=files))
    command = ["nginx", "-p", str(home), "-c", str(home / "nginx.conf")]
    with subprocess.Popen(command) as server:
        try:
            for _ in range(100):
                with socket.socket() as attempt:
                    if attempt.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.05)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
