"""The files that go out with an image.

| soniquebay-<version>-<profile>-arm64… | |
|---|---|
| `.img.xz` | the image, compressed |
| `.img.xz.sha256` | its checksum, for sha256sum |
| `.img.xz.sig` | its signature, when there is a key |
| `.img.bmap` | the blocks that have to be written, for bmaptool |
| `.spdx.json` | the bill of materials |
| `.rpi-imager-manifest` | for Raspberry Pi Imager, with its icon `soniquebay.svg` |
"""

from __future__ import annotations

import shutil
from pathlib import Path

from .. import build, build_root, cache, release, signature, ui
from ..bootcheck.card import Card
from ..build_root import BuildRoot
from ..errors import ActionableError
from ..paths import chown_to_invoking_user, dist, source_epoch
from ..profile import load as load_profile
from ..ui import Step
from . import bmap, imager, sbom
from .image_file import ImageFile, sha256

# With blocks of a given size the output does not depend on the number of processors, and all of them can unpack it.
XZ_OPTIONS = ("-6", "-T2", "--block-size=64MiB", "--check=crc64")
ICON = Path(__file__).with_name(imager.ICON)


def publish(profile_name: str, *, base_url: str = "", key: Path | None = None, into: Path | None = None) -> list[Path]:
    """Write the files that go out with the built image to dist/, or to the folder `into`; needs no root.

    `base_url` is where the files will be downloaded from; without one the manifest names the file in dist/.
    `key` is an SSH key to sign with, or its public half when an agent has it.
    Raises `ActionableError` when the image or the key is missing.
    """
    profile = load_profile(profile_name)
    version = release.version_of(release.APP)
    path = dist() / build.image_name(version, profile.name)
    if not path.exists():
        raise ActionableError(f"{path} is missing.", f"Run: make image PROFILE={profile.name}")
    if key is not None:
        signature.require_key(key)
    tools = build_root.ensure()
    folder = into or path.parent
    with ui.step("Checksum of the image"):
        size = path.stat().st_size
        image = ImageFile(path, profile.name, version, source_epoch(*build.SOURCES), size, sha256(path))
    compressed = release.publish(_compress(image, tools), folder / f"{path.name}.xz")
    with ui.step("Block map, bill of materials, manifest"):
        files = [
            compressed,
            compressed.with_name(f"{compressed.name}.sha256"),
            _write(folder / f"{path.name}.bmap", bmap.make_bmap(Card(path, tools))),
            _write(folder / f"{path.stem}.spdx.json", sbom.make_sbom(image, Card(path, tools))),
            _copy_icon(folder / imager.ICON),
        ]
        manifest = imager.make_manifest(image, compressed, base_url)
        files.append(_write(folder / f"{path.stem}.rpi-imager-manifest", manifest))
    if key is not None:
        with ui.step("Signature") as step:
            files.append(signature.sign(compressed, key, step))
    return files


def _compress(image: ImageFile, tools: BuildRoot) -> Path:
    """Return the compressed image, from the cache if it is there."""
    title = "Compressed image"
    digest = cache.digest(image.sha256, " ".join(XZ_OPTIONS), build_root.inputs_digest())
    cached = cache.find("compressed", digest, ".img.xz")
    if cached is not None:
        ui.cached(title)
        return cached

    def compress(target: Path, step: Step) -> None:
        command = tools.native("xz", "--stdout", "--keep", *XZ_OPTIONS, str(image.path))
        script = 'target=$1; shift; "$@" > "$target"'
        step.run(["sh", "-euc", script, "sh", str(target), *command], env=tools.environment())

    with ui.step(title) as step:
        step.report_status("takes some minutes")
        return cache.make("compressed", digest, ".img.xz", lambda target: compress(target, step))


def _copy_icon(target: Path) -> Path:
    shutil.copyfile(ICON, target)
    chown_to_invoking_user(target)
    return target


def _write(target: Path, content: str) -> Path:
    partial = target.with_name(f".{target.name}")
    partial.write_text(content, encoding="utf-8")
    partial.rename(target)
    chown_to_invoking_user(target)
    return target
