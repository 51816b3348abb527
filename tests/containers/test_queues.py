"""Every task reaches the queue of its kind, and the worker takes from all of them."""

from typing import Any

import pytest
from pytest_celery import CeleryBrokerCluster, CeleryTestSetup

from soniquebay.worker.config import QUEUES, TASKS
from tests.containers.appliance import EMULATED, Api
from tests.stack import wait_until

# Arguments that name nothing in the library.
NOTHING: dict[str, dict[str, Any]] = {
    "scan.discovery": {"session_id": 0},
    "metadata.extract_batch": {"session_id": 0, "batch_id": "none", "files": []},
    "batch.process_entities": {"session_id": 0, "batch_id": "none", "files": [], "failures": []},
    "insert.direct_batch": {"session_id": 0, "batch_id": "none", "entities": {}},
    "vector.calculate": {"track_id": 0, "path": "/srv/music/none.ogg"},
    "enrich.genres": {"raw": {}},
    "enrich.musicbrainz": {"items": []},
    "covers.extract": {"album_id": 0, "path": "/srv/music/none.ogg", "has_picture": False},
    "covers.fetch": {"items": []},
    "maintenance.resume_sessions": {},
    "maintenance.purge": {"missing_before": 0.0},
}


# The way of a file, queue by queue, and what follows at once when it is in the library.
WAY = ("scan", "extract", "batch", "insert")
FOLLOWING = ("vector", "covers", "deferred")


def test_each_task_waits_in_its_queue_and_the_worker_takes_it_there(
    celery_broker_cluster: CeleryBrokerCluster, celery_setup_app: Any, api: Api, request: pytest.FixtureRequest
) -> None:
    redis: Any = celery_broker_cluster[0].container
    expected: dict[str, int] = {}
    for task, (queue, priority) in TASKS.items():
        celery_setup_app.send_task(task, kwargs=NOTHING[task])
        place = f"{queue}/{priority}"
        expected[place] = expected.get(place, 0) + 1
        assert redis.waiting() == expected, task
    assert {place.partition("/")[0] for place in expected} == set(QUEUES)
    worker = request.getfixturevalue("celery_setup_worker")  # starts it
    for task in TASKS:
        worker.received(task)
    wait_until(lambda: redis.waiting() == {} and redis.taken() == [], EMULATED)


def test_a_scan_goes_through_every_queue(celery_setup: CeleryTestSetup, api: Api, album: dict[str, bytes]) -> None:
    worker: Any = celery_setup.worker
    redis: Any = celery_setup.broker.container
    api.add_music({f"Scanned/{name}": content for name, content in album.items()})
    control, only = celery_setup.app.control, [worker.hostname()]
    for queue in (*WAY, *FOLLOWING):
        control.cancel_consumer(queue, destination=only, reply=True, timeout=EMULATED)
    number = api.scan()
    for queue in WAY:
        # the whole scan stands still here, so it is the release that has put it into this queue
        wait_until(lambda queue=queue: redis.queues() == {queue} and redis.taken() == [], EMULATED)
        control.add_consumer(queue, destination=only, reply=True, timeout=EMULATED)
    wait_until(lambda: redis.queues() == set(FOLLOWING) and redis.taken() == [], EMULATED)
    for queue in FOLLOWING:
        control.add_consumer(queue, destination=only, reply=True, timeout=EMULATED)
    session = api.completed(number)
    assert (session["progress"]["files"], session["progress"]["failures"]) == (len(album), 0)
    celery_setup.app.send_task("maintenance.resume_sessions")
    for task in ("scan.discovery", "metadata.extract_batch", "batch.process_entities", "insert.direct_batch",
                 "vector.calculate", "covers.extract", "enrich.genres", "maintenance.resume_sessions"):  # fmt: skip
        worker.succeeded(task)
    assert worker.count("raised|given up") == 0
    tracks = [track for track in api.get("/api/tracks", limit=100)["items"] if "/Scanned/" in track["path"]]
    assert [(t["title"], t["album"], sorted(t["genres"]), t["has_vector"]) for t in tracks] == [
        ("Song 1", "Albüm", ["Folk", "Rock"], True),
        ("Song 2", "Albüm", ["Folk", "Rock"], True),
    ]
    [record] = [a for a in api.get("/api/albums")["items"] if a["id"] == tracks[0]["album_id"]]
    assert record["has_cover"]
