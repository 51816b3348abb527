"""When a change is worth a scan, which mounts tell of changes, and what the kernel tells of real folders."""

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from soniquebay.settings import from_environment
from soniquebay.watch import growing_files, mounts, tree
from soniquebay.watch.changes import LONGEST, MOST, QUIET, Changes, Due, outermost
from soniquebay.watch.growing_files import Writing
from soniquebay.watch.tree import EVERYTHING, Change, Tree
from tests.stack import wait_until


def test_a_change_is_due_after_a_pause() -> None:
    changes = Changes()
    assert changes.due_at(writing=False) is None
    changes.folder("/m/a", 100.0, 1)
    changes.folder("/m/b", 102.0, 1)
    assert not changes.due(102.0 + QUIET - 0.1)
    due = changes.due(102.0 + QUIET)
    assert due == Due(folders=("/m/a", "/m/b"))
    assert changes.due(200.0) == due  # until it is done
    changes.done(due)
    assert not changes.due(200.0)


def test_a_trickle_is_not_put_off_for_ever() -> None:
    changes = Changes()
    for second in range(int(LONGEST) + 1):
        assert not changes.due(100.0 + second - 0.1)
        changes.folder("/m/a", 100.0 + second, 1)
    assert changes.due(100.0 + LONGEST).folders == ("/m/a",)


def test_a_folder_in_which_a_file_grows_waits_and_holds_up_no_other() -> None:
    changes = Changes()
    changes.folder("/m/a", 100.0, 1)
    changes.folder("/m/b", 110.0, 1)
    assert not changes.due(110.0 + QUIET, {"/m/b"})
    due = changes.due(100.0 + LONGEST, {"/m/b"})
    assert due.folders == ("/m/a",)
    changes.done(due)
    assert changes.due(110.0 + LONGEST, {"/m/b"}).folders == ("/m/b",)


def test_too_many_folders_are_everything() -> None:
    changes = Changes()
    for number in range(MOST):
        changes.folder(f"/m/{number}", 1.0, 1)
    assert len(changes.due(100.0).folders) == MOST
    changes.folder("/m/one more", 1.0, 1)
    assert changes.due(100.0) == Due(everything=True)
    changes.folder("/m/and another", 1.0, 1)
    assert len(changes) == 1
    changes.done(changes.due(100.0))
    assert len(changes) == 0


def test_what_a_scan_of_everything_has_seen_is_not_scanned_again() -> None:
    changes = Changes()
    changes.folder("/m/before", 1.0, 4)
    changes.folder("/m/during", 1.0, 5)
    changes.seen_by(5)
    assert changes.due(100.0).folders == ("/m/during",)
    changes.everything(1.0, 5)
    changes.seen_by(5)
    assert changes.due(100.0).everything
    changes.seen_by(6)
    assert not changes.due(100.0)


def test_a_folder_below_another_goes_with_it() -> None:
    assert outermost(["/m/a/x", "/m/a b", "/m/a", "/m/a/x/y", "/m/c"]) == ("/m/a", "/m/a b", "/m/c")
    changes = Changes()
    changes.folder("/m/a/x", 1.0, 1)
    changes.folder("/m/a", 1.0, 1)
    changes.done(changes.due(100.0))
    assert len(changes) == 0


MOUNTINFO = rb"""22 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw
40 22 0:40 / /srv/music/My\040Disk ro shared:2 - vfat /dev/sda1 ro
41 22 0:41 / /srv/music/nas rw - nfs4 nas:/music rw
42 22 0:42 / /srv/music/far rw master:7 propagate_from:3 - fuse.sshfs host: rw
43 22 0:43 / /srv/music/ntfs rw - fuseblk /dev/sdb1 rw
44 41 0:44 / /srv/music/nas/local rw - ext4 /dev/sdc1 rw
45 22 0:45 / /srv/musical rw - cifs //x/y rw
"""


def test_mounts_are_read_and_those_that_tell_nothing_are_known() -> None:
    table = mounts.parse(MOUNTINFO)
    assert [mount.point for mount in table[:2]] == [b"/", b"/srv/music/My Disk"]
    assert [mount.kind for mount in table if mount.is_silent] == ["nfs4", "fuse.sshfs", "cifs"]
    for path, kind in ((b"/srv/music/x", "ext4"), (b"/srv/music/nas/x", "nfs4"), (b"/srv/music/nas/local", "ext4")):
        mount = mounts.holding(table, path)
        assert mount is not None
        assert mount.kind == kind


def test_what_is_mounted_over_another_counts() -> None:
    over = mounts.parse(MOUNTINFO + b"46 41 0:46 / /srv/music/nas rw - ext4 /dev/sdd1 rw\n")
    mount = mounts.holding(over, b"/srv/music/nas/x")
    assert mount is not None
    assert mount.id == 46


@pytest.fixture
def music(tmp_path: Path) -> Path:
    folder = tmp_path / "music"
    folder.mkdir()
    return folder


@pytest.fixture
def watched(music: Path) -> Iterator[Tree]:
    (music / "a" / "b").mkdir(parents=True)
    (music / "lost+found").mkdir()
    one = Tree([str(music)])
    one.watch_all()
    yield one
    one.close()


def test_every_folder_is_watched_but_those_that_no_scan_enters(watched: Tree, music: Path) -> None:
    assert watched.states() == [(str(music), "notify", 3)]
    assert not watched.must_poll


def test_a_file_counts_when_it_is_closed(watched: Tree, music: Path) -> None:
    with (music / "a" / "x.flac").open("wb") as file:
        file.write(b"1")
        assert watched.read() == []
        assert watched.writing.folders() == {str(music / "a")}
    assert watched.read() == [Change("music", str(music / "a"))]
    assert not watched.writing
    (music / "a" / "x.flac").rename(music / "a" / "b" / "y.flac")
    assert watched.read() == [Change("music", str(music / "a")), Change("music", str(music / "a" / "b"))]
    (music / "a" / "b" / "y.flac").unlink()
    assert watched.read() == [Change("music", str(music / "a" / "b"))]


def test_what_is_no_music_is_no_change_and_a_cover_is_one(watched: Tree, music: Path) -> None:
    (music / "a" / "notes.txt").write_text("x")
    (music / "a" / "Back.jpg").write_text("x")
    assert watched.read() == []
    (music / "a" / "Folder.JPG").write_text("x")
    assert watched.read() == [Change("cover", str(music / "a"))]


def test_a_new_folder_is_watched_to_its_bottom(watched: Tree, music: Path) -> None:
    (music / "c" / "d" / "e").mkdir(parents=True)
    (music / "c" / "d" / "e" / "quick.mp3").write_text("x")
    watched.read()
    assert watched.states()[0].folders == 6
    # Closed before anybody watched: it is looked at, not overlooked.
    assert watched.writing.folders() == {str(music / "c" / "d" / "e")}
    (music / "c" / "d" / "late.mp3").write_text("x")
    assert watched.read() == [Change("music", str(music / "c" / "d"))]


def test_a_moved_folder_is_known_by_its_new_path(watched: Tree, music: Path) -> None:
    (music / "a").rename(music / "z")
    assert watched.read() == [Change("music", str(music / "a")), Change("music", str(music / "z"))]
    (music / "z" / "b" / "x.ogg").write_text("x")
    assert watched.read() == [Change("music", str(music / "z" / "b"))]
    shutil.rmtree(music / "z")
    assert watched.read() == [Change("music", str(music / "z" / "b"))]
    assert watched.states()[0].folders == 1


def test_a_link_to_a_folder_is_followed_once(watched: Tree, music: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    (outside / "deep").mkdir(parents=True)
    (outside / "deep" / "loop").symlink_to(outside)
    assert not watched.has_links
    (music / "link").symlink_to(outside)
    assert watched.read() == [Change("music", str(music / "link"))]
    assert watched.has_links
    (outside / "deep" / "x.ogg").write_text("x")
    assert watched.read() == [Change("music", str(music / "link" / "deep"))]
    (music / "link").unlink()
    assert watched.read() == [Change("music", str(music / "link"))]
    assert (watched.states()[0].folders, watched.has_links) == (3, False)


def test_a_root_that_goes_is_found_when_it_is_back(watched: Tree, music: Path, tmp_path: Path) -> None:
    music.rename(tmp_path / "away")
    assert watched.read() == [EVERYTHING]
    assert watched.states() == [(str(music), "absent", 0)]
    assert not watched.watch_absent()
    (tmp_path / "away").rename(music)
    assert watched.watch_absent()
    assert watched.states() == [(str(music), "notify", 3)]


def test_an_overflow_begins_anew_and_asks_for_everything(watched: Tree, music: Path) -> None:
    limit = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    (music / "a" / "0.ogg").write_text("x")
    for number in range(limit // 2 + 10):  # each rename makes two events that are not alike
        (music / "a" / f"{number}.ogg").rename(music / "a" / f"{number + 1}.ogg")
    (music / "new").mkdir()  # its event is lost
    assert EVERYTHING in watched.read()
    assert watched.states()[0].folders == 4
    (music / "new" / "x.ogg").write_text("x")
    assert watched.read() == [Change("music", str(music / "new"))]


def test_when_watches_run_out_the_rest_is_polled(music: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in "abcd":
        (music / name).mkdir()

    class Few(tree.INotify):  # type: ignore[name-defined, misc] # the kernel's limit is the whole machine's
        def add_watch(self, path: str, mask: int) -> int:
            if path.endswith("/c"):
                raise OSError(28, "No space left on device")
            return int(super().add_watch(path, mask))

    monkeypatch.setattr(tree, "INotify", Few)
    one = Tree([str(music)])
    one.watch_all()
    assert one.must_poll
    assert one.states() == [(str(music), "poll", 4)]
    one.close()


def test_a_mount_that_tells_nothing_is_polled_and_comes_and_goes(music: Path) -> None:
    (music / "nas" / "x").mkdir(parents=True)
    (music / "disk" / "y").mkdir(parents=True)
    table = b"1 0 8:1 / / rw - ext4 /dev/sda1 rw\n"
    now = [table]
    one = Tree([str(music)], read_mounts=lambda: now[0])
    one.watch_all()
    assert (one.must_poll, one.states()[0].folders) == (False, 5)
    now[0] = table + b"2 1 0:9 / " + os.fsencode(music / "nas") + b" rw - nfs4 nas:/ rw\n"
    assert one.mounts_changed() == [EVERYTHING]
    assert (one.must_poll, one.states()[0].mode, one.states()[0].folders) == (True, "poll", 3)
    now[0] = table + b"3 1 8:2 / " + os.fsencode(music / "disk") + b" rw - vfat /dev/sdb1 rw\n"
    assert one.mounts_changed() == [EVERYTHING]
    assert (one.must_poll, one.states()[0].folders) == (False, 5)
    now[0] = table
    assert one.mounts_changed() == []  # a drive that is gone is no deletion
    assert one.states()[0].folders == 5
    one.close()


def test_all_is_polled_when_nothing_is_trusted(music: Path) -> None:
    one = Tree([str(music), str(music / "gone")], poll=True)
    one.watch_all()
    assert one.must_poll
    assert one.states() == [(str(music), "poll", 0), (str(music / "gone"), "absent", 0)]
    one.close()


def test_a_file_is_ready_when_it_grows_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(growing_files, "SETTLED", 0.3)
    files = Writing()
    growing, old = tmp_path / "growing.mp3", tmp_path / "old.mp3"
    growing.write_text("1")
    old.write_text("1")
    os.utime(old, (1e9, 1e9))
    for path in (growing, old, tmp_path / "gone.mp3"):
        files.begun(str(path))
    assert files.settled() == {str(tmp_path)}  # the old one
    began = time.monotonic()
    while time.monotonic() - began < 0.6:
        with growing.open("a") as file:
            file.write("more")
        assert files.settled() == set()
        time.sleep(0.02)
    assert files.folders() == {str(tmp_path)}
    assert wait_until(files.settled, 2) == {str(tmp_path)}
    assert not files


@pytest.mark.parametrize(("name", "value"), [("WATCH", "yes"), ("POLL_MINUTES", "-1"), ("POLL_MINUTES", "often"),
                                             ("POLL_MINUTES", "nan")])  # fmt: skip
def test_a_wrong_setting_is_named(name: str, value: str) -> None:
    with pytest.raises(ValueError, match=f"SONIQUEBAY_{name}"):
        from_environment({f"SONIQUEBAY_{name}": value})
