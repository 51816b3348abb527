"""A second Raspberry Pi with the same image becomes a worker of the first: it works, goes, comes back, and is revoked.

The tests follow each other: each needs what those before it have done.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from image import release
from image.paths import dist
from soniquebay.api.background_jobs import MAX_QUEUED_VECTORS_SHARED
from tests.support.audio_files import tone

from ..celery_workers import stats, workers
from ..client import NO_ENTRIES, Appliance, wait_for
from ..playbook import recap, run_playbook
from .pair import NAME, UNIT, URL, WORKER_PROXY_PORT, Pair

NODE = f"remote@{NAME}"  # by which Celery knows it
TRACKS = 24
FOLDER = "/srv/music/Tones"
OWN_UNITS = "soniquebay.target soniquebay-api.socket soniquebay-api.service soniquebay-worker.service"
OWN_UNITS += " soniquebay-flower.service redis-server.service"


def play(pair: Pair, folder: Path, *options: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Play worker.yml on the second machine, as the page for owners says."""
    archive = dist() / release.archive_name(release.version_of(release.APP))
    return run_playbook(pair.second, folder, "worker.yml", archive, options, worker_appliance_url=URL, **variables)


@pytest.fixture(scope="module")
def joined(pair: Pair, tmp_path_factory: pytest.TempPathFactory) -> Pair:
    """Make the second machine a worker; it was an appliance, with a library of its own."""
    running = f"systemctl is-active {OWN_UNITS}"
    wait_for("its own appliance runs", lambda: pair.second.try_run(running)[0] == 0)
    wait_for("it finds the other one", lambda: pair.second_reaches(80))
    for machine in (pair.appliance, pair.second):  # two machines that boot at a time are slow: units may have timed out
        machine.run("systemctl reset-failed")
    assert not pair.second_reaches(WORKER_PROXY_PORT), "nobody has joined yet"
    folder = tmp_path_factory.mktemp("play")
    code = pair.join_code()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SONIQUEBAY_JOIN_CODE", code)
        refused = play(pair, folder)
        assert refused.returncode != 0
        assert "This machine is an appliance, and has workers of its own" in " ".join(refused.stdout.split())
        assert pair.second.try_run(running)[0] == 0
        done = play(pair, folder, worker_replaces_appliance="true")
    assert recap(done)["changed"] > 0
    assert code not in done.stdout
    return pair


@pytest.fixture(scope="module")
def vectors(joined: Pair, tmp_path_factory: pytest.TempPathFactory) -> dict[int, str]:
    """Scan music on the appliance; return the vectors, which both machines have made."""
    folder = tmp_path_factory.mktemp("music")
    for number in range(TRACKS):
        tone(folder / f"{number}.flac", frequency=200 + 20 * number, title=f"Song {number}", artist="A", album="B")
    joined.appliance.scan_folder(folder, FOLDER)
    return joined.vectors()


def no_failed_units(appliance: Appliance) -> bool:
    return appliance.run("systemctl list-units --failed --plain --no-legend").strip() == ""


def never_lost_the_broker(pair: Pair) -> bool:
    """Tell whether the worker has kept its connections since the second machine has booted."""
    lost = f"journalctl -b -q --no-pager -o cat -u {UNIT} -g 'Connection to broker lost'"
    return pair.second.try_run(lost) == NO_ENTRIES


def test_the_second_machine_runs_the_worker_and_no_appliance(joined: Pair) -> None:
    joined.wait_until_present()
    assert joined.second.run(f"systemctl is-active {UNIT}; systemctl is-enabled {UNIT}").split() == [
        "active",
        "enabled",
    ]
    assert set(joined.second.try_run(f"systemctl is-active {OWN_UNITS}")[1].split()) == {"inactive"}
    assert joined.second.try_run("systemctl is-enabled soniquebay.target redis-server.service")[1].split() == [
        "disabled",
        "disabled",
    ]
    assert no_failed_units(joined.appliance)
    assert no_failed_units(joined.second)


def test_it_is_one_more_worker_of_the_appliance(joined: Pair) -> None:
    joined.wait_until_present()
    assert joined.second_reaches(WORKER_PROXY_PORT)
    (line,) = joined.appliance.run("soniquebay workers").splitlines()
    assert line.startswith(f"{NAME}: joined ")
    assert ", here now, " in line
    wait_for("two workers answer", lambda: {*workers(joined.appliance)} == {"worker@soniquebay", NODE})
    cookie = joined.appliance.cookie()

    def shown() -> object:
        answer = joined.appliance.flower(f"/api/workers?refresh=1&workername={NODE}", cookie)
        return answer.status == 200 and answer.json[NODE].get("active_queues")

    queues = wait_for("Flower shows its queue", shown)
    assert [queue["name"] for queue in queues] == [f"vector@{NAME}"]


def test_the_playbook_changes_nothing_the_second_time(joined: Pair, tmp_path: Path) -> None:
    for options in (["--check"], []):
        numbers = recap(play(joined, tmp_path, *options))
        assert (numbers["changed"], numbers["ok"] > 10) == (0, True), options


def test_a_scan_leaves_vectors_that_the_second_machine_made(joined: Pair, vectors: dict[int, str]) -> None:
    assert len(vectors) == TRACKS
    listed = joined.listed()
    assert listed["analysed"] > 0
    assert listed["suspended_at"] is None
    # what a right sample has confirmed is no longer there by its name
    unconfirmed = {worker for (worker,) in joined.rows("SELECT DISTINCT worker FROM remote_vectors")}
    assert unconfirmed <= {NAME}
    assert stats(joined.appliance, NODE)["total"]["vector.calculate"] >= listed["analysed"]
    assert never_lost_the_broker(joined)


def lose_in_the_middle_of_work(pair: Pair, vectors: dict[int, str], lose: Callable[[], object]) -> None:
    """Lose the second machine while it has tracks; check that the appliance ends with the same vectors alone."""
    pair.wait_until_present()
    with pair.only_the_second_works():
        before = pair.listed()["analysed"]
        pair.forget_vectors()
        wait_for("it works", lambda: pair.listed()["analysed"] > before and pair.leased() > 0, pause=1)
        lose()
        assert pair.leased() > 0, "it was too fast: nothing was lost that way"
        assert len(pair.vectors()) < TRACKS
    wait_for("the appliance has analysed all", lambda: len(pair.vectors()) == TRACKS, pause=5)
    assert pair.vectors() == vectors
    assert pair.leased() == 0
    assert not pair.listed()["is_present"]


def test_nothing_is_lost_when_the_worker_is_stopped(joined: Pair, vectors: dict[int, str]) -> None:
    lose_in_the_middle_of_work(joined, vectors, lambda: joined.second.run(f"systemctl stop {UNIT}"))
    kills = f"journalctl -b -q --no-pager -u {UNIT} -g 'Killing process|status=9/KILL'"
    assert joined.second.try_run(kills) == NO_ENTRIES
    joined.second.run(f"systemctl start {UNIT}")


def test_nothing_is_lost_when_the_machine_loses_its_power(joined: Pair, vectors: dict[int, str]) -> None:
    lose_in_the_middle_of_work(joined, vectors, lambda: joined.second.machine.stop(grace_seconds=0))


def test_it_comes_back_by_itself_and_works_again(joined: Pair, vectors: dict[int, str]) -> None:
    if not joined.second.machine.running:
        joined.second.machine.start()
        joined.second.machine.wait_for_ssh()
    joined.wait_until_present()
    with joined.only_the_second_works():
        joined.forget_vectors()
        of_the_appliance = MAX_QUEUED_VECTORS_SHARED  # it may have got so many before it was frozen
        wait_for("it analyses the rest", lambda: len(joined.vectors()) >= TRACKS - of_the_appliance, pause=5)
    wait_for("all are analysed", lambda: len(joined.vectors()) == TRACKS, pause=5)
    assert joined.vectors() == vectors
    assert set(joined.second.try_run(f"systemctl is-active {OWN_UNITS}")[1].split()) == {"inactive"}
    assert no_failed_units(joined.second)


def test_it_is_refused_in_words_once_it_is_revoked(joined: Pair, vectors: dict[int, str]) -> None:
    joined.wait_until_present()
    assert never_lost_the_broker(joined)
    # The worker proxy runs as long as one worker may connect: of another name, from the same machine.
    spare = f"soniquebay worker --join={URL} --only-join --name=spare --folder=/root/spare --code={joined.join_code()}"
    assert "joined as spare" in joined.second.run(spare)
    joined.appliance.run(f"soniquebay workers revoke {NAME}")
    told = f"journalctl -b -q --no-pager -o cat -u {UNIT} -g '401 this worker was revoked or suspended: join again'"
    wait_for("it is told", lambda: joined.second.try_run(told)[0] == 0)
    wait_for("its unit has ended", lambda: joined.second.try_run(f"systemctl is-active {UNIT}")[1].strip() != "active")
    wait_for("one worker answers", lambda: {*workers(joined.appliance)} == {"worker@soniquebay"})
    assert joined.listed() == {}
    # What it made is what the appliance makes.
    joined.forget_vectors()
    wait_for("the appliance has analysed all", lambda: len(joined.vectors()) == TRACKS, pause=5)
    assert joined.vectors() == vectors
    joined.appliance.run("soniquebay workers revoke spare")
    wait_for("nobody listens for workers", lambda: not joined.second_reaches(WORKER_PROXY_PORT))
    assert joined.appliance.healthy()["status"] == "ok"
    assert no_failed_units(joined.appliance)
