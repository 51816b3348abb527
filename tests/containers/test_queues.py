"""Every task reaches its queue, and the worker consumes all queues."""

from typing import Any

import pytest
from pytest_celery import CeleryBrokerCluster, CeleryTestSetup

from soniquebay.worker.config import QUEUES, TASKS
from tests.containers.components import CONTAINER_TIMEOUT_SECONDS, Api
from tests.support.stack import wait_until

# Arguments that refer to nothing in the library.
ARGUMENTS: dict[str, dict[str, Any]] = {
    "scan.discovery": {"session_id": 0},
    "metadata.extract_batch": {"session_id": 0, "batch_id": "none", "files": []},
    "batch.process_entities": {"session_id": 0, "batch_id": "none", "files": [], "failures": []},
    "insert.direct_batch": {"session_id": 0, "batch_id": "none", "entities": "{}"},
    "vector.calculate": {"track_id": 0, "path": "/srv/music/none.ogg"},
    "vector.measure_loudness": {"track_id": 0, "path": "/srv/music/none.ogg"},
    "enrich.musicbrainz": {"items": []},
    "covers.extract": {"album_id": 0, "path": "/srv/music/none.ogg", "has_picture": False},
    "covers.fetch": {"items": []},
    "maintenance.resume_sessions": {},
    "maintenance.purge": {"missing_before": 0.0},
    "maintenance.lay_out_map": {},
    "maintenance.find_duplicates": {},
    "maintenance.check_release": {"check_id": "none"},
}


# The queues that a file passes through, and those of the tasks that follow once it is in the library.
FILE_QUEUES = ("scan", "extract", "batch", "insert")
FOLLOWING_QUEUES = ("vector", "covers", "deferred")


def test_each_task_waits_in_its_queue_and_the_worker_receives_it_from_there(
    celery_broker_cluster: CeleryBrokerCluster, celery_setup_app: Any, api: Api, request: pytest.FixtureRequest
) -> None:
    redis: Any = celery_broker_cluster[0].container
    expected: dict[str, int] = {}
    for task, (queue, priority) in TASKS.items():
        celery_setup_app.send_task(task, kwargs=ARGUMENTS[task])
        name = f"{queue}/{priority}"
        expected[name] = expected.get(name, 0) + 1
        assert redis.waiting() == expected, task
    assert {name.partition("/")[0] for name in expected} == set(QUEUES)
    worker = request.getfixturevalue("celery_setup_worker")  # starts it
    for task in TASKS:
        worker.wait_until_received(task)
    wait_until(lambda: redis.waiting() == {} and redis.unacknowledged() == [], CONTAINER_TIMEOUT_SECONDS)


def test_a_scan_goes_through_every_queue(celery_setup: CeleryTestSetup, api: Api, album: dict[str, bytes]) -> None:
    worker: Any = celery_setup.worker
    redis: Any = celery_setup.broker.container
    api.add_music({f"Scanned/{name}": content for name, content in album.items()})
    control, destination = celery_setup.app.control, [worker.hostname()]
    for queue in (*FILE_QUEUES, *FOLLOWING_QUEUES):
        control.cancel_consumer(queue, destination=destination, reply=True, timeout=CONTAINER_TIMEOUT_SECONDS)
    session_id = api.scan()
    for queue in FILE_QUEUES:
        # the scan waits here, so the queue that was consumed last has put the task into this one
        wait_until(
            lambda queue=queue: redis.queues() == {queue} and redis.unacknowledged() == [], CONTAINER_TIMEOUT_SECONDS
        )
        control.add_consumer(queue, destination=destination, reply=True, timeout=CONTAINER_TIMEOUT_SECONDS)
    celery_setup.app.send_task("enrich.musicbrainz", kwargs={"items": []})
    wait_until(
        lambda: redis.queues() == set(FOLLOWING_QUEUES) and redis.unacknowledged() == [], CONTAINER_TIMEOUT_SECONDS
    )
    for queue in FOLLOWING_QUEUES:
        control.add_consumer(queue, destination=destination, reply=True, timeout=CONTAINER_TIMEOUT_SECONDS)
    session = api.wait_until_completed(session_id)
    assert (session["progress"]["files"], session["progress"]["failures"]) == (len(album), 0)
    celery_setup.app.send_task("maintenance.resume_sessions")
    for task in ("scan.discovery", "metadata.extract_batch", "batch.process_entities", "insert.direct_batch",
                 "vector.calculate", "covers.extract", "enrich.musicbrainz",
                 "maintenance.resume_sessions"):  # fmt: skip
        worker.wait_until_succeeded(task)
    assert worker.log_count("raised|given up") == 0
    tracks = [track for track in api.get("/api/tracks", limit=100)["items"] if "/Scanned/" in track["path"]]
    assert [(t["title"], t["album"], sorted(t["genres"]), t["has_vector"]) for t in tracks] == [
        ("Song 1", "Albüm", ["Folk", "Rock"], True),
        ("Song 2", "Albüm", ["Folk", "Rock"], True),
    ]
    [record] = [a for a in api.get("/api/albums")["items"] if a["id"] == tracks[0]["album_id"]]
    assert record["has_cover"]
