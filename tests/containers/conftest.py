"""The appliance in containers, with pytest-celery's fixtures. `python -m image` gives the image and the engine.

    redis ──/run/redis──┬── api ──/run/soniquebay── worker      (volumes: Unix sockets, as on the appliance)
                        └── worker

Redis and the worker are new for each test; the API and its library stay. This differs from the appliance: without
systemd, the API opens its sockets itself; Redis and the API have a TCP port for the tests; there are no memory limits,
which would count the emulator's memory; online lookups and the watching of folders are off.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_celery import CeleryBrokerCluster, RedisTestBroker
from pytest_docker_tools import container, fxtr, network, volume

from tests.containers import units
from tests.containers.components import Api, Redis, Setup, Worker, WorkerContainer
from tests.containers.units import Image, Program
from tests.support.audio_files import tone

START_TIMEOUT_SECONDS = 360


@pytest.fixture(scope="session")
def image(docker_client: Any) -> Iterator[Image]:
    name = os.environ.get("SONIQUEBAY_CONTAINER_IMAGE")
    assert name, "SONIQUEBAY_CONTAINER_IMAGE is not set: run `make test-containers`"
    image = Image(docker_client, name)
    yield image
    image.close()


@pytest.fixture(scope="session")
def image_name(image: Image) -> str:
    return image.name


# The folders that the programs share. The engine fills each volume from the image, with owners and modes.
redis_folder = volume(scope="session")
api_folder = volume(scope="session")
library_folder = volume(scope="session")
music_folder = volume(scope="session")

REDIS_FOLDERS = {"{redis_folder.name}": {"bind": "/run/redis", "mode": "rw"}}
FOLDERS = {
    **REDIS_FOLDERS,
    "{api_folder.name}": {"bind": "/run/soniquebay", "mode": "rw"},
    "{library_folder.name}": {"bind": "/var/lib/soniquebay", "mode": "rw"},
    "{music_folder.name}": {"bind": "/srv/music", "mode": "rw"},
}


# Redis


@pytest.fixture(scope="session")
def redis_program(image: Image) -> Program:
    return image.program(units.REDIS)


@pytest.fixture
def default_redis_broker_cls() -> type[Redis]:
    return Redis


@pytest.fixture
def default_redis_broker_command(redis_program: Program) -> list[str]:
    port = ["--port", "6379", "--bind", "*", "--protected-mode", "no"]
    # On the emulator Redis wrongly detects a kernel bug.
    return [*redis_program.command, *port, "--ignore-warnings", "ARM64-COW-BUG"]


default_redis_broker = container(
    image="{image_name}",
    command=fxtr("default_redis_broker_command"),
    user="{redis_program.user}",
    environment=fxtr("default_redis_broker_env"),
    ports=fxtr("default_redis_broker_ports"),
    network="{default_pytest_celery_network.name}",
    volumes=REDIS_FOLDERS,
    wrapper_class=Redis,
    timeout=START_TIMEOUT_SECONDS,
)


@pytest.fixture
def celery_broker_cluster(celery_redis_broker: RedisTestBroker) -> Iterator[CeleryBrokerCluster]:
    cluster = CeleryBrokerCluster(celery_redis_broker)
    yield cluster
    cluster.teardown()


@pytest.fixture
def celery_backend_cluster() -> None:
    """There is no result backend: each stage sends the next one."""


# The worker


@pytest.fixture(scope="session")
def worker_program(image: Image) -> Program:
    return image.program(units.WORKER)


@pytest.fixture
def default_worker_cls() -> type[Worker]:
    return Worker


@pytest.fixture
def default_worker_container_cls() -> type[WorkerContainer]:
    return WorkerContainer


@pytest.fixture(scope="session")
def default_worker_container_session_cls() -> type[WorkerContainer]:
    return WorkerContainer


@pytest.fixture
def default_worker_command(worker_program: Program) -> list[str]:
    return worker_program.command


@pytest.fixture
def default_worker_env(
    default_worker_container_cls: type[WorkerContainer],
    celery_worker_cluster_config: dict[str, Any],
    worker_program: Program,
) -> Any:
    # The tests follow single tasks in the log.
    environment = {**worker_program.environment, "SONIQUEBAY_LOG_TASKS": "on"}
    return default_worker_container_cls.initial_env(celery_worker_cluster_config, environment)


default_worker_container = container(
    image="{image_name}",
    command=fxtr("default_worker_command"),
    user="{worker_program.user}",
    group_add=fxtr("worker_groups"),
    environment=fxtr("default_worker_env"),
    ports=fxtr("default_worker_ports"),
    network="{default_pytest_celery_network.name}",
    volumes=FOLDERS,
    wrapper_class=WorkerContainer,
    timeout=START_TIMEOUT_SECONDS,
)


@pytest.fixture(scope="session")
def worker_groups(worker_program: Program) -> list[str]:
    return worker_program.groups


@pytest.fixture
def celery_setup_cls() -> type[Setup]:
    return Setup


# The API


@pytest.fixture(scope="session")
def api_program(image: Image) -> Program:
    return image.program(units.API)


@pytest.fixture(scope="session")
def api_groups(api_program: Program) -> list[str]:
    return api_program.groups


@pytest.fixture(scope="session")
def api_command(api_program: Program) -> list[str]:
    return api_program.command


@pytest.fixture(scope="session")
def api_env(api_program: Program) -> dict[str, str]:
    overrides = {
        "HTTP_HOST": "0.0.0.0",  # noqa: S104
        "HTTP_PORT": "8080",
        "ONLINE": "off",
        "WATCH": "off",
        # systemd makes the folder of the unit's own setting
        "CLAIM_FOLDER": "/var/lib/soniquebay/claim",
    }
    return {**api_program.environment, **{f"SONIQUEBAY_{name}": value for name, value in overrides.items()}}


api_network = network(scope="session")

api = container(
    scope="session",
    image="{image_name}",
    command=fxtr("api_command"),
    user="{api_program.user}",
    group_add=fxtr("api_groups"),
    environment=fxtr("api_env"),
    ports={"8080/tcp": None},
    network="{api_network.name}",
    volumes=FOLDERS,
    wrapper_class=Api,
    timeout=START_TIMEOUT_SECONDS,
)


# Music


@pytest.fixture(scope="session")
def album(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Return two files of one album, the first with an embedded picture."""
    folder: Path = tmp_path_factory.mktemp("album")
    files = {}
    for number, suffix in enumerate((".flac", ".mp3"), start=1):
        path = tone(folder / f"{number}{suffix}", frequency=300 + 90 * number, title=f"Song {number}", artist="Ärtist",
                    album="Albüm", tracknumber=str(number), genre="folk; Rock", picture=number == 1)  # fmt: skip
        files[path.name] = path.read_bytes()
    return files
