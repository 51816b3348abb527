"""A machine that outlives the command which started it, known by a folder: Molecule has one command a step."""

from __future__ import annotations

import shutil
from pathlib import Path

from ..errors import ActionableError
from ..ui import step
from .machine import Machine

LINK = "machine"  # in the folder: to the machine's own, whose path is short enough for sockets


def start(state: Path, machine: Machine) -> None:
    """Prepare it, boot it and wait for a login; from then on `state` knows it."""
    link = state / LINK
    if link.is_symlink():
        raise ActionableError(
            f"{state} has a machine already.", f"End it with: python -m image machine stop --state {state}"
        )
    state.mkdir(parents=True, exist_ok=True)
    folder = machine.prepare()
    link.symlink_to(folder)
    try:
        with step("Boot of the emulated Raspberry Pi") as current:
            machine.start()
            machine.wait_for_ssh(current.report_status)
    except BaseException:
        machine.discard()
        link.unlink()
        raise
    machine.release_monitor()


def attach(state: Path) -> Machine:
    """The machine that `state` knows."""
    link = state / LINK
    if not link.exists():
        raise ActionableError(f"{state} has no machine.", "Run: molecule create -s <scenario>")
    return Machine.attach(link.resolve())


def stop(state: Path) -> None:
    """End the machine that `state` knows, and remove all of it; nothing to do when there is none."""
    link = state / LINK
    if not link.is_symlink():
        return
    try:
        Machine.attach(link.resolve()).discard()
    except FileNotFoundError:  # it was only half made
        shutil.rmtree(link.resolve(), ignore_errors=True)
    link.unlink()
