"""The container image for servers, for which processors it can be made."""

import platform
from pathlib import Path

import pytest

from image.build_root import BuildRoot
from image.containers import server_image
from image.errors import ActionableError


@pytest.mark.parametrize(("here", "wanted"), [("aarch64", "x86_64"), ("x86_64", "riscv64"), ("riscv64", "riscv64")])
def test_an_image_whose_programs_cannot_run_here(monkeypatch: pytest.MonkeyPatch, here: str, wanted: str) -> None:
    monkeypatch.setattr(platform, "machine", lambda: here)
    with (
        pytest.raises(ActionableError, match=f"for {wanted} cannot be made on {here}"),
        server_image.programs_of(wanted, BuildRoot(Path("/nowhere"))),
    ):
        pass


def test_an_image_whose_programs_run_here(monkeypatch: pytest.MonkeyPatch) -> None:
    for machine in server_image.ARCHITECTURES:
        monkeypatch.setattr(platform, "machine", lambda machine=machine: machine)
        with server_image.programs_of(machine, BuildRoot(Path("/nowhere"))):
            pass
