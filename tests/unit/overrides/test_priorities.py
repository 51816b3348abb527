"""In which order a worker asks Redis for the priorities."""

from collections import Counter

from soniquebay.overrides.priorities import POLLS_PER_LOW_FIRST, POLLS_PER_YIELD, PriorityChannel, poll_order
from soniquebay.worker.config import HIGH, LOW, MEDIUM, PRIORITY_STEPS


def test_every_priority_is_polled_first_at_its_share() -> None:
    polls = [poll_order(n, PRIORITY_STEPS) for n in range(1, 4 * POLLS_PER_YIELD + 1)]
    assert Counter(poll[0] for poll in polls) == {HIGH: 4 * (POLLS_PER_YIELD - 1), MEDIUM: 2, LOW: 2}
    assert all(sorted(poll) == [HIGH, MEDIUM, LOW] for poll in polls)
    low_first = [n for n, poll in enumerate(polls, 1) if poll.index(LOW) < poll.index(MEDIUM)]
    assert set(low_first) >= {n for n in range(1, len(polls)) if n % POLLS_PER_LOW_FIRST == 0 and n % POLLS_PER_YIELD}


def test_the_redis_key_of_a_message_does_not_depend_on_the_poll() -> None:
    channel = PriorityChannel.__new__(PriorityChannel)
    channel._steps = PRIORITY_STEPS
    for step in PRIORITY_STEPS:
        channel.priority_steps = list(reversed(PRIORITY_STEPS))
        assert channel.priority(step) == step
    assert channel._q_for_pri("vector", MEDIUM) == f"vector\x06\x16{MEDIUM}"
