"""nginx as a reverse proxy in front of a stack: the installed one, else that of Debian's package, only unpacked."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import httpx
import pytest

from tests.support import debian_package
from tests.support.stack import wait_until

CONFIGURATION = """
daemon off;
master_process off;
pid {folder}/pid;
error_log {folder}/error.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {servers}
}}
"""


@cache
def program() -> str:
    """Return the path of nginx. Skips the test where there is neither nginx nor a mirror of Debian."""
    if installed := shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin"):
        return installed
    try:
        unpacked = debian_package.program("nginx", "usr/sbin/nginx")
        subprocess.run([unpacked, "-v"], check=True, capture_output=True, timeout=10)
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        pytest.skip(f"nginx is not installed, and its package cannot be had: {error}")
    return str(unpacked)


@contextmanager
def nginx(folder: Path, servers: str, url: str) -> Iterator[None]:
    """Run nginx with these `server` blocks until the end of the block. `url`: what it answers when it is up."""
    file = folder / "nginx.conf"
    file.write_text(CONFIGURATION.format(folder=folder, servers=servers))
    process = subprocess.Popen([program(), "-c", str(file), "-p", str(folder), "-e", f"{folder}/error.log"])

    def is_up() -> bool:
        assert process.poll() is None, (folder / "error.log").read_text()
        try:
            return httpx.get(url).status_code < 500
        except httpx.TransportError:
            return False

    try:
        wait_until(is_up)
        yield
    finally:
        process.terminate()
        process.wait(20)
