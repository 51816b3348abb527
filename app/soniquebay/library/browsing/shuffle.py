"""A random order that needs no memory: a permutation of numbers, computed one by one.

It is a Feistel network whose round functions are random tables (Luby and Rackoff 1988, "How to construct pseudorandom
permutations from pseudorandom functions"), with halves that may differ by a bit (Black and Rogaway 2002, "Ciphers with
arbitrary finite domains").
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b

_ROUNDS = 4
_MIN_BITS = 10  # a network of few bits has too few different orders
_DIGEST_BYTES = 64


def bits_for(largest: int) -> int:
    """Return the bits of a shuffle that has numbers up to `largest`."""
    return max(_MIN_BITS, largest.bit_length())


@dataclass(frozen=True, slots=True)
class Shuffle:
    """A permutation of the numbers below 2^bits."""

    right_bits: int
    tables: tuple[tuple[int, ...], ...]

    def at(self, position: int) -> int:
        """Return the number at a position."""
        left, right = position >> self.right_bits, position & ((1 << self.right_bits) - 1)
        for index, table in enumerate(self.tables):
            if index % 2:
                right ^= table[left]
            else:
                left ^= table[right]
        return left << self.right_bits | right

    def positions_of(self, numbers: Iterable[int]) -> list[int]:
        """Return the positions of numbers, in one loop without calls: there may be many."""
        bits, mask = self.right_bits, (1 << self.right_bits) - 1
        first, second, third, fourth = self.tables
        positions = []
        for number in numbers:
            left, right = number >> bits, number & mask
            right ^= fourth[left]
            left ^= third[right]
            right ^= second[left]
            positions.append((left ^ first[right]) << bits | right)
        return positions


@lru_cache(8)  # the pages of one list use the same one
def shuffle(seed: int, bits: int) -> Shuffle:
    """Return the shuffle of a seed (0 to 2^63 - 1)."""
    left_bits = bits // 2
    right_bits = bits - left_bits
    tables = []
    for index in range(_ROUNDS):
        size, output_bits = (1 << left_bits, right_bits) if index % 2 else (1 << right_bits, left_bits)
        tables.append(_random_table(f"{seed} {bits} {index}", size, (1 << output_bits) - 1))
    return Shuffle(right_bits, tuple(tables))


def _random_table(key: str, size: int, mask: int) -> tuple[int, ...]:
    """Return `size` numbers of four random bytes each, masked."""
    stream = b"".join(
        blake2b(f"{key} {block}".encode(), digest_size=_DIGEST_BYTES).digest()
        for block in range((4 * size + _DIGEST_BYTES - 1) // _DIGEST_BYTES)
    )
    return tuple(int.from_bytes(stream[4 * i : 4 * i + 4], "big") & mask for i in range(size))
