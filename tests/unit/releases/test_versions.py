"""Which version is newer, and which one the name of an archive tells."""

import itertools

import pytest

from soniquebay.releases.versions import archive_name, compare, version_of

# each one newer than the one before
ASCENDING = [
    "0.1.0.dev1", "0.1.0a2", "0.1.0-alpha.3", "0.1.0b1", "0.1.0rc1", "0.1.0-rc.2", "0.1.0", "0.1.0.post1", "0.1.1~1",
    "0.1.1-nightly", "0.1.1", "0.1.1+2", "0.9", "0.10", "1.0rc1", "1.0", "1.0.1", "2", "10.0",
]  # fmt: skip


def test_versions_have_an_order() -> None:
    for (before, one), (after, other) in itertools.product(enumerate(ASCENDING), repeat=2):
        assert (compare(one, other) > 0) == (before > after), (one, other)
        assert (compare(one, other) == 0) == (before == after), (one, other)


@pytest.mark.parametrize(("one", "other"), [("1.2", "1.2.0"), ("1.2.0-RC1", "1.2-rc1"), ("1.02", "1.2")])
def test_other_spellings_are_the_same_version(one: str, other: str) -> None:
    assert compare(one, other) == 0


def test_the_name_of_an_archive_tells_its_version() -> None:
    assert version_of(archive_name("1.2.3")) == "1.2.3"
    assert version_of("soniquebay-1.2.0-rc.1+5-aarch64.tar.gz") == "1.2.0-rc.1+5"


@pytest.mark.parametrize(
    "name",
    [
        "soniquebay-1.2-aarch64.tar.gz.sig",
        "soniquebay-1.2-aarch64.tar.gz\n",
        "soniquebay-1.2-x86_64.tar.gz",
        "soniquebay--aarch64.tar.gz",
        "soniquebay-../../1.2-aarch64.tar.gz",
        "x/soniquebay-1.2-aarch64.tar.gz",
        "soniquebay-1.2 -aarch64.tar.gz",
        f"soniquebay-1{'0' * 200}-aarch64.tar.gz",
        "Soniquebay-1.2-aarch64.tar.gz",
    ],
)
def test_other_names_tell_none(name: str) -> None:
    assert version_of(name) is None


def test_a_number_without_an_end_takes_no_time() -> None:
    """Python refuses to read numbers of thousands of digits, and a name has at most 255 bytes."""
    assert compare("9" * 99, "1") != 0
