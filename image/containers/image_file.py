"""The file of a container image, as `docker load` reads it, with the right processor.

An engine records the processor of the machine that has built an image, also where its programs are those of another.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any


def write(saved: Iterable[bytes], target: Path, tag: str, architecture: str) -> None:
    """Write the file of one image, compressed.

    `saved`: the image as an engine saves it. `tag`: its name once it is loaded. `architecture`: as engines name it.
    """
    partial = target.with_name(f".{target.name}")
    with tempfile.TemporaryFile(dir=target.parent) as spool:
        for chunk in saved:
            spool.write(chunk)
        spool.seek(0)
        with (
            tarfile.open(fileobj=spool, mode="r") as source,
            gzip.GzipFile(partial, "wb", 6, mtime=0) as packed,
            tarfile.open(fileobj=packed, mode="w|") as made,
        ):
            _copy(source, made, tag, architecture)
    partial.rename(target)


def _copy(source: tarfile.TarFile, made: tarfile.TarFile, tag: str, architecture: str) -> None:
    (image,) = _read_json(source, "manifest.json")
    configuration = {**_read_json(source, image["Config"]), "architecture": architecture}
    configuration.pop("variant", None)  # of the processor
    content = json.dumps(configuration).encode()
    name = f"{hashlib.sha256(content).hexdigest()}.json"  # an image is known by the digest of its configuration
    _add(made, name, io.BytesIO(content), len(content))
    for layer in image["Layers"]:
        with _open(source, layer) as file:
            size = file.seek(0, io.SEEK_END)
            file.seek(0)
            _add(made, layer, file, size)
    manifest = json.dumps([{"Config": name, "RepoTags": [tag], "Layers": image["Layers"]}]).encode()
    _add(made, "manifest.json", io.BytesIO(manifest), len(manifest))


def _read_json(archive: tarfile.TarFile, name: str) -> Any:
    with _open(archive, name) as file:
        return json.load(file)


def _open(archive: tarfile.TarFile, name: str) -> IO[bytes]:
    file = archive.extractfile(name)  # a layer may be a link to another one
    if file is None:
        raise tarfile.ReadError(f"the saved image has no {name}")
    return file


def _add(archive: tarfile.TarFile, name: str, content: IO[bytes], size: int) -> None:
    member = tarfile.TarInfo(name)
    member.size = size
    archive.addfile(member, content)
