"""Machines that keep running after the command that started them, because Molecule runs one command for each step.

The folder `state` identifies such a machine.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from .. import ui
from ..errors import ActionableError
from .machine import Machine

LINK = "machine"  # in `state`: leads to the machine's own folder, whose path is short enough for Unix sockets


def start(state: Path, machine: Machine) -> None:
    """Prepare and boot a machine, wait for its login, and record it in `state`.

    Raises `ActionableError` when `state` has a machine already.
    """
    link = state / LINK
    if link.is_symlink():
        raise ActionableError(
            f"{state} has a machine already.", f"Stop it with: python -m image machine stop --state {state}"
        )
    state.mkdir(parents=True, exist_ok=True)
    folder = machine.prepare()
    link.symlink_to(folder)
    try:
        with ui.step("Boot of the emulated Raspberry Pi") as step:
            machine.start()
            machine.wait_for_ssh(step.report_status)
    except BaseException:
        machine.destroy()
        link.unlink()
        raise
    machine.release_monitor()


def attach(state: Path) -> Machine:
    """Return the machine that `state` identifies; raises `ActionableError` when there is none."""
    link = state / LINK
    if not link.exists():
        raise ActionableError(f"{state} has no machine.", "Run: molecule create -s <scenario>")
    return Machine.attach(link.resolve())


def stop(state: Path) -> None:
    """Stop the machine that `state` identifies, if there is one, and remove its files."""
    link = state / LINK
    if not link.is_symlink():
        return
    try:
        Machine.attach(link.resolve()).destroy()
    except FileNotFoundError:  # its preparation was interrupted
        shutil.rmtree(link.resolve(), ignore_errors=True)
    link.unlink()
