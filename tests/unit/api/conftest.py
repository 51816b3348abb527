"""What the tests of the API share."""

from collections.abc import Iterator

import pytest

from soniquebay.worker.app import app as celery


@pytest.fixture(scope="package", autouse=True)
def no_redis() -> Iterator[None]:
    """Have Celery give up at once: there is no Redis, for which it waits six seconds each time."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (("max_retries", 1), ("interval_start", 0)):
            patch.setitem(celery.conf.broker_transport_options, name, value)
        yield
