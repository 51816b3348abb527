"""The appliance in containers, by pytest-celery's fixtures. The image and its engine come from `python -m image`.

    redis ──/run/redis──┬── api ──/run/soniquebay── worker      (volumes: Unix sockets, as on the appliance)
                        └── worker

Redis and the worker are new for each test; the API and its library stay. What differs from the appliance: no systemd,
so the API opens its doors itself; a port of Redis and of the API for the tests; no limits of memory, which would count
the emulator's; nobody outside is asked, and only what a test asks for is scanned.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_celery import CeleryBrokerCluster, RedisTestBroker
from pytest_docker_tools import container, fxtr, network, volume

from tests.audio_files import tone
from tests.containers import units
from tests.containers.appliance import Api, Redis, Setup, Worker, WorkerContainer
from tests.containers.units import Image, Program

STARTS_WITHIN = 360  # seconds


@pytest.fixture(scope="session")
def image(docker_client: Any) -> Iterator[Image]:
    name = os.environ.get("SONIQUEBAY_CONTAINER_IMAGE")
    assert name, "no container image is named: run `make test-containers`"
    found = Image(docker_client, name)
    yield found
    found.close()


@pytest.fixture(scope="session")
def image_name(image: Image) -> str:
    return image.name


# The folders that the programs share. Each is filled from the image, owners and modes included.
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
    # Redis takes the emulator's way with memory for a kernel with a fault.
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
    timeout=STARTS_WITHIN,
)


@pytest.fixture
def celery_broker_cluster(celery_redis_broker: RedisTestBroker) -> Iterator[CeleryBrokerCluster]:
    cluster = CeleryBrokerCluster(celery_redis_broker)
    yield cluster
    cluster.teardown()


@pytest.fixture
def celery_backend_cluster() -> None:
    """No results are kept: each stage sends the next one."""


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
    return default_worker_container_cls.initial_env(celery_worker_cluster_config, worker_program.environment)


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
    timeout=STARTS_WITHIN,
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
    own = {"SONIQUEBAY_HTTP_HOST": "0.0.0.0", "SONIQUEBAY_ONLINE": "off", "SONIQUEBAY_WATCH": "off"}  # noqa: S104
    return {**api_program.environment, **own}


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
    timeout=STARTS_WITHIN,
)


# Music


@pytest.fixture(scope="session")
def album(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Two files of one album, the first with a picture in it."""
    folder: Path = tmp_path_factory.mktemp("album")
    files = {}
    for number, suffix in enumerate((".flac", ".mp3"), start=1):
        path = tone(folder / f"{number}{suffix}", frequency=300 + 90 * number, title=f"Song {number}", artist="Ärtist",
                    album="Albüm", tracknumber=str(number), genre="folk; Rock", picture=number == 1)  # fmt: skip
        files[path.name] = path.read_bytes()
    return files
