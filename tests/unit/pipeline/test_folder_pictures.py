"""A walk tells which folders have other pictures than the last one saw."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from soniquebay.pipeline import folder_pictures
from soniquebay.pipeline.folder_pictures import FolderPictures
from soniquebay.pipeline.walk import Walk


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> dict[str, int | None]:
    """Collect what is sent to the API."""
    stamps: dict[str, int | None] = {}

    def post(path: str, body: Any) -> dict[str, Any]:
        assert path == "/internal/folder-pictures"
        stamps.update(body["stamps"])
        return {}

    monkeypatch.setattr(folder_pictures.library_api, "post", post)
    return stamps


def walk(top: Path, known: Iterable[tuple[str, int]] = (), *, is_there: bool = True) -> None:
    pictures = FolderPictures(lambda path: is_there)
    pictures.begin(iter(known))
    list(Walk(on_pictures=pictures.compare).files(str(top)))
    pictures.end()
    pictures.flush()


def put(path: Path, data: bytes = b"x") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def test_added_replaced_and_removed_pictures_are_told(tmp_path: Path, sent: dict[str, int | None]) -> None:
    for folder in ("a", "a-b", "a/CD1", "b", "c"):
        put(tmp_path / folder / "1.mp3")
        put(tmp_path / folder / "cover.JPG")
    put(tmp_path / "top.png")
    walk(tmp_path)
    known = sorted((folder, stamp or 0) for folder, stamp in sent.items())
    assert [os.path.relpath(folder, tmp_path) for folder, _ in known] == [".", "a-b", "a", "a/CD1", "b", "c"]
    sent.clear()
    walk(tmp_path, known)
    assert sent == {}
    (tmp_path / "a" / "cover.JPG").unlink()
    put(tmp_path / "a-b" / "back.png")
    (tmp_path / "a/CD1/cover.JPG").rename(tmp_path / "a/CD1/folder.jpg")
    os.utime(tmp_path / "b" / "cover.JPG", ns=(1, 1))
    put(tmp_path / "c" / "notes.txt")
    put(tmp_path / "d" / "cover.jpg")
    walk(tmp_path, known)
    names = {os.path.relpath(folder, tmp_path): stamp for folder, stamp in sent.items()}
    assert {name for name, stamp in names.items() if stamp is not None} == {"a-b", "a/CD1", "b", "d"}
    assert {name for name, stamp in names.items() if stamp is None} == {"a"}


def test_a_replaced_picture_of_the_same_size_and_time_is_the_same(tmp_path: Path, sent: dict[str, int | None]) -> None:
    for data in (b"1", b"2"):
        put(tmp_path / "cover.jpg", data)
        os.utime(tmp_path / "cover.jpg", ns=(5, 5))
        walk(tmp_path, [(folder, stamp or 0) for folder, stamp in sent.items()])
    assert len(sent) == 1


def test_the_folders_of_an_unplugged_drive_are_not_without_pictures(
    tmp_path: Path, sent: dict[str, int | None]
) -> None:
    known = [(f"{tmp_path}/gone/", 1), (f"{tmp_path}/gone/too/", 2)]
    walk(tmp_path, known, is_there=False)
    assert sent == {}
    walk(tmp_path, known)
    assert sent == {folder: None for folder, _ in known}


def test_nothing_is_told_of_a_folder_that_cannot_be_read(
    tmp_path: Path, sent: dict[str, int | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path / "dark" / "cover.jpg")
    put(tmp_path / "light" / "cover.jpg")
    scandir = os.scandir

    def refuse(folder: str) -> Any:  # a mode of 000 does not stop root, who may run this test
        if folder.endswith("dark"):
            raise PermissionError(13, "Permission denied")
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", refuse)
    walk(tmp_path, [(f"{tmp_path}/dark/", 1), (f"{tmp_path}/dark/below/", 2)])
    assert list(sent) == [f"{tmp_path}/light/"]


def test_many_changes_are_sent_in_parts(sent: dict[str, int | None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder_pictures, "FOLDERS_PER_REQUEST", 2)
    pictures = FolderPictures(lambda path: True)
    for number in range(5):
        pictures.compare(f"/{number}/", number)
        assert len(sent) == (number + 1) // 2 * 2
