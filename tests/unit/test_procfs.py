"""Processes are named beyond their pids, and their memory is measured."""

import os
import subprocess
import time

from soniquebay.procfs import growth_since_fork_mb, is_running, private_dirty_mb, process_instance


def test_an_instance_runs_as_long_as_its_process() -> None:
    process = subprocess.Popen(["sleep", "60"])
    name = process_instance(process.pid)
    assert name is not None
    assert is_running(name)
    process.kill()
    time.sleep(0.2)
    assert not is_running(name)  # not waited for, it is still in the table of processes
    process.wait()
    assert not is_running(name)


def test_another_process_with_the_same_pid_is_another_instance() -> None:
    name = process_instance(os.getpid())
    assert name is not None
    boot, pid, began = name.split(".")
    assert is_running(name)
    assert not is_running(f"{boot}.{pid}.{int(began) - 1}")
    assert not is_running(f"another-boot.{pid}.{began}")
    for odd in ("", "x", "a.b.c", f"{boot}..{began}"):
        assert not is_running(odd)


def test_copied_pages_of_the_parent_are_private_but_no_growth() -> None:
    """A child that only writes to inherited pages takes memory all the same."""
    inherited = bytearray(b"x" * (64 << 20))
    written, go = os.pipe(), os.pipe()
    child = os.fork()
    if not child:
        inherited[:] = b"y" * len(inherited)
        os.write(written[1], b".")
        os.read(go[0], 1)
        os._exit(0)
    try:
        os.read(written[0], 1)
        assert 60 <= private_dirty_mb(child) < 250
        assert growth_since_fork_mb([child]) < private_dirty_mb(child) - 30
    finally:
        os.write(go[1], b".")
        os.waitpid(child, 0)
    assert private_dirty_mb(child) == 0
