"""Redis: answering, not full, and its files not damaged."""

from collections.abc import Iterator
from typing import cast

import redis

from soniquebay import redis_files
from soniquebay.doctor.finding import Finding, needs_root, ok, wrong
from soniquebay.doctor.surroundings import Surroundings

TIMEOUT_SECONDS = 3.0
FULL_SHARE = 0.95
_RESTART = "sudo systemctl restart redis-server; what it says: soniquebay logs redis"


def may_not_open(error: Exception) -> bool:
    """Tell whether the socket of Redis may not be opened by this user: it says nothing about Redis."""
    return "Permission denied" in str(error)


def broker(around: Surroundings) -> Iterator[Finding]:
    """Check that Redis answers and has memory left."""
    client = redis.Redis.from_url(
        around.settings.redis, socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS
    )
    try:
        facts = cast("dict[str, int]", client.info("memory"))
    except redis.exceptions.BusyLoadingError:
        yield wrong("Redis still reads its file.", "Wait a minute, and ask again.")
        return
    except (redis.RedisError, OSError) as error:
        if may_not_open(error):
            yield needs_root("Redis may not be asked by this user.")
        else:
            yield wrong(f"Redis does not answer, so nothing is scanned: {error}.", _RESTART)
        return
    finally:
        client.close()
    used, limit = facts["used_memory"], facts["maxmemory"]
    if limit and used > FULL_SHARE * limit:
        yield wrong(
            f"Redis is full ({used >> 20} of {limit >> 20} MiB), so no task can be sent.",
            "Wait until the worker has emptied the queues: soniquebay queues. If it does not, restart the appliance.",
        )
    else:
        yield ok("Redis answers and has memory left.")


def files(around: Surroundings) -> Iterator[Finding]:
    """Report what was found before Redis' start."""
    folder = redis_files.notices_folder(around.settings.redis)
    notices = redis_files.read_notices(folder) if folder else []
    for notice in notices:
        yield wrong(notice, "The sentence says what to do.")
    if not notices:
        yield ok("Nothing was wrong with the files of Redis at its start.")
