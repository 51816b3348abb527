"""Having a child process replaced that is no longer fit for work."""

import billiard.pool

_MORE_THAN_ANY_LIMIT = 2**40  # KiB


def replace_this_process() -> None:
    """Have the pool put a new process in the place of this one once its task is done and acknowledged.

    The pool looks at a child's memory after each task and has no other reason to part from one; so it is given that.
    """
    billiard.pool.mem_rss = lambda: _MORE_THAN_ANY_LIMIT
