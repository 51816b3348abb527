"""The app passwords of the command line for appliances elsewhere, in a file that only the user can read."""

import json
import os
from pathlib import Path
from typing import Any

from soniquebay.atomic_file import replace_file


def credentials_file() -> Path:
    """Return the path of the file, below the user's configuration folder (XDG Base Directory Specification)."""
    folder = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(folder) / "soniquebay" / "credentials.json"


def password_for(url: str) -> str | None:
    """Return the app password for the appliance at a URL."""
    password = _read().get("passwords", {}).get(url)
    return password if isinstance(password, str) else None


def latest_url() -> str | None:
    """Return the URL of the appliance of the latest login."""
    url = _read().get("latest")
    return url if isinstance(url, str) else None


def keep(url: str, password: str) -> None:
    """Keep the app password for the appliance at a URL. Raises ``OSError``."""
    kept = _read()
    _write({"latest": url, "passwords": {**kept.get("passwords", {}), url: password}})


def forget(url: str) -> None:
    """Delete the app password for the appliance at a URL. Raises ``OSError``."""
    passwords = {key: value for key, value in _read().get("passwords", {}).items() if key != url}
    _write({"latest": next(iter(passwords), None), "passwords": passwords})


def _read() -> dict[str, Any]:
    try:
        content = json.loads(credentials_file().read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) and isinstance(content.get("passwords"), dict) else {}


def _write(content: dict[str, Any]) -> None:
    path = credentials_file()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    replace_file(path, json.dumps(content).encode())
