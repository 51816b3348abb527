"""A disk that is plugged in, pulled out during its scan, plugged in again, and pulled out while a file is open."""

from __future__ import annotations

from typing import Any

import pytest

from ..client import Appliance, wait_for
from ..disk import MOUNT_POINT, ODD_PATH, MusicDisk


def is_unmounted(appliance: Appliance) -> bool:
    """Tell whether the mount and its folder are gone."""
    return appliance.run(f"findmnt -no TARGET {MOUNT_POINT} || true; ls -A /srv/music").strip() == ""


@pytest.fixture(scope="module")
def interrupted_scan(appliance: Appliance, music_disk: MusicDisk) -> dict[str, Any]:
    """Plug the disk in and pull it out during the scan that follows; return the session then and at its end."""
    appliance.healthy()
    scans = appliance.api("/api/scan-sessions").json["total"]
    assert scans == 0, "the machine was scanned before; run molecule destroy -s image, create and verify again"
    before = appliance.restarts()
    appliance.machine.attach_disk(music_disk.path)

    def running_session() -> Any:
        newest = appliance.api("/api/scan-sessions?limit=1").json["items"]
        return newest and newest[0]["status"] == "running" and newest[0]

    session: dict[str, Any] = wait_for("the scan runs", running_session, pause=0.2)
    appliance.machine.detach_disk()
    wait_for("the mount and its folder are gone", lambda: is_unmounted(appliance))
    appliance.idle_session()
    assert appliance.restarts() == before
    return {"running": session, "ended": appliance.api(f"/api/scan-sessions/{session['id']}").json}


@pytest.fixture(scope="module")
def session(appliance: Appliance, music_disk: MusicDisk, interrupted_scan: dict[str, Any]) -> dict[str, Any]:
    """Plug the disk in again and return the session of its scan."""
    appliance.plug_in(music_disk.path, MOUNT_POINT)
    return appliance.idle_session()


def test_pulling_out_a_disk_during_its_scan_ends_the_scan(
    appliance: Appliance, interrupted_scan: dict[str, Any], music_disk: MusicDisk
) -> None:
    assert interrupted_scan["ended"]["status"] == "completed"
    tracks = appliance.api("/api/tracks?limit=1").json["total"]
    assert tracks < music_disk.tracks, "the disk was pulled out too late to prove anything"
    assert appliance.run("systemctl list-units --failed --plain --no-legend") == ""
    assert appliance.healthy()["status"] == "ok"


def test_the_disk_is_mounted_read_only(appliance: Appliance, session: dict[str, Any]) -> None:
    options = appliance.run(f"findmnt -no OPTIONS {MOUNT_POINT}").strip().split(",")
    assert {"ro", "nosuid", "nodev", "noexec"} <= set(options)
    status, output = appliance.try_run(f"touch {MOUNT_POINT}/never")
    assert status != 0
    assert "Read-only" in output


def test_the_scan_is_completed(session: dict[str, Any], music_disk: MusicDisk) -> None:
    assert session["status"] == "completed"
    assert session["files"] == music_disk.tracks + 2  # and the broken and the empty file
    assert session["failures"] == len(music_disk.failures)


def test_each_failure_has_its_reason(appliance: Appliance, session: dict[str, Any], music_disk: MusicDisk) -> None:
    failures = {f["path"]: f["reason"] for f in appliance.all_items(f"/api/scan-sessions/{session['id']}/failures")}
    assert failures.keys() == music_disk.failures.keys()
    for path, reason in music_disk.failures.items():
        assert failures[path]
        assert reason in failures[path]


def test_every_other_file_is_a_track_with_a_vector(
    appliance: Appliance, session: dict[str, Any], music_disk: MusicDisk
) -> None:
    tracks = appliance.all_items("/api/tracks")
    assert len({track["path"] for track in tracks}) == music_disk.tracks
    assert ODD_PATH in {track["path"] for track in tracks}
    assert [track["path"] for track in tracks if not track["has_vector"]] == []
    assert all(track["title"] and track["artist"] and track["duration"] > 1 for track in tracks)


def test_similar_tracks_are_found(appliance: Appliance, session: dict[str, Any]) -> None:
    for track in appliance.all_items("/api/tracks")[:2]:
        similar = appliance.api(f"/api/tracks/{track['id']}/similar").json["items"]
        assert similar
        assert track["id"] not in {other["id"] for other in similar}
        similarities = [other["similarity"] for other in similar]
        assert similarities == sorted(similarities, reverse=True)


def test_search_finds_a_track_by_its_title(appliance: Appliance, session: dict[str, Any]) -> None:
    track = appliance.all_items("/api/tracks")[0]
    words = "%20".join(track["title"].split())
    assert track["id"] in {item["id"] for item in appliance.api(f"/api/search?q={words}").json["items"]}


def test_a_disk_pulled_out_while_a_file_is_open_can_be_plugged_in_again(
    appliance: Appliance, session: dict[str, Any], music_disk: MusicDisk
) -> None:
    appliance.run(
        f"systemd-run --quiet --unit=reader sh -c 'exec 3<{MOUNT_POINT}/broken.mp3; exec sleep 3600';"
        "until [ -e /proc/$(systemctl show -P MainPID reader.service)/fd/3 ]; do sleep 1; done"
    )
    appliance.machine.detach_disk()

    wait_for("the mount and its folder are gone", lambda: is_unmounted(appliance))
    appliance.run("systemctl stop reader.service")
    assert appliance.run("systemctl list-units --failed --plain --no-legend").strip() == ""
    assert appliance.api("/api/tracks?limit=1").json["total"] == music_disk.tracks

    appliance.plug_in(music_disk.path, MOUNT_POINT)
    again = appliance.idle_session()
    assert again["id"] > session["id"]
    assert again["unchanged"] == music_disk.tracks
    assert appliance.run(f"findmnt -no FSTYPE {MOUNT_POINT}").strip() == "ext4"
    assert {t["path"] for t in appliance.all_items("/api/tracks")} >= {ODD_PATH}
