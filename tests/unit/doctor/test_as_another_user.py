"""Without root the doctor says what it may not look at, and calls nothing dead or missing because of that."""

import json
import subprocess
import sys

import pytest
import redis

from tests.unit.doctor.conftest import Machine

# Another user may not be able to read the files of the program, so all that is needed is imported first.
AS_NOBODY = """
import os, sys
import celery.app.amqp, celery.app.control, celery.fixups.django, celery.loaders.app, celery.worker.worker
import kombu.transport.redis, redis
from soniquebay.cli.doctor import doctor
from soniquebay.doctor import checks, report
from soniquebay.worker import config
if os.getuid() == 0:
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
doctor(["--json", "--data", sys.argv[1]])
"""
CLOSED = ("databases", "redis", "api", "worker", "release", "music", "drives", "watches", "internet", "claim")


@pytest.mark.usefixtures("with_redis")
def test_a_check_that_may_not_look_asks_for_root(machine: Machine) -> None:
    data, run, music = machine.folder / "data", machine.folder / "run", machine.folder / "music"
    settings = machine.surroundings().settings
    (data / "soniquebay.env").write_text(
        f"SONIQUEBAY_MUSIC={music}\nSONIQUEBAY_DATA={data}\nSONIQUEBAY_REDIS={settings.redis}\n"
        f"SONIQUEBAY_CONTROL_SOCKET={run}/control.sock\nSONIQUEBAY_CLAIM_FOLDER={settings.claim_folder}\n"
    )
    closed = (run, settings.claim_folder, music / "Album", settings.database, settings.listeners_database)
    modes = {path: path.stat().st_mode for path in closed}
    for path in closed:
        path.chmod(0)
    done = subprocess.run([sys.executable, "-c", AS_NOBODY, data], check=False, capture_output=True, text=True)
    for path, mode in modes.items():
        path.chmod(mode)
    assert done.stdout, done.stderr
    found = [finding for finding in json.loads(done.stdout)["findings"] if finding["check"] in CLOSED]
    assert {finding["check"] for finding in found} == set(CLOSED)
    assert [
        finding
        for finding in found
        if (finding["state"], finding["remedy"]) != ("unknown", "This needs root: sudo soniquebay doctor")
    ] == []


def test_redis_is_asked_as_root(machine: Machine, with_redis: redis.Redis) -> None:
    assert with_redis.ping()
    assert machine.is_fine("redis")
