import pytest

from soniquebay.listeners import login_attempts
from soniquebay.listeners.login_attempts import LoginAttempts


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def fail(counted: LoginAttempts, times: int, address: str, user: str, *, is_known: bool = False) -> int:
    """Try until it has to wait; return how many attempts were made."""
    for done in range(times):
        if counted.seconds_to_wait(address, user, is_known=is_known):
            return done
        counted.record_failure(address, user, is_known=is_known)
    return times


def test_one_address_guesses_slowly_for_one_user() -> None:
    clock = Clock()
    counted = LoginAttempts(clock)
    assert fail(counted, 100, "192.168.1.9", "ada") == 5
    assert counted.seconds_to_wait("192.168.1.9", "ada", is_known=False) == 30
    clock.now += 29.9
    assert fail(counted, 100, "192.168.1.9", "ada") == 0
    clock.now += 0.2
    assert fail(counted, 100, "192.168.1.9", "ada") == 1
    clock.now += 1000
    assert fail(counted, 100, "192.168.1.9", "ada") == 5


def test_one_address_guesses_slowly_for_all_users_together() -> None:
    counted = LoginAttempts(Clock())
    assert sum(fail(counted, 3, "192.168.1.9", f"user {n}") for n in range(100)) == 20
    assert counted.seconds_to_wait("192.168.1.8", "user 1", is_known=False) == 0


def test_many_addresses_guess_slowly_and_keep_the_user_out_nowhere_known() -> None:
    counted = LoginAttempts(Clock())
    assert sum(fail(counted, 3, f"10.0.{n}.1", "ada") for n in range(100)) == 20
    assert counted.seconds_to_wait("10.9.9.9", "ada", is_known=False) > 0
    assert counted.seconds_to_wait("192.168.1.2", "ada", is_known=True) == 0


def test_a_neighbour_in_the_same_network_keeps_nobody_out_where_they_are_known() -> None:
    counted = LoginAttempts(Clock())
    assert sum(fail(counted, 9, f"fe80::{n}", "ada") for n in range(100)) == 5
    assert sum(fail(counted, 3, "fe80::6", f"user {n}") for n in range(100)) == 15
    assert counted.seconds_to_wait("fe80::2", "ada", is_known=True) == 0
    assert fail(counted, 9, "fe80::2", "ada", is_known=True) == 5
    counted.record_success("fe80::2", "ada")
    assert counted.seconds_to_wait("fe80::2", "ada", is_known=True) == 0


def test_what_belongs_to_no_user_is_counted_for_each_address_alone() -> None:
    counted = LoginAttempts(Clock())
    assert sum(fail(counted, 9, f"10.0.0.{n}", "") for n in range(1, 100)) == 99 * 5
    assert counted.seconds_to_wait("10.0.0.1", "", is_known=False) > 0
    assert counted.seconds_to_wait("192.168.1.2", "", is_known=False) == 0


def test_a_success_forgets_a_users_own_mistakes() -> None:
    counted = LoginAttempts(Clock())
    fail(counted, 5, "192.168.1.2", "ada", is_known=True)
    counted.record_success("192.168.1.2", "ada")
    assert counted.seconds_to_wait("192.168.1.2", "ada", is_known=True) == 0


@pytest.mark.parametrize(
    ("one", "other"),
    [("2001:db8::1", "2001:db8::ffff:2"), ("::ffff:10.0.0.1", "10.0.0.1"), ("fe80::1%eth0", "fe80::2%eth0")],
)
def test_a_household_is_one_address(one: str, other: str) -> None:
    assert login_attempts.network_of(one) == login_attempts.network_of(other)
    assert login_attempts.network_of("10.0.0.1") != login_attempts.network_of("10.0.0.2")
    assert login_attempts.network_of("2001:db8:0:1::1") != login_attempts.network_of("2001:db8:0:2::1")


def test_the_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(login_attempts, "MAX_COUNTERS", 50)
    counted = LoginAttempts(Clock())
    for n in range(200):
        counted.record_failure(f"10.0.0.{n}", f"user {n}", is_known=False)
    assert len(counted._full_at) == 50
