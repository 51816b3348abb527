"""The random order: a permutation, the same for the same seed, and random enough."""

import pytest

from soniquebay.library.browsing.shuffle import bits_for, shuffle


@pytest.mark.parametrize("bits", [10, 11, 12, 15])
def test_a_shuffle_is_a_permutation_and_its_inverse_is_right(bits: int) -> None:
    order = shuffle(7, bits)
    numbers = [order.at(position) for position in range(1 << bits)]
    assert sorted(numbers) == list(range(1 << bits))
    assert order.positions_of(numbers) == list(range(1 << bits))


def test_seeds_give_orders_that_have_nothing_in_common() -> None:
    orders = [[shuffle(seed, 10).at(position) for position in range(1024)] for seed in range(20)]
    assert len({tuple(order[:5]) for order in orders}) == 20
    # Of 1024 random places one is the same on average.
    same = [sum(a == b for a, b in zip(orders[0], other, strict=True)) for other in orders[1:]]
    assert max(same) <= 8
    means = [sum(order[:100]) / 100 for order in orders]
    assert all(350 < mean < 680 for mean in means)


def test_a_shuffle_has_room_for_the_largest_id() -> None:
    assert [bits_for(largest) for largest in (0, 1023, 1024, 1_000_000)] == [10, 10, 11, 20]
