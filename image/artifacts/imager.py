"""The manifest for Raspberry Pi Imager. Without it, Imager does not offer to customise the image.

Format: doc/json-schema/os-list-schema.json and doc/schema-notes.md of github.com/raspberrypi/rpi-imager.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from ..errors import ActionableError
from ..profile import load as load_profile
from .image_file import ImageFile, sha256

ICON = "soniquebay.svg"
DEVICES = ["pi4-64bit"]  # Imager's name for Pi 4, 400 and CM4


def make_manifest(image: ImageFile, compressed: Path, base_url: str = "") -> str:
    """Return the manifest of one image; without a `base_url` it gives the files' addresses on this machine.

    Raises `ActionableError` when `base_url` is no web address.
    """
    if base_url and not base_url.startswith(("https://", "http://")):
        raise ActionableError(
            f"{base_url} is no web address.", "RELEASE_URL is where the files will be downloaded from."
        )

    def address(name: str) -> str:
        return f"{base_url.rstrip('/')}/{quote(name)}" if base_url else compressed.with_name(name).absolute().as_uri()

    profile = load_profile(image.profile)
    entry = {
        "name": f"SoniqueBay {image.version} ({profile.title})",
        "description": "A music library for a Raspberry Pi 4: plug in a drive of music and open soniquebay.local",
        "icon": address(ICON),
        "url": address(compressed.name),
        "extract_size": image.size,
        "extract_sha256": image.sha256,
        "image_download_size": compressed.stat().st_size,
        "image_download_sha256": sha256(compressed),
        "release_date": datetime.fromtimestamp(image.epoch, UTC).strftime("%Y-%m-%d"),
        "init_format": profile.init_format,
        "architecture": "armv8",
        "devices": DEVICES,
        "capabilities": [],
    }
    return json.dumps({"os_list": [entry]}, indent=2) + "\n"
