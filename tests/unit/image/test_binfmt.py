"""ARM64 programs for several users at once: registered by the first, forgotten by the last."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from image import binfmt
from image.build_root import BuildRoot
from image.errors import ActionableError

TOOLS = BuildRoot(Path("/build-root"))


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder in the place of the kernel's: what is written into `register` shows; the entry is made by a test."""
    for name in ("LOCK", "USERS", "MOUNTED"):  # a build may be at work on this machine
        monkeypatch.setattr(binfmt, name, tmp_path / name.lower())
    monkeypatch.setattr(binfmt, "FOLDER", tmp_path)
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    (tmp_path / "register").touch()
    yield tmp_path


def test_the_first_registers_and_the_last_forgets(kernel: Path) -> None:
    entry = kernel / binfmt.NAME
    with binfmt.arm64_programs(TOOLS):
        assert "/build-root/usr/bin/qemu-aarch64:FPC" in (kernel / "register").read_text()
        entry.write_text("enabled")
        (kernel / "register").write_text("")
        with binfmt.arm64_programs(TOOLS):
            assert (kernel / "register").read_text() == ""
        assert entry.read_text() == "enabled"
    assert entry.read_text() == "-1"


def test_what_a_killed_run_has_left_is_replaced(kernel: Path) -> None:
    (kernel / binfmt.NAME).write_text("enabled")
    with binfmt.arm64_programs(TOOLS):
        assert (kernel / binfmt.NAME).read_text() == "-1"
        assert "/build-root/usr/bin/qemu-aarch64" in (kernel / "register").read_text()


def test_a_kernel_that_refuses_leaves_no_user_behind(kernel: Path) -> None:
    (kernel / "register").unlink()
    (kernel / "register").mkdir()
    with pytest.raises(ActionableError), binfmt.arm64_programs(TOOLS):
        pass
    (kernel / "register").rmdir()
    (kernel / "register").touch()
    with binfmt.arm64_programs(TOOLS):
        assert (kernel / "register").read_text()
