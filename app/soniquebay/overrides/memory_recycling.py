"""Have a child process replaced that is no longer fit for work.

Replaces: ``billiard.pool.mem_rss``, by which the pool measures a child's memory after each task. A task cannot ask the
pool to replace its process; exceeding the memory limit is the only reason that a child can give.
Upstream: https://github.com/celery/billiard/pull/126 (where the limit comes from). There is no issue on replacing a
child on demand.
Remove when: billiard or Celery lets a task have its process replaced after it.
"""

import billiard.pool

_ABOVE_ANY_LIMIT_KIB = 2**40


def replace_this_process() -> None:
    """Have the pool replace this process once its task is done and acknowledged."""
    billiard.pool.mem_rss = lambda: _ABOVE_ANY_LIMIT_KIB
