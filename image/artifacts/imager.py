"""The manifest for Raspberry Pi Imager: with it, and only with it, Imager offers to customise this image.

Format: doc/json-schema/os-list-schema.json and doc/schema-notes.md of github.com/raspberrypi/rpi-imager.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from .. import profile
from ..errors import ActionableError
from .facts import Image, sha256

ICON = "soniquebay.svg"
DEVICES = ["pi4-64bit"]  # Imager's name for Pi 4, 400 and CM4


def text(image: Image, packed: Path, base_url: str = "") -> str:
    """The manifest of one image; without a `base_url` it names the files where they lie."""
    if base_url and not base_url.startswith(("https://", "http://")):
        raise ActionableError(
            f"{base_url} is no web address.", "RELEASE_URL is where the files will be downloaded from."
        )

    def address(name: str) -> str:
        return f"{base_url.rstrip('/')}/{quote(name)}" if base_url else packed.with_name(name).absolute().as_uri()

    chosen = profile.load(image.profile)
    entry = {
        "name": f"SoniqueBay {image.version} ({chosen.title})",
        "description": "A music library for a Raspberry Pi 4: plug in a drive of music and open soniquebay.local",
        "icon": address(ICON),
        "url": address(packed.name),
        "extract_size": image.size,
        "extract_sha256": image.sha256,
        "image_download_size": packed.stat().st_size,
        "image_download_sha256": sha256(packed),
        "release_date": datetime.fromtimestamp(image.epoch, UTC).strftime("%Y-%m-%d"),
        "init_format": chosen.init_format,
        "architecture": "armv8",
        "devices": DEVICES,
        "capabilities": [],
    }
    return json.dumps({"os_list": [entry]}, indent=2) + "\n"
