"""What goes out with an image.

| soniquebay-<version>-<profile>-arm64… | |
|---|---|
| `.img.xz` | the image, compressed |
| `.img.xz.sha256` | its checksum, for sha256sum |
| `.img.xz.sig` | its signature, when there is a key |
| `.img.bmap` | the blocks that have to be written, for bmaptool |
| `.spdx.json` | what is in it |
| `.rpi-imager-manifest` | for Raspberry Pi Imager, with its icon `soniquebay.svg` |
"""

from __future__ import annotations

import shutil
from pathlib import Path

from .. import build, build_root, cache, profile, release
from ..bootcheck.card import Card
from ..build_root import BuildRoot
from ..errors import ActionableError
from ..paths import chown_to_invoking_user, dist, source_epoch
from ..ui import Step, cached, step
from . import bmap, imager, sbom, signature
from .facts import Image, sha256

# Blocks of a given size: the bytes do not depend on the number of processors, and can be unpacked on all of them.
XZ = ("-6", "-T2", "--block-size=64MiB", "--check=crc64")
ICON = Path(__file__).with_name(imager.ICON)


def publish(profile_name: str, *, base_url: str = "", key: Path | None = None, into: Path | None = None) -> list[Path]:
    """Everything that goes out with the built image, in dist/ or another folder; needs no root.

    `base_url` is where the files will be downloaded from; without one the manifest names the file in dist/.
    `key` is an SSH key to sign with, or its public half when an agent has it.
    """
    chosen = profile.load(profile_name)
    version = release.version_of(release.APP)
    path = dist() / build.image_name(version, chosen.name)
    if not path.exists():
        raise ActionableError(f"{path} is not there.", f"Run: make image PROFILE={chosen.name}")
    if key is not None and not key.is_file():
        raise ActionableError(f"There is no key {key}.", "SIGN_KEY names a file that ssh-keygen made.")
    tools = build_root.ensure()
    folder = into or path.parent
    with step("Checksum of the image"):
        size = path.stat().st_size
        image = Image(path, chosen.name, version, source_epoch(*build.SOURCES), size, sha256(path))
    packed = release.publish(_compressed(image, tools), folder / f"{path.name}.xz")
    with step("Block map, bill of materials, manifest"):
        files = [
            packed,
            packed.with_name(f"{packed.name}.sha256"),
            _write(folder / f"{path.name}.bmap", bmap.text(Card(path, tools))),
            _write(folder / f"{path.stem}.spdx.json", sbom.text(image, Card(path, tools))),
            _icon(folder / imager.ICON),
        ]
        manifest = imager.text(image, packed, base_url)
        files.append(_write(folder / f"{path.stem}.rpi-imager-manifest", manifest))
    if key is not None:
        with step("Signature") as current:
            files.append(signature.sign(packed, key, current))
    return files


def _compressed(image: Image, tools: BuildRoot) -> Path:
    wanted = cache.digest(image.sha256, " ".join(XZ), build_root.inputs_digest())
    ready = cache.find("compressed", wanted, ".img.xz")
    if ready is not None:
        cached("Compressed image")
        return ready

    def pack(target: Path, current: Step) -> None:
        command = tools.native("xz", "--stdout", "--keep", *XZ, str(image.path))
        script = 'target=$1; shift; "$@" > "$target"'
        current.run(["sh", "-euc", script, "sh", str(target), *command], env=tools.environment())

    with step("Compressed image") as current:
        current.report_status("some minutes")
        return cache.make("compressed", wanted, ".img.xz", lambda target: pack(target, current))


def _icon(target: Path) -> Path:
    shutil.copyfile(ICON, target)
    chown_to_invoking_user(target)
    return target


def _write(target: Path, content: str) -> Path:
    partial = target.with_name(f".{target.name}")
    partial.write_text(content, encoding="utf-8")
    partial.rename(target)
    chown_to_invoking_user(target)
    return target
