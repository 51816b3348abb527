"""Two builds from the same sources, downloaded packages and trusted keys are the same, bit for bit.

They differ in folder, time, host name, umask, locale and time zone (chosen so that the local dates differ as well). The
clock is not set to another day: ARM64 programs run in a qemu-user that is linked statically, so no library can give
them another clock. Instead, the sources get a date in an earlier year, and the image is searched for today's date.
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
from image.artifacts.image_file import sha256
from image.base import EPOCH

from .building import Build, Environment
from .difference import find_differences, list_root
from .recorder import mirror

FIRST = Environment("soniquebay", "builder", "022", "C", "Pacific/Honolulu")
LAST_CHANGE = EPOCH + 100 * 86400  # of the sources; so today's date in the image can only come from the clock
SECOND = Environment("elsewhere/another name", "a-host-of-another-name", "077", "tr_TR.UTF-8", "Pacific/Kiritimati")


@pytest.fixture(scope="module")
def locales(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The second build's locale, which sorts and changes case in another way than C; many machines do not have it."""
    folder = tmp_path_factory.mktemp("locales")
    subprocess.run(["localedef", "-i", "tr_TR", "-f", "UTF-8", str(folder / SECOND.locale)], check=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOCPATH", str(folder))
        yield


@pytest.fixture(scope="module")
def images(locales: None) -> Iterator[tuple[Path, Path]]:
    """Both images, from empty caches."""
    origin = mirrors.configured()
    with tempfile.TemporaryDirectory(dir="/var/tmp") as scratch:
        parent = Path(scratch)
        with mirror({"debian": origin.main, "security": origin.security}, parent / "packages") as address:
            builds = [
                Build(parent / name, environment, address, parent / "wheels", parent / "data")
                for name, environment in (("first", FIRST), ("second", SECOND))
            ]
            # As usual, the base roots are older than the last change of the sources. A step takes minutes, so it does
            # not fall into the same minute in both builds.
            for build in builds:
                build.run("base", 0)
            for build in builds:
                build.run("build", LAST_CHANGE)
            yield builds[0].image, builds[1].image


def test_two_builds_are_the_same(images: tuple[Path, Path], tmp_path: Path) -> None:
    same = sha256(images[0]) == sha256(images[1])
    assert same, "\n".join(find_differences(*images, build_root.ensure(), tmp_path)[:100])


def test_the_image_has_no_date_of_the_build(images: tuple[Path, Path], tmp_path: Path) -> None:
    """No file that the build made contains the date of today, yesterday or tomorrow, or has it as its time."""
    root = tmp_path / "root"
    list_root(images[0], build_root.ensure(), root)
    lists = (root / "var/lib/dpkg/info").glob("*.list")
    # /bin and /lib are links into /usr, and a package may have its files by either name
    packaged = {line.removeprefix("/usr") for file in lists for line in file.read_text().splitlines()}
    today = datetime.now(UTC)
    days = [today + timedelta(days=number) for number in (-1, 0, 1)]
    forms = "|".join(day.strftime(form) for day in days for form in ("%Y-%m-%d", "%Y%m%d", "%-d %b %Y", "%b %-d,? %Y"))
    written = re.compile(rf"(?<!\d)(?:{forms})(?!\d)".encode())
    made = [path for path in root.rglob("*") if f"/{path.relative_to(root)}".removeprefix("/usr") not in packaged]
    assert len(made) > 1000  # what the roles and maintainer scripts made
    files = [path for path in made if path.is_file() and not path.is_symlink()]
    assert [str(path) for path in files if written.search(path.read_bytes())] == []
    assert [str(path) for path in files if path.stat().st_mtime > LAST_CHANGE] == []
    shadow = (root / "etc/shadow").read_text()
    assert {int(day) for day in re.findall(r"^[^:]+:[^:]*:(\d+):", shadow, re.MULTILINE)} == {EPOCH // 86400}
