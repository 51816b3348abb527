"""The order of the queues, what goes over the wire, and who owns what was taken."""

import os
import subprocess
import time
from collections import Counter

import pytest

from soniquebay.overrides.priorities import POLLS_PER_LOW_FIRST, POLLS_PER_YIELD, PriorityChannel, poll_order
from soniquebay.overrides.recovery import lives, owner
from soniquebay.worker.compression import COMPRESS_ABOVE, pack, unpack
from soniquebay.worker.config import HIGH, LOW, MEDIUM, PRIORITY_STEPS


def test_every_class_comes_first_now_and_then() -> None:
    polls = [poll_order(n, PRIORITY_STEPS) for n in range(1, 4 * POLLS_PER_YIELD + 1)]
    assert Counter(poll[0] for poll in polls) == {HIGH: 4 * (POLLS_PER_YIELD - 1), MEDIUM: 2, LOW: 2}
    assert all(sorted(poll) == [HIGH, MEDIUM, LOW] for poll in polls)
    low_first = [n for n, poll in enumerate(polls, 1) if poll.index(LOW) < poll.index(MEDIUM)]
    assert set(low_first) >= {n for n in range(1, len(polls)) if n % POLLS_PER_LOW_FIRST == 0 and n % POLLS_PER_YIELD}


def test_the_key_of_a_message_does_not_turn_with_the_order() -> None:
    channel = PriorityChannel.__new__(PriorityChannel)
    channel._classes = PRIORITY_STEPS
    for step in PRIORITY_STEPS:
        channel.priority_steps = list(reversed(PRIORITY_STEPS))
        assert channel.priority(step) == step
    assert channel._q_for_pri("vector", MEDIUM) == f"vector\x06\x16{MEDIUM}"


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"[" + b" " * (COMPRESS_ABOVE - 2) + b"]", b'["' + b"x" * COMPRESS_ABOVE + b'"]']
)
def test_what_is_packed_is_unpacked(body: bytes) -> None:
    packed = pack(body)
    assert unpack(packed) == body
    assert (packed == body) == (len(body) <= COMPRESS_ABOVE)


def test_a_large_message_is_small_on_the_wire() -> None:
    from kombu.compression import compress, decompress

    from soniquebay.worker.app import app

    body = b'{"path": "/srv/music/Artist/Album/01 Title.flac"}' * 1000
    packed, content_type = compress(body, app.conf.task_compression)
    assert len(packed) < len(body) / 5
    assert decompress(packed, content_type) == body


def test_an_owner_lives_as_long_as_its_process() -> None:
    process = subprocess.Popen(["sleep", "60"])
    name = owner(process.pid)
    assert name is not None
    assert lives(name)
    process.kill()
    time.sleep(0.2)
    assert not lives(name)  # not waited for, it is still in the table of processes
    process.wait()
    assert not lives(name)


def test_another_process_with_the_same_number_is_not_the_owner() -> None:
    name = owner(os.getpid())
    assert name is not None
    boot, pid, began = name.split(".")
    assert lives(name)
    assert not lives(f"{boot}.{pid}.{int(began) - 1}")
    assert not lives(f"another-boot.{pid}.{began}")
    for odd in ("", "x", "a.b.c", f"{boot}..{began}"):
        assert not lives(odd)
