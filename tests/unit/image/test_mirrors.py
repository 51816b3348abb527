"""Which mirror the build takes, from apt configurations as machines have them."""

from pathlib import Path

import pytest

from image import mirrors

DEB822 = """
Types: deb deb-src
# a comment within
URIs: https://mirror.example/debian/
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: https://mirror.example/debian-security
Suites: bookworm-security
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Enabled: no
Types: deb
URIs: https://off.example/debian
Suites: bookworm
Components: main
"""


def test_deb822_main_and_security() -> None:
    assert mirrors.choose(mirrors.parse_deb822(DEB822)) == mirrors.Mirrors(
        "https://mirror.example/debian", "https://mirror.example/debian-security"
    )


def test_deb822_field_names_in_any_case_and_lists_over_several_lines() -> None:
    text = (
        "types: deb\nuris: http://one.example/debian\n http://two.example/debian\nSuites: trixie\n trixie-updates\n"
        "Components: main\n non-free-firmware\nSigned-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n mQINBF\n"
    )
    sources = list(mirrors.parse_deb822(text))
    assert [source.uri for source in sources] == ["http://one.example/debian", "http://two.example/debian"]
    assert {(source.suites, source.components) for source in sources} == {
        (("trixie", "trixie-updates"), ("main", "non-free-firmware"))
    }
    assert "mQINBF" in sources[0].signed_by


def test_lines_that_are_no_field_are_left_out() -> None:
    assert list(mirrors.parse_deb822("garbage\n\nTypes: deb\n: \nURIs http://one.example\n")) == []


def test_one_line_sources_with_options_and_comments() -> None:
    text = """
    # deb http://commented.example/debian trixie main
    deb [arch=amd64 signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://here.example/debian trixie main
    deb-src http://sources.example/debian trixie main
    deb http://safe.example/debian-security trixie-security main contrib # why not
    """
    chosen = mirrors.choose(mirrors.parse_one_line(text))
    assert chosen == mirrors.Mirrors("http://here.example/debian", "http://safe.example/debian-security")


@pytest.mark.parametrize(
    "line",
    [
        "deb https://vendor.example/linux/debian bookworm stable",
        "deb https://vendor.example/pub bookworm-pgdg main",
        "deb cdrom:[Debian]/ bookworm main",
    ],
)
def test_what_is_not_debian_is_not_taken(line: str) -> None:
    assert mirrors.choose(mirrors.parse_one_line(line)).main == mirrors.DEBIAN.main


def test_a_vendor_under_a_debian_suite_does_not_win() -> None:
    text = (
        "deb [signed-by=/usr/share/keyrings/vendor.gpg] https://vendor.example/debian bookworm main\n"
        "deb http://ftp.example/debian bookworm main\n"
    )
    assert mirrors.choose(mirrors.parse_one_line(text)).main == "http://ftp.example/debian"


def test_mirror_file_of_cloud_images(tmp_path: Path) -> None:
    listing = tmp_path / "debian.list"
    listing.write_text("https://cloud.example/debian\n")
    source = mirrors.Source(f"mirror+file:{listing}", ("trixie",), ("main",))
    assert mirrors.choose([source]).main == "https://cloud.example/debian"


def test_the_environment_overrides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SONIQUEBAY_DEBIAN_MIRROR", "http://mine.example/debian")
    assert mirrors.configured(tmp_path).main == "http://mine.example/debian"
    assert mirrors.configured(tmp_path).security == mirrors.DEBIAN.security


def test_proxies_and_date_checks_are_taken_over() -> None:
    dump = 'APT::Foo "1";\nAcquire::http::Proxy "http://proxy.example:3128";\nAcquire::Languages "none";\n'
    assert mirrors.parse_options(dump) == ['Acquire::http::Proxy "http://proxy.example:3128"']
