"""Two builds from the same sources and the same downloaded packages are the same, bit for bit.

What differs: folder, time, host name, umask, locale and time zone (chosen so that the local dates differ as well). The
clock itself is not set to another day: ARM64 programs run in a qemu-user that is linked statically, into which no other
clock can be slipped. So the sources are said to be of an earlier year, and that no date of today got in is asked of the
image itself.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from image import build_root, mirrors
from image.artifacts.facts import sha256
from image.base import EPOCH

from .building import Build, Circumstances
from .difference import differences, listing
from .recorder import mirror

ONE = Circumstances("soniquebay", "builder", "022", "C", "Pacific/Honolulu")
LAST_CHANGE = EPOCH + 100 * 86400  # of the sources, so that a date of today can have come from the clock alone
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
            for build in builds:
                build.run("build", LAST_CHANGE)
            yield builds[0].image, builds[1].image


def test_two_builds_are_the_same(images: tuple[Path, Path], tmp_path: Path) -> None:
    same = sha256(images[0]) == sha256(images[1])
    assert same, "\n".join(differences(*images, build_root.ensure(), tmp_path)[:100])


def test_no_date_got_in(images: tuple[Path, Path], tmp_path: Path) -> None:
    """Neither today's nor that of the day before or after: not in a file that is no package's, nor as its time."""
    root = tmp_path / "root"
    listing(images[0], build_root.ensure(), root)
    lists = (root / "var/lib/dpkg/info").glob("*.list")
    # /usr is where /bin and /lib point to, and a package may have its files by either name
    packaged = {line.removeprefix("/usr") for file in lists for line in file.read_text().splitlines()}
    today = datetime.now(UTC)
    days = [today + timedelta(days=number) for number in (-1, 0, 1)]
    forms = "|".join(day.strftime(form) for day in days for form in ("%Y-%m-%d", "%Y%m%d", "%-d %b %Y", "%b %-d,? %Y"))
    written = re.compile(rf"(?<!\d)(?:{forms})(?!\d)".encode())
    made = [path for path in root.rglob("*") if f"/{path.relative_to(root)}".removeprefix("/usr") not in packaged]
    assert len(made) > 1000  # what the roles and maintainer scripts have made
    files = [path for path in made if path.is_file() and not path.is_symlink()]
    assert [str(path) for path in files if written.search(path.read_bytes())] == []
    assert [str(path) for path in files if path.stat().st_mtime > LAST_CHANGE] == []
    shadow = (root / "etc/shadow").read_text()
    assert {int(day) for day in re.findall(r"^[^:]+:[^:]*:(\d+):", shadow, re.MULTILINE)} == {EPOCH // 86400}
