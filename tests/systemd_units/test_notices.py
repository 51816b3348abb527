"""`show-notices` of the role services: root shows what the programs say, and follows nothing that their users made."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.roles.rendering import rendered

MAX_BYTES = 16384
SCRIPT = "/usr/local/lib/soniquebay/show-notices"


class Notices:
    """The script, with a folder in the place of /run."""

    def __init__(self, folder: Path) -> None:
        self.run_folder = folder / "run"
        text = rendered()["default"]["services"][SCRIPT]["content"]
        assert "/usr/sbin/agetty" in text
        self.text = text.replace("/run/", f"{self.run_folder}/").replace("/usr/sbin/agetty", "echo agetty")
        for name in ("soniquebay-claim", "redis"):
            (self.run_folder / name).mkdir(parents=True)
        self.console = self.run_folder / "soniquebay-claim/console"
        self.shown = self.run_folder / "issue.d/soniquebay.issue"

    def show(self) -> None:
        done = subprocess.run(["sh", "-c", self.text], check=True, capture_output=True, text=True, timeout=20)
        assert (done.stdout, done.stderr) == ("agetty --reload\n", "")
        assert not list(self.run_folder.glob("soniquebay-notice.*"))


@pytest.fixture
def notices(tmp_path: Path) -> Notices:
    return Notices(tmp_path)


def test_each_notice_is_shown_until_it_is_gone(notices: Notices) -> None:
    run = notices.run_folder
    notices.console.write_text("Code █▀▄\n")
    (run / "soniquebay-claim/notice").write_text("code\n")
    (run / "redis/soniquebay-trouble").write_text("trouble\n")
    (run / "redis/soniquebay-set-aside").write_text("set aside\n")
    notices.show()
    expected = {
        "issue.d/soniquebay.issue": "Code █▀▄\n",
        "issue.d/soniquebay-redis.issue": "trouble\n",
        "motd.d/soniquebay": "code\n",
        "motd.d/soniquebay-redis-trouble": "trouble\n",
        "motd.d/soniquebay-redis-set-aside": "set aside\n",
    }
    shown = {str(path.relative_to(run)): path for path in (*run.glob("issue.d/*"), *run.glob("motd.d/*"))}
    assert {name: path.read_text() for name, path in shown.items()} == expected
    assert {path.stat().st_mode & 0o7777 for path in shown.values()} == {0o644}
    notices.console.write_text("Everything works.\n")
    (run / "redis/soniquebay-trouble").unlink()
    notices.show()
    assert notices.shown.read_text() == "Everything works.\n"
    assert {path.name for path in run.glob("motd.d/*")} == {"soniquebay", "soniquebay-redis-set-aside"}


@pytest.mark.parametrize("kind", ["link", "pipe", "folder"])
def test_what_is_no_file_of_its_own_is_not_shown(notices: Notices, tmp_path: Path, kind: str) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret\n")
    notices.shown.parent.mkdir()
    notices.shown.symlink_to(secret)  # as an earlier release has left one
    if kind == "link":
        notices.console.symlink_to(secret)
    elif kind == "pipe":
        os.mkfifo(notices.console)
    else:
        notices.console.mkdir()
    notices.show()
    assert not os.path.lexists(notices.shown)
    assert secret.read_text() == "secret\n"


def test_a_link_that_comes_after_the_look_is_not_followed(notices: Notices, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret\n")
    notices.console.symlink_to(secret)
    assert '[ -f "$1" ]' in notices.text
    notices.text = notices.text.replace('[ -f "$1" ]', "true")
    notices.show()
    assert not notices.shown.exists()


def test_a_pipe_that_comes_after_the_look_does_not_hold_anything_up(notices: Notices) -> None:
    os.mkfifo(notices.console)
    notices.text = notices.text.replace('[ -f "$1" ]', "true")
    notices.show()
    assert not notices.shown.exists()


def test_a_notice_has_a_limit_and_does_not_steer_a_terminal(notices: Notices) -> None:
    notices.console.write_bytes(b"\x1b[2Ja\xc2\x9b2Jb\rc\x00\td\n" + b"x" * 2 * MAX_BYTES)
    notices.show()
    shown = notices.shown.read_bytes()
    assert shown.startswith(b"[2Ja2Jbcd\nxxx")
    assert len(shown) < MAX_BYTES
