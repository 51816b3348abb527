"""When a scan is due for a change, which mounts need polling, and what the kernel reports about real folders."""

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from soniquebay.library.paths import outermost
from soniquebay.settings import from_environment
from soniquebay.watch import growing_files, tree
from soniquebay.watch.changes import (
    MAX_CHANGED_FOLDERS,
    MAX_WAIT_SECONDS,
    QUIET_SECONDS,
    DueScan,
    PendingChanges,
)
from soniquebay.watch.growing_files import GrowingFiles
from soniquebay.watch.mounts import mount_of, parse_mountinfo
from soniquebay.watch.tree import EVERYTHING, Change, WatchedTree
from tests.support.stack import wait_until


def test_a_scan_is_due_after_a_pause() -> None:
    changes = PendingChanges()
    assert changes.due_at(files_are_growing=False) is None
    changes.add_folder("/m/a", 100.0, 1)
    changes.add_folder("/m/b", 102.0, 1)
    assert not changes.due(102.0 + QUIET_SECONDS - 0.1)
    due = changes.due(102.0 + QUIET_SECONDS)
    assert due == DueScan(folders=("/m/a", "/m/b"))
    assert changes.due(200.0) == due  # until it is marked as scanned
    changes.mark_scanned(due)
    assert not changes.due(200.0)


def test_constant_changes_do_not_delay_a_scan_for_ever() -> None:
    changes = PendingChanges()
    for second in range(int(MAX_WAIT_SECONDS) + 1):
        assert not changes.due(100.0 + second - 0.1)
        changes.add_folder("/m/a", 100.0 + second, 1)
    assert changes.due(100.0 + MAX_WAIT_SECONDS).folders == ("/m/a",)


def test_a_folder_with_a_growing_file_waits_without_delaying_the_others() -> None:
    changes = PendingChanges()
    changes.add_folder("/m/a", 100.0, 1)
    changes.add_folder("/m/b", 110.0, 1)
    assert not changes.due(110.0 + QUIET_SECONDS, {"/m/b"})
    due = changes.due(100.0 + MAX_WAIT_SECONDS, {"/m/b"})
    assert due.folders == ("/m/a",)
    changes.mark_scanned(due)
    assert changes.due(110.0 + MAX_WAIT_SECONDS, {"/m/b"}).folders == ("/m/b",)


def test_too_many_changed_folders_become_a_scan_of_everything() -> None:
    changes = PendingChanges()
    for number in range(MAX_CHANGED_FOLDERS):
        changes.add_folder(f"/m/{number}", 1.0, 1)
    assert len(changes.due(100.0).folders) == MAX_CHANGED_FOLDERS
    changes.add_folder("/m/one more", 1.0, 1)
    assert changes.due(100.0) == DueScan(everything=True)
    changes.add_folder("/m/and another", 1.0, 1)
    assert len(changes) == 1
    changes.mark_scanned(changes.due(100.0))
    assert len(changes) == 0


def test_changes_from_before_a_scan_of_everything_are_not_scanned_again() -> None:
    changes = PendingChanges()
    changes.add_folder("/m/before", 1.0, 4)
    changes.add_folder("/m/during", 1.0, 5)
    changes.remove_seen_by(5)
    assert changes.due(100.0).folders == ("/m/during",)
    changes.add_everything(1.0, 5)
    changes.remove_seen_by(5)
    assert changes.due(100.0).everything
    changes.remove_seen_by(6)
    assert not changes.due(100.0)


def test_a_folder_is_scanned_with_a_changed_folder_above_it() -> None:
    assert outermost(["/m/a/x", "/m/a b", "/m/a", "/m/a/x/y", "/m/c"]) == ("/m/a", "/m/a b", "/m/c")
    changes = PendingChanges()
    changes.add_folder("/m/a/x", 1.0, 1)
    changes.add_folder("/m/a", 1.0, 1)
    changes.mark_scanned(changes.due(100.0))
    assert len(changes) == 0


MOUNTINFO = rb"""22 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw
40 22 0:40 / /srv/music/My\040Disk ro shared:2 - vfat /dev/sda1 ro
41 22 0:41 / /srv/music/nas rw - nfs4 nas:/music rw
42 22 0:42 / /srv/music/far rw master:7 propagate_from:3 - fuse.sshfs host: rw
43 22 0:43 / /srv/music/ntfs rw - fuseblk /dev/sdb1 rw
44 41 0:44 / /srv/music/nas/local rw - ext4 /dev/sdc1 rw
45 22 0:45 / /srv/musical rw - cifs //x/y rw
"""


def test_mountinfo_is_parsed_and_network_file_systems_need_polling() -> None:
    table = parse_mountinfo(MOUNTINFO)
    assert [mount.mount_point for mount in table[:2]] == [b"/", b"/srv/music/My Disk"]
    assert [mount.fs_type for mount in table if mount.needs_polling] == ["nfs4", "fuse.sshfs", "cifs"]
    for path, kind in ((b"/srv/music/x", "ext4"), (b"/srv/music/nas/x", "nfs4"), (b"/srv/music/nas/local", "ext4")):
        mount = mount_of(table, path)
        assert mount is not None
        assert mount.fs_type == kind


def test_the_later_of_two_mounts_on_one_mount_point_counts() -> None:
    over = parse_mountinfo(MOUNTINFO + b"46 41 0:46 / /srv/music/nas rw - ext4 /dev/sdd1 rw\n")
    mount = mount_of(over, b"/srv/music/nas/x")
    assert mount is not None
    assert mount.mount_id == 46


@pytest.fixture
def music(tmp_path: Path) -> Path:
    folder = tmp_path / "music"
    folder.mkdir()
    return folder


@pytest.fixture
def watched(music: Path) -> Iterator[WatchedTree]:
    (music / "a" / "b").mkdir(parents=True)
    (music / "lost+found").mkdir()
    watched = WatchedTree([str(music)])
    watched.watch_all()
    yield watched
    watched.close()


def test_every_folder_that_a_scan_enters_is_watched(watched: WatchedTree, music: Path) -> None:
    assert watched.states() == [(str(music), "notify", 3)]
    assert not watched.needs_polling


def test_a_file_is_a_change_when_it_is_closed(watched: WatchedTree, music: Path) -> None:
    with (music / "a" / "x.flac").open("wb") as file:
        file.write(b"1")
        assert watched.read_changes() == []
        assert watched.growing_files.folders() == {str(music / "a")}
    assert watched.read_changes() == [Change("music", str(music / "a"))]
    assert not watched.growing_files
    (music / "a" / "x.flac").rename(music / "a" / "b" / "y.flac")
    assert watched.read_changes() == [Change("music", str(music / "a")), Change("music", str(music / "a" / "b"))]
    (music / "a" / "b" / "y.flac").unlink()
    assert watched.read_changes() == [Change("music", str(music / "a" / "b"))]


def test_only_music_and_covers_are_changes(watched: WatchedTree, music: Path) -> None:
    (music / "a" / "notes.txt").write_text("x")
    (music / "a" / "Back.jpg").write_text("x")
    assert watched.read_changes() == []
    (music / "a" / "Folder.JPG").write_text("x")
    assert watched.read_changes() == [Change("cover", str(music / "a"))]
    (music / "a" / "Folder.JPG").unlink()
    assert watched.read_changes() == [Change("cover", str(music / "a"))]


@pytest.mark.parametrize("name", [".nomedia", ".ndignore", ".soniquebayignore"])
def test_an_ignore_file_is_a_change_whatever_becomes_of_it(watched: WatchedTree, music: Path, name: str) -> None:
    file = music / "a" / name
    for change in (file.touch, lambda: file.write_text("*.ogg"), lambda: file.rename(music / "x"), lambda: (
        music / "x").rename(file), file.unlink, lambda: file.symlink_to("/dev/null")):  # fmt: skip
        change()
        assert watched.read_changes() == [Change("music", str(music / "a"))]


@pytest.mark.parametrize("name", [".nomedia", ".ndignore"])
def test_what_an_ignore_file_leaves_out_is_not_watched(watched: WatchedTree, music: Path, name: str) -> None:
    assert watched.states()[0].folders == 3
    file = music / "a" / name
    file.touch()  # nothing else in it is taken in
    assert watched.read_changes() == [Change("music", str(music / "a"))]
    assert watched.states()[0].folders == 2  # where the file may go again
    (music / "a" / "b" / "x.ogg").write_text("x")
    (music / "a" / "c").mkdir()
    assert watched.read_changes() == []
    assert watched.states()[0].folders == 2
    file.unlink()
    assert watched.read_changes() == [Change("music", str(music / "a"))]
    assert watched.states()[0].folders == 4
    (music / "a" / "b" / "y.ogg").write_text("x")
    assert watched.read_changes() == [Change("music", str(music / "a" / "b"))]


def test_what_a_pattern_leaves_out_is_not_watched(watched: WatchedTree, music: Path) -> None:
    (music / ".soniquebayignore").write_text("b/\n")
    assert watched.read_changes() == [Change("music", str(music))]
    assert watched.states()[0].folders == 2
    (music / "a" / "b" / "x.ogg").write_text("x")
    assert watched.read_changes() == []
    (music / "new" / "b").mkdir(parents=True)
    watched.read_changes()
    assert watched.states()[0].folders == 3
    (music / ".soniquebayignore").write_text("new/*\n")
    watched.read_changes()
    assert watched.states()[0].folders == 4
    watched.watch_all()
    assert watched.states()[0].folders == 4


def test_folders_of_systems_are_not_watched(watched: WatchedTree, music: Path) -> None:
    (music / "a" / "#Recycle" / "b").mkdir(parents=True)
    (music / "a" / "@eaDir").mkdir()
    (music / "a" / "#Recycle" / "b" / "x.ogg").write_text("x")
    assert watched.read_changes() == []
    assert watched.states()[0].folders == 3


def test_a_new_folder_is_watched_with_all_its_subfolders(watched: WatchedTree, music: Path) -> None:
    (music / "c" / "d" / "e").mkdir(parents=True)
    (music / "c" / "d" / "e" / "quick.mp3").write_text("x")
    watched.read_changes()
    assert watched.states()[0].folders == 6
    # It was closed before its folder was watched: it is checked like a growing file.
    assert watched.growing_files.folders() == {str(music / "c" / "d" / "e")}
    (music / "c" / "d" / "late.mp3").write_text("x")
    assert watched.read_changes() == [Change("music", str(music / "c" / "d"))]


def test_a_picture_that_came_before_its_folder_was_watched_is_a_change(watched: WatchedTree, music: Path) -> None:
    (music / "c" / "d").mkdir(parents=True)
    for name in ("artist.jpg", "folder.png", "notes.txt"):
        (music / "c" / "d" / name).write_bytes(b"x")
    assert watched.read_changes() == [Change("cover", str(music / "c" / "d"))]


def test_a_moved_folder_is_watched_under_its_new_path(watched: WatchedTree, music: Path) -> None:
    (music / "a").rename(music / "z")
    assert watched.read_changes() == [Change("music", str(music / "a")), Change("music", str(music / "z"))]
    (music / "z" / "b" / "x.ogg").write_text("x")
    assert watched.read_changes() == [Change("music", str(music / "z" / "b"))]
    shutil.rmtree(music / "z")
    assert watched.read_changes() == [Change("music", str(music / "z" / "b"))]
    assert watched.states()[0].folders == 1


def test_a_link_to_a_folder_is_followed_once(watched: WatchedTree, music: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    (outside / "deep").mkdir(parents=True)
    (outside / "deep" / "loop").symlink_to(outside)
    assert not watched.has_links
    (music / "link").symlink_to(outside)
    assert watched.read_changes() == [Change("music", str(music / "link"))]
    assert watched.has_links
    (outside / "deep" / "x.ogg").write_text("x")
    assert watched.read_changes() == [Change("music", str(music / "link" / "deep"))]
    (music / "link").unlink()
    assert watched.read_changes() == [Change("music", str(music / "link"))]
    assert (watched.states()[0].folders, watched.has_links) == (3, False)


def test_a_root_that_disappears_is_watched_again_when_it_is_back(
    watched: WatchedTree, music: Path, tmp_path: Path
) -> None:
    music.rename(tmp_path / "away")
    assert watched.read_changes() == [EVERYTHING]
    assert watched.states() == [(str(music), "absent", 0)]
    assert not watched.watch_absent()
    (tmp_path / "away").rename(music)
    assert watched.watch_absent()
    assert watched.states() == [(str(music), "notify", 3)]


def test_after_an_overflow_everything_is_watched_again_and_scanned(watched: WatchedTree, music: Path) -> None:
    limit = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    (music / "a" / "0.ogg").write_text("x")
    for number in range(limit // 2 + 10):  # each rename makes two different events
        (music / "a" / f"{number}.ogg").rename(music / "a" / f"{number + 1}.ogg")
    (music / "new").mkdir()  # its event is lost
    assert EVERYTHING in watched.read_changes()
    assert watched.states()[0].folders == 4
    (music / "new" / "x.ogg").write_text("x")
    assert watched.read_changes() == [Change("music", str(music / "new"))]


def test_folders_beyond_the_limit_of_watches_are_polled(music: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in "abcd":
        (music / name).mkdir()

    class FewWatches(tree.INotify):  # type: ignore[name-defined, misc] # the real limit is that of the whole machine
        def add_watch(self, path: str, mask: int) -> int:
            if path.endswith("/c"):
                raise OSError(28, "No space left on device")
            return int(super().add_watch(path, mask))

    monkeypatch.setattr(tree, "INotify", FewWatches)
    watched = WatchedTree([str(music)])
    watched.watch_all()
    assert watched.needs_polling
    assert watched.states() == [(str(music), "poll", 4)]
    watched.close()


def test_a_network_mount_is_polled_while_it_is_mounted(music: Path) -> None:
    (music / "nas" / "x").mkdir(parents=True)
    (music / "disk" / "y").mkdir(parents=True)
    table = b"1 0 8:1 / / rw - ext4 /dev/sda1 rw\n"
    mountinfo = [table]
    watched = WatchedTree([str(music)], read_mountinfo=lambda: mountinfo[0])
    watched.watch_all()
    assert (watched.needs_polling, watched.states()[0].folders) == (False, 5)
    mountinfo[0] = table + b"2 1 0:9 / " + os.fsencode(music / "nas") + b" rw - nfs4 nas:/ rw\n"
    assert watched.update_mounts() == [EVERYTHING]
    assert (watched.needs_polling, watched.states()[0].mode, watched.states()[0].folders) == (True, "poll", 3)
    mountinfo[0] = table + b"3 1 8:2 / " + os.fsencode(music / "disk") + b" rw - vfat /dev/sdb1 rw\n"
    assert watched.update_mounts() == [EVERYTHING]
    assert (watched.needs_polling, watched.states()[0].folders) == (False, 5)
    mountinfo[0] = table
    assert watched.update_mounts() == []  # an unmounted drive is no deletion
    assert watched.states()[0].folders == 5
    watched.close()


def test_every_root_is_polled_when_watching_is_set_to_poll(music: Path) -> None:
    watched = WatchedTree([str(music), str(music / "gone")], poll_only=True)
    watched.watch_all()
    assert watched.needs_polling
    assert watched.states() == [(str(music), "poll", 0), (str(music / "gone"), "absent", 0)]
    watched.close()


def test_a_file_is_complete_when_it_has_stopped_growing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(growing_files, "SETTLE_SECONDS", 0.3)
    files = GrowingFiles()
    growing, old = tmp_path / "growing.mp3", tmp_path / "old.mp3"
    growing.write_text("1")
    old.write_text("1")
    os.utime(old, (1e9, 1e9))
    for path in (growing, old, tmp_path / "gone.mp3"):
        files.started(str(path))
    assert files.pop_complete() == {str(tmp_path)}  # the old one
    started = time.monotonic()
    while time.monotonic() - started < 0.6:
        with growing.open("a") as file:
            file.write("more")
        assert files.pop_complete() == set()
        time.sleep(0.02)
    assert files.folders() == {str(tmp_path)}
    assert wait_until(files.pop_complete, 2) == {str(tmp_path)}
    assert not files


@pytest.mark.parametrize(("name", "value"), [("WATCH", "yes"), ("POLL_MINUTES", "-1"), ("POLL_MINUTES", "often"),
                                             ("POLL_MINUTES", "nan")])  # fmt: skip
def test_an_invalid_setting_is_named(name: str, value: str) -> None:
    with pytest.raises(ValueError, match=f"SONIQUEBAY_{name}"):
        from_environment({f"SONIQUEBAY_{name}": value})
