"""Known holes are found in what is shipped, from files alone, and an open one fails the audit."""

import json
import zipfile
from pathlib import Path
from typing import Any

import av
import pytest

from image.artifacts.sbom import _make_package
from tools import audit

DEBIAN = audit.Part(audit.DEBIAN, "openssl", "3.5.1-1+deb13u1")
PACKAGES = [
    _make_package("deb", "libssl3t64", DEBIAN.version, "pkg:deb/debian/libssl3t64@3.5.1-1%2Bdeb13u1?arch=arm64",
                  sourceInfo=f"built from: openssl {DEBIAN.version}"),
    _make_package("pypi", "Some_Package", "1.10.0", "pkg:pypi/some-package@1.10.0"),
    _make_package("npm", "@a/b", "10.2.0", "pkg:npm/%40a/b@10.2.0"),
    _make_package("image", "soniquebay-debian", "0.1"),
]  # fmt: skip


def advisory(ecosystem: str, name: str, *events: dict[str, str], **fields: Any) -> dict[str, Any]:
    affected = {
        "package": {"ecosystem": ecosystem, "name": name},
        "ranges": [{"type": "GIT", "events": [{"introduced": "0"}]}, {"type": "ECOSYSTEM", "events": list(events)}],
    }
    return {"id": "X-1", "summary": "It leaks.", "affected": [affected], **fields}


@pytest.fixture
def sbom(tmp_path: Path) -> Path:
    (file := tmp_path / "image.spdx.json").write_text(json.dumps({"packages": PACKAGES}))
    return file


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (made := tmp_path / "advisories").mkdir()
    return made


def run(sbom: Path, folder: Path, accepted: str = "") -> int:
    (file := folder.parent / "accepted.toml").write_text(accepted)
    return audit.main(["--sbom", str(sbom), "--advisories", str(folder), "--accepted", str(file)])


def test_the_parts_of_a_bill_of_materials(sbom: Path) -> None:
    assert audit.parts_of_sbom(sbom) == {
        DEBIAN, audit.Part("PyPI", "some-package", "1.10.0"), audit.Part("npm", "@a/b", "10.2.0"),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("known", "status"),
    [
        (advisory("PyPI", "some.package", {"introduced": "0"}, {"fixed": "1.11"}), 1),
        (advisory("PyPI", "some.package", {"introduced": "0"}, {"fixed": "1.10.0"}), 0),
        (advisory("PyPI", "some.package", {"introduced": "1.9"}, {"last_affected": "1.10.0"}), 1),
        (advisory("PyPI", "some.package", {"introduced": "1.9"}, {"last_affected": "1.9.9"}), 0),
        (advisory("PyPI", "some.package", {"introduced": "1.11"}), 0),
        (advisory("PyPI", "some.package", {"fixed": "1.2"}, {"introduced": "1.1"}, {"introduced": "1.9"}), 1),
        (advisory("PyPI", "some.package", {"introduced": "what"}), 1),
        (advisory("PyPI", "other", {"introduced": "0"}), 0),
        (advisory("npm", "@a/b", {"introduced": "9.0.0"}, {"fixed": "10.10.0"}), 1),
        (advisory("npm", "some-package", {"introduced": "0"}), 0),
        (advisory("Debian:13", "openssl", {"introduced": "0"}, {"fixed": "3.5.1-1+deb13u2"}), 1),
        (advisory("Debian:13", "openssl", {"introduced": "0"}, {"fixed": "3.5.1-1~deb13u9"}), 0),
        (advisory("Debian:12", "openssl", {"introduced": "0"}), 0),
        (advisory("PyPI", "some-package", {"introduced": "0"}, withdrawn="2026-01-01T00:00:00Z"), 0),
    ],
)
def test_versions_are_compared(sbom: Path, folder: Path, known: dict[str, Any], status: int) -> None:
    (folder / "X-1.json").write_text(json.dumps(known))
    assert run(sbom, folder) == status


def test_an_open_hole_is_named_and_an_accepted_one_too(
    sbom: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with zipfile.ZipFile(folder / "all.zip", "w") as archive:  # as osv.dev exports them
        archive.writestr("X-1.json", json.dumps(advisory("npm", "@a/b", {"introduced": "0"}, aliases=["CVE-2026-1"])))
    assert run(sbom, folder) == 1
    assert "open: @a/b 10.2.0, X-1: It leaks." in capsys.readouterr().out
    assert run(sbom, folder, 'CVE-2026-1 = "The page never calls it."') == 0
    assert "accepted: @a/b 10.2.0, X-1: It leaks. Accepted: The page never calls it." in capsys.readouterr().out


def test_what_cannot_be_read_is_told(sbom: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(sbom, folder, 'X-1 = ""') == 2
    assert run(sbom, folder / "none") == 2
    for name, text in (("a.json", "{"), ("a.json", "[]"), ("a.zip", "no ZIP")):
        (folder / name).write_text(text)
        assert run(sbom, folder) == 2
        assert name in capsys.readouterr().err
        (folder / name).unlink()
    sbom.write_text('{"packages": []}')
    assert run(sbom, folder) == 2


def test_the_holes_of_this_release_are_accepted_with_a_reason(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(audit, "DIST", tmp_path)  # without an image
    assert audit.main([]) == 0
    shown = capsys.readouterr().out
    assert "requirements.lock" in shown
    assert "accepted: av" in shown
    # PyAV has another FFmpeg: look whether the advisories of tools/advisories still hold.
    assert av.ffmpeg_version_info == "8.1.2"
