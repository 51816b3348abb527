"""Queues, routes and limits as Celery gets them."""

from soniquebay.settings import from_environment
from soniquebay.worker.config import PIPELINE, QUEUES, TASKS, VISIBILITY_TIMEOUT_SECONDS, celery_settings


def test_each_of_the_eight_queues_has_a_routing_key_of_its_own() -> None:
    queues = celery_settings(from_environment({}))["task_queues"]
    assert {q.name for q in queues} == {
        "scan", "extract", "batch", "insert", "vector", "deferred", "covers", "maintenance"
    }  # fmt: skip
    assert all(q.routing_key == q.name for q in queues)


def test_every_task_is_routed_and_every_route_is_a_task() -> None:
    from soniquebay.worker.app import app

    for module in PIPELINE:
        __import__(module)
    ours = {name for name, task in app.tasks.items() if task.__module__.startswith("soniquebay.")}
    assert ours == set(TASKS)
    assert set(QUEUES) == {queue for queue, _ in TASKS.values()}


def test_limits_are_in_celerys_units() -> None:
    table = celery_settings(from_environment({}))
    assert table["worker_max_memory_per_child"] == 500 * 1024  # KiB
    assert table["worker_max_tasks_per_child"] == 500
    assert table["task_time_limit"] == 7200
    places = (table, table["broker_transport_options"], table["result_backend_transport_options"])
    assert [place["visibility_timeout"] for place in places] == [VISIBILITY_TIMEOUT_SECONDS] * 3
    assert VISIBILITY_TIMEOUT_SECONDS > 7200


def test_every_setting_is_one_that_celery_knows() -> None:
    from celery.app.defaults import NAMESPACES, flatten

    known = {name for name, _ in flatten(NAMESPACES)}
    documented_all_the_same = {"visibility_timeout"}
    assert celery_settings(from_environment({})).keys() - known == documented_all_the_same
