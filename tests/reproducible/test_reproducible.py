"""Two builds from the same sources and the same downloaded packages are the same, bit for bit.

What differs: folder, time, host name, umask, locale and time zone (chosen so that the local dates differ as well). The
clock itself is not set to another day: ARM64 programs run in a qemu-user that is linked statically, into which no other
clock can be slipped; that no date gets in is asked of the image itself.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from image import mirrors, toolbox
from image.artifacts.facts import sha256
from image.base import EPOCH
from image.bootcheck.card import Card

from .building import Build, Circumstances
from .difference import differences
from .recorder import mirror

ONE = Circumstances("soniquebay", "builder", "022", "C", "Pacific/Honolulu")
OTHER = Circumstances("elsewhere/another name", "a-host-of-another-name", "077", "tr_TR.UTF-8", "Pacific/Kiritimati")


@pytest.fixture(scope="module")
def locales(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The other build's locale, which sorts and cases otherwise than C; made here if this machine has none."""
    folder = tmp_path_factory.mktemp("locales")
    subprocess.run(["localedef", "-i", "tr_TR", "-f", "UTF-8", str(folder / OTHER.locale)], check=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOCPATH", str(folder))
        yield


@pytest.fixture(scope="module")
def images(locales: None) -> Iterator[tuple[Path, Path]]:
    """Both images, from empty caches."""
    origin = mirrors.configured()
    with tempfile.TemporaryDirectory(dir="/var/tmp") as scratch:
        below = Path(scratch)
        with mirror({"debian": origin.main, "security": origin.security}, below / "packages") as address:
            builds = [
                Build(below / name, how, address, below / "wheels") for name, how in (("one", ONE), ("other", OTHER))
            ]
            # As in life: the base systems are older than the last change of the sources. Each step takes minutes, so
            # none falls into the same minute as its pendant.
            for build in builds:
                build.run("base", 0)
            epoch = int(time.time())
            for build in builds:
                build.run("build", epoch)
            yield builds[0].image, builds[1].image


def test_two_builds_are_the_same(images: tuple[Path, Path], tmp_path: Path) -> None:
    same = sha256(images[0]) == sha256(images[1])
    assert same, "\n".join(differences(*images, toolbox.ensure(), tmp_path)[:100])


def test_no_date_got_in(images: tuple[Path, Path]) -> None:
    shadow = Card(images[0], toolbox.ensure()).text("/etc/shadow")
    days = {int(day) for day in re.findall(r"^[^:]+:[^:]*:(\d+):", shadow, re.MULTILINE)}
    assert days == {EPOCH // 86400}
