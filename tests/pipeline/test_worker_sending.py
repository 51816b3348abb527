"""What the API sends lands in the queue of its name, also many at once, also after Redis forgot everything."""

import subprocess
import sys

import pytest

from tests.support.stack import wait_until
from tests.support.workers import ROOT, Bench

pytestmark = pytest.mark.slow


def run(bench: Bench, code: str) -> None:
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=bench.environment, check=True, timeout=60)


def test_many_tasks_are_sent_to_their_queues(bench: Bench) -> None:
    many = "send_many([(name, {'n': n}) for n in range(125) for name in ('vector.calculate', 'covers.extract')])"
    run(
        bench,
        f"""
import redis
from soniquebay.settings import settings
from soniquebay.worker.app import send_many
{many}
redis.Redis.from_url(settings().redis).flushall()
{many}
""",
    )
    assert bench.redis.llen("soniquebay:vector\x06\x165") == 125
    assert bench.redis.llen("soniquebay:covers\x06\x169") == 125
    assert bench.redis.llen("soniquebay:scan") == 0


def test_a_large_message_reaches_its_task(bench: Bench) -> None:
    bench.start()
    label = "x" * 20_000
    bench.send("test.work", "scan", [label])
    wait_until(lambda: bench.count("end")[label])


def test_a_redis_that_refuses_many_tasks_says_why(bench: Bench) -> None:
    """A batch hides the reason behind an error of its own, which only the one who sends knows to be Redis's."""
    run(
        bench,
        """
import redis
from kombu.exceptions import OperationalError
from soniquebay.settings import settings
from soniquebay.worker.app import describe_broker_error, send_many
send_many([('vector.calculate', {'n': 0})])  # makes the queue known, which is not done again
redis.Redis.from_url(settings().redis).config_set('maxmemory', '100kb')
try:
    send_many([('vector.calculate', {'n': n}) for n in range(250)])
except OperationalError as error:
    assert 'Redis is full' in describe_broker_error(error), describe_broker_error(error)
else:
    raise AssertionError('nothing was refused')
""",
    )
