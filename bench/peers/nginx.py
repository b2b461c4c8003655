"""nginx, if it is installed: sendfile for downloads, WebDAV's PUT for uploads (no sync, no hash, no index)."""

import os
import shutil
import subprocess
from pathlib import Path

from bench.peers import Peer, program

FILES = "files"
TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


def find() -> str | None:
    """nginx's binary, when there is one that can take a PUT."""
    found = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if found is None:
        return None
    told = subprocess.run([found, "-V"], capture_output=True, text=True, check=False)
    return found if "http_dav_module" in told.stderr else None


def build(binary: str, content: Path, port: int, directory: Path) -> Peer:
    """Takes files, and sends `content` as /content."""
    (directory / FILES).mkdir()
    (directory / FILES / "content").hardlink_to(content)
    configuration = directory / "nginx.conf"
    configuration.write_text(_configuration(port, directory))
    command = [binary, "-p", str(directory), "-e", str(directory / "error.log"), "-c", str(configuration)]
    return program("nginx", command, port, directory)


def _configuration(port: int, directory: Path) -> str:
    """Its workers would run as another user when we are root, who may not write here."""
    temporary = "\n".join(f"    {name}_temp_path {directory / f'{name}_temp'};" for name in TEMPORARY)
    return f"""\
{"user root;" if os.geteuid() == 0 else ""}
daemon off;
worker_processes auto;
pid {directory / "nginx.pid"};
error_log {directory / "error.log"} warn;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    sendfile on;
    tcp_nopush on;
    keepalive_requests 100000000;
    client_max_body_size 0;
{temporary}
    server {{
        listen 127.0.0.1:{port};
        root {directory / FILES};
        location / {{ dav_methods PUT; }}
    }}
}}
"""
