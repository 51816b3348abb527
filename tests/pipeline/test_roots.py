"""What a scan of everything does after the roots of the music were changed."""

import json
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.audio_files import tone
from tests.support.stack import Stack

pytestmark = [pytest.mark.slow, pytest.mark.long]


@pytest.fixture
def srv(tmp_path: Path) -> Path:
    for name in ("music/One", "music/Two", "other/Three"):
        _song(tmp_path / "srv" / f"{name}.ogg")
    return tmp_path / "srv"


def _song(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    tone(path, 0.2, title=path.stem, artist="A", album=path.parent.name)


@contextmanager
def _with_roots(srv: Path, roots: Sequence[Path]) -> Iterator[Stack]:
    stack = Stack(roots, srv.parent / "data")
    try:
        yield stack
    finally:
        assert stack.stop() == 0


def _scan(stack: Stack, *arguments: str) -> dict[str, Any]:
    session = json.loads(stack.cli("scan", "--wait", "--json", *arguments).stdout)["session_id"]
    result: dict[str, Any] = stack.get(f"/api/scan-sessions/{session}")
    return result


def _ids(stack: Stack) -> dict[str, int]:
    return {title: track["id"] for title, track in stack.tracks().items()}


def _known_roots(stack: Stack) -> list[str]:
    with sqlite3.connect(stack.data / "library.db") as db:
        return [path for (path,) in db.execute("SELECT path FROM roots ORDER BY path")]


def test_a_narrower_and_a_wider_root(srv: Path) -> None:
    music = srv / "music"
    with _with_roots(srv, [srv]) as stack:
        _scan(stack)
        ids = _ids(stack)
        assert set(ids) == {"One", "Two", "Three"}
    _song(music / "Four.ogg")
    (music / "Two.ogg").unlink()
    (srv / ".nomedia").touch()  # above the root that is configured now
    with _with_roots(srv, [music]) as stack:
        session = _scan(stack)
        assert (session["missing"], session["protected"]) == (1, 1)
        now = _ids(stack)
        assert now == {"One": ids["One"], "Three": ids["Three"], "Four": now["Four"]}
        assert _known_roots(stack) == [str(srv), str(music)]
    (srv / ".nomedia").unlink()
    with _with_roots(srv, [srv]) as stack:
        session = _scan(stack)
        assert (session["missing"], session["protected"]) == (0, 0)
        assert _ids(stack) == now
        assert _known_roots(stack) == [str(srv)]
        shutil.rmtree(music)
        assert _scan(stack)["missing"] == 2  # an ordinary folder of the root


def test_a_narrower_root_beside_which_nothing_was_found_is_the_only_one(srv: Path) -> None:
    shutil.rmtree(srv / "other")
    with _with_roots(srv, [srv]) as stack:
        _scan(stack)
    with _with_roots(srv, [srv / "music"]) as stack:
        assert _scan(stack)["protected"] == 0
        assert _known_roots(stack) == [str(srv / "music")]


def test_a_root_is_added_removed_and_added_again(srv: Path) -> None:
    music, other = srv / "music", srv / "other"
    with _with_roots(srv, [music]) as stack:
        _scan(stack)
        assert set(_ids(stack)) == {"One", "Two"}
    with _with_roots(srv, [music, other]) as stack:
        _scan(stack)
        ids = _ids(stack)
        assert set(ids) == {"One", "Two", "Three"}
    with _with_roots(srv, [music]) as stack:
        assert _scan(stack)["protected"] == 1
        assert _ids(stack) == ids
        assert _scan(stack, "--confirm-removal")["missing"] == 1
        assert set(_ids(stack)) == {"One", "Two"}
        assert _scan(stack)["protected"] == 0
    with _with_roots(srv, [music, other]) as stack:
        _scan(stack)
        assert _ids(stack) == ids


def test_a_root_within_another_and_a_root_that_moved(srv: Path) -> None:
    with _with_roots(srv, [srv]) as stack:
        _scan(stack)
        ids = _ids(stack)
    with _with_roots(srv, [srv, srv / "music"]) as stack:
        session = _scan(stack)
        assert (session["unchanged"], session["missing"], session["protected"]) == (3, 0, 0)
        assert _ids(stack) == ids
    moved = srv.parent / "moved"
    srv.rename(moved)
    with _with_roots(srv, [moved]) as stack:
        session = _scan(stack)
        assert (session["moved"], session["missing"]) == (3, 0)
        assert _ids(stack) == ids
        assert _scan(stack)["protected"] == 0
        assert _known_roots(stack) == [str(moved)]
