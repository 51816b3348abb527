"""A disk is plugged in, pulled out while it is scanned, plugged in again, and pulled out while it is in use."""

from __future__ import annotations

from typing import Any

import pytest

from ..client import Appliance, until
from ..disk import ODD_PATH, PLACE, MusicDisk


def gone(appliance: Appliance) -> bool:
    """Whether nothing of the disk is left in the tree."""
    return appliance.run(f"findmnt -no TARGET {PLACE} || true; ls -A /srv/music").strip() == ""


@pytest.fixture(scope="module")
def broken_off(appliance: Appliance, music_disk: MusicDisk) -> dict[str, Any]:
    """The scan that plugging in the disk asked for, and nobody else, after the disk was pulled out in its midst."""
    appliance.healthy()
    scans = appliance.api("/api/scan-sessions").json["total"]
    assert scans == 0, (
        "a machine has one first scan, and has had it: molecule destroy -s image, create, and verify again"
    )
    before = appliance.restarts()
    appliance.machine.attach_disk(music_disk.path)

    def in_its_midst() -> Any:
        newest = appliance.api("/api/scan-sessions?limit=1").json["items"]
        return newest and newest[0]["status"] == "running" and newest[0]

    found: dict[str, Any] = until("the scan runs", in_its_midst, pause=0.2)
    appliance.machine.detach_disk()
    until("the mount and its folder are gone", lambda: gone(appliance))
    appliance.idle_session()
    assert appliance.restarts() == before  # nobody died of it
    return {"running": found, "ended": appliance.api(f"/api/scan-sessions/{found['id']}").json}


@pytest.fixture(scope="module")
def session(appliance: Appliance, music_disk: MusicDisk, broken_off: dict[str, Any]) -> dict[str, Any]:
    """The scan after the disk was plugged in again."""
    appliance.plug_in(music_disk.path, PLACE)
    return appliance.idle_session()


def test_a_disk_pulled_out_while_it_is_scanned_ends_the_scan(
    appliance: Appliance, broken_off: dict[str, Any], music_disk: MusicDisk
) -> None:
    assert broken_off["ended"]["status"] == "completed"
    tracks = appliance.api("/api/tracks?limit=1").json["total"]
    assert tracks < music_disk.tracks, "the disk was pulled out too late to prove anything"
    assert appliance.run("systemctl list-units --failed --plain --no-legend") == ""
    assert appliance.healthy()["status"] == "ok"


def test_the_disk_is_mounted_read_only(appliance: Appliance, session: dict[str, Any]) -> None:
    options = appliance.run(f"findmnt -no OPTIONS {PLACE}").strip().split(",")
    assert {"ro", "nosuid", "nodev", "noexec"} <= set(options)
    status, said = appliance.try_run(f"touch {PLACE}/never")
    assert status != 0
    assert "Read-only" in said


def test_the_scan_is_completed(session: dict[str, Any], music_disk: MusicDisk) -> None:
    assert session["status"] == "completed"
    assert session["files"] == music_disk.tracks + 2  # the broken and the empty one
    assert session["failures"] == len(music_disk.failures)


def test_each_failure_has_its_reason(appliance: Appliance, session: dict[str, Any], music_disk: MusicDisk) -> None:
    failures = {f["path"]: f["reason"] for f in appliance.all_of(f"/api/scan-sessions/{session['id']}/failures")}
    assert failures.keys() == music_disk.failures.keys()
    for path, word in music_disk.failures.items():
        assert failures[path]
        assert word in failures[path]


def test_every_other_file_is_a_track_with_a_vector(
    appliance: Appliance, session: dict[str, Any], music_disk: MusicDisk
) -> None:
    tracks = appliance.all_of("/api/tracks")
    assert len({track["path"] for track in tracks}) == music_disk.tracks
    assert ODD_PATH in {track["path"] for track in tracks}
    assert [track["path"] for track in tracks if not track["has_vector"]] == []
    assert all(track["title"] and track["artist"] and track["duration"] > 1 for track in tracks)


def test_similar_tracks_are_found(appliance: Appliance, session: dict[str, Any]) -> None:
    for track in appliance.all_of("/api/tracks")[:2]:
        similar = appliance.api(f"/api/tracks/{track['id']}/similar").json["items"]
        assert similar
        assert track["id"] not in {other["id"] for other in similar}
        nearness = [other["similarity"] for other in similar]
        assert nearness == sorted(nearness, reverse=True)


def test_search_finds_a_track_by_its_title(appliance: Appliance, session: dict[str, Any]) -> None:
    track = appliance.all_of("/api/tracks")[0]
    words = "%20".join(track["title"].split())
    assert track["id"] in {found["id"] for found in appliance.api(f"/api/search?q={words}").json["items"]}


def test_a_disk_pulled_out_while_in_use_leaves_and_comes_back(
    appliance: Appliance, session: dict[str, Any], music_disk: MusicDisk
) -> None:
    appliance.run(
        f"systemd-run --quiet --unit=reader sh -c 'exec 3<{PLACE}/broken.mp3; exec sleep 3600';"
        "until [ -e /proc/$(systemctl show -P MainPID reader.service)/fd/3 ]; do sleep 1; done"
    )
    appliance.machine.detach_disk()

    until("the mount and its folder are gone", lambda: gone(appliance))
    appliance.run("systemctl stop reader.service")
    assert appliance.run("systemctl list-units --failed --plain --no-legend").strip() == ""
    assert appliance.api("/api/tracks?limit=1").json["total"] == music_disk.tracks

    appliance.plug_in(music_disk.path, PLACE)
    again = appliance.idle_session()
    assert again["id"] > session["id"]
    assert again["unchanged"] == music_disk.tracks
    assert appliance.run(f"findmnt -no FSTYPE {PLACE}").strip() == "ext4"
    assert {t["path"] for t in appliance.all_of("/api/tracks")} >= {ODD_PATH}
