"""Whether two vectors can be those of one track, computed on different processors. Without numpy, for the API."""

import math
import struct

from soniquebay.audio.feature_schema import FEATURE_GROUPS, VECTOR_SIZE

# A processor without any vector instructions differs by 0.0034 at most. Similar tones of other pitch differ by 0.42.
MAX_RELATIVE_DIFFERENCE = 0.05
# Below it both are rounding errors, as the deviations of silence are.
MIN_DIFFERENCE = 0.001


def differing_groups(first: bytes, second: bytes) -> list[str]:
    """Return the groups of features in which two vectors differ by more than processors do.

    Both are vectors as `vectors.store` takes them. The difference of a group is that of its values as a Euclidean
    distance, relative to the longer of the two. Raises ``struct.error`` for a vector of another size.
    """
    layout = struct.Struct(f"<{VECTOR_SIZE}f")
    ours, theirs = layout.unpack(first), layout.unpack(second)
    found, begin = [], 0
    for group, size in FEATURE_GROUPS.items():
        a, b = ours[begin : begin + size], theirs[begin : begin + size]
        difference = math.dist(a, b)
        if difference > max(MAX_RELATIVE_DIFFERENCE * max(math.hypot(*a), math.hypot(*b)), MIN_DIFFERENCE):
            found.append(group)
        begin += size
    return found
