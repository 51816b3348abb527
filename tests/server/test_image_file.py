"""The file of the image: an engine loads it, and takes it for one of the processor that the file names."""

from __future__ import annotations

import os
from pathlib import Path

import docker
import pytest

from image.containers import image_file
from image.containers.container import IMAGE_VARIABLE

TAG = "soniquebay/server-test:loaded"


@pytest.mark.parametrize("architecture", ["amd64", "arm64"])
def test_an_engine_loads_it(architecture: str, tmp_path: Path) -> None:
    client, name = docker.from_env(timeout=600), os.environ[IMAGE_VARIABLE]
    built = client.images.get(name)
    file = tmp_path / "image.tar.gz"
    image_file.write(client.api.get_image(name), file, TAG, architecture)
    with file.open("rb") as content:
        (loaded,) = client.images.load(content)
    try:
        assert loaded.tags == [TAG]
        assert loaded.attrs["Architecture"] == architecture
        for part in ("Config", "RootFS", "Os"):
            assert loaded.attrs[part] == built.attrs[part]
    finally:
        client.images.remove(TAG, force=True)
    assert list(tmp_path.iterdir()) == [file]
