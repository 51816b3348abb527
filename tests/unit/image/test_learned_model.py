"""How the learned model is made: from the pinned wheel alone, and the same on each machine. `make model` makes it."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from image import checkpoint, learned_model
from image.artifacts import sbom
from image.checkpoint import UnreadableCheckpointError
from image.errors import ActionableError
from soniquebay.audio.learned import model_file, weights

WEIGHTS_SHA256 = "431d2cee1c5abfd327fa41f4c63ce1b88a14233cd238b04be25a9c8f5e634de5"
MAGIC = 0xDB4775248B80FB57


@pytest.fixture
def cache_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    yield tmp_path


def test_the_file_of_the_weights_is_the_same_everywhere() -> None:
    assert hashlib.sha256(model_file.PATH.read_bytes()).hexdigest() == WEIGHTS_SHA256


def test_the_model_comes_with_its_licence_and_origin() -> None:
    licence = (learned_model.INSTALLED / learned_model.LICENCE).read_text()
    assert "Universitat Pompeu Fabra" in licence
    assert "provided that the above copyright notice and this permission notice appear in all copies" in licence
    pinned = learned_model._LOCK_FILE.read_text()
    origin = json.loads((learned_model.INSTALLED / learned_model.PACKAGE).read_text())
    assert f"{origin['name']}=={origin['version']} " in pinned
    assert "://" not in pinned


def test_the_bill_of_materials_names_the_package_of_the_model() -> None:
    class Folder:
        """The folder of libraries on a card."""

        def read_text(self, path: str) -> str:
            return (learned_model.INSTALLED.parents[3] / Path(path).relative_to(sbom.LIBRARIES)).read_text()

    package = sbom._model(Folder())  # type: ignore[arg-type]
    assert (package["name"], package["versionInfo"], package["licenseDeclared"]) == ("musicnn", "0.1.0", "ISC")
    assert package["externalRefs"][0]["referenceLocator"] == "pkg:pypi/musicnn@0.1.0"


def test_another_wheel_than_the_pinned_one_is_refused(
    tmp_path: Path, cache_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = tmp_path / "other.lock"
    lock.write_text(learned_model._LOCK_FILE.read_text().replace("sha256:f38a", "sha256:f38b"))
    monkeypatch.setattr(learned_model, "_LOCK_FILE", lock)
    with pytest.raises(ActionableError, match=r"(?i)hash"):
        learned_model.ensure()
    assert not list(cache_home.glob("soniquebay/learned-model/[!.]*"))


def test_filters_without_weights_are_left_out_and_nothing_else_changes() -> None:
    tensors = {f"conv2d{i}/kernel": np.zeros((2, 1, 1, 3), np.float32) for i in ("", "_1", "_2", "_3", "_4")}
    for i, value in enumerate(tensors.values()):
        value[0, 0, 0, i % 3] = -0.5
        value[1, 0, 0, 2 - i % 3] += 1e-8
    bias = np.array([1, 2, 3], np.float32)
    kept = learned_model.live_tensors({**tensors, "conv2d/bias": bias, "conv2d/bias/Adam": bias, "beta1_power": bias})
    assert kept.keys() == {*tensors, "conv2d/bias", weights.LIVE}
    assert kept["conv2d/bias"] is bias
    assert [kept[name].shape for name in tensors] == [(2, 1, 1, 1)] * 5
    assert kept["conv2d_1/kernel"][0] == -0.5
    assert kept[weights.LIVE].tolist() == [1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 0, 0, 0, 1, 0]


def test_a_checkpoint_is_read_by_the_names_of_its_tensors() -> None:
    values = np.arange(6, dtype="<f4")
    index = table({b"": b"\x08\x01", b"a/b": entry([2, 3], 0, 24), b"a/c": entry([], 20, 4), b"n": b"\x08\x09"})
    found = checkpoint.read_float32(index, values.tobytes())
    assert found.keys() == {"a/b", "a/c"}
    assert found["a/b"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert found["a/c"] == 5


@pytest.mark.parametrize("damage", ["magic", "compressed", "cut"])
def test_what_is_no_checkpoint_is_told(damage: str) -> None:
    index = bytearray(table({b"a": entry([6], 0, 24)}))
    if damage == "magic":
        index[-1] ^= 1
    elif damage == "compressed":
        index[index.index(b"\0\0\0\0\x01\0\0\0") + 8] = 1  # the type behind the first block
    data = bytes(20 if damage == "cut" else 24)
    with pytest.raises(UnreadableCheckpointError):
        checkpoint.read_float32(bytes(index), data)


def entry(shape: list[int], offset: int, size: int) -> bytes:
    """Return an entry of the index: type, shape, offset and size of a float32 tensor."""
    dimensions = b"".join(b"\x12\x02\x08" + bytes([length]) for length in shape)
    return b"\x08\x01\x12" + bytes([len(dimensions)]) + dimensions + bytes([0x20, offset, 0x28, size])


def table(entries: dict[bytes, bytes]) -> bytes:
    """Return a table of LevelDB with one block of entries, and the block that says where that is."""

    def block(rows: dict[bytes, bytes]) -> bytes:
        written, before = b"", b""
        for key, value in rows.items():
            shared = next((i for i in range(len(key)) if key[: i + 1] != before[: i + 1]), len(key))
            written += bytes([shared, len(key) - shared, len(value)]) + key[shared:] + value
            before = key
        return written + b"\0\0\0\0\x01\0\0\0"

    content = block(entries)
    content += b"\0" + b"\0" * 4  # uncompressed; the checksum is not read
    where = block({b"z": bytes([0, len(content) - 5])})
    footer = bytes([0, 0, len(content), len(where)])
    return content + where + b"\0" * 5 + footer.ljust(40, b"\0") + MAGIC.to_bytes(8, "little")
