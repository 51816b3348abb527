"""Settings are read from the environment, and a wrong one is named."""

from pathlib import Path

import pytest

from soniquebay.settings import from_environment


def test_the_broker_address_is_spelt_for_celery() -> None:
    assert from_environment({"SONIQUEBAY_REDIS": "unix:///r.sock"}).broker_url == "redis+socket:///r.sock"
    assert from_environment({"SONIQUEBAY_REDIS": "redis://h:1/0"}).broker_url == "redis://h:1/0"


@pytest.mark.parametrize("port", ["0", "65536", "http", "-1"])
def test_a_wrong_port_is_named(port: str) -> None:
    with pytest.raises(ValueError, match="SONIQUEBAY_HTTP_PORT"):
        from_environment({"SONIQUEBAY_HTTP_PORT": port})


@pytest.mark.parametrize("nice", ["-1", "20", "ten", "1.5"])
def test_a_wrong_niceness_is_named(nice: str) -> None:
    with pytest.raises(ValueError, match="SONIQUEBAY_NICE"):
        from_environment({"SONIQUEBAY_NICE": nice})


def test_niceness_and_log_have_defaults_and_a_range() -> None:
    assert (from_environment({}).nice, from_environment({"SONIQUEBAY_NICE": "0"}).nice) == (10, 0)
    assert (from_environment({}).log, from_environment({"SONIQUEBAY_LOG": "json"}).log) == ("text", "json")
    with pytest.raises(ValueError, match="SONIQUEBAY_LOG is 'xml': it must be text or json"):
        from_environment({"SONIQUEBAY_LOG": "xml"})


def test_wrong_tracks_to_measure_are_named() -> None:
    assert from_environment({}).measured_tracks == "untagged"
    assert from_environment({"SONIQUEBAY_LOUDNESS": "all"}).measured_tracks == "all"
    with pytest.raises(ValueError, match="SONIQUEBAY_LOUDNESS is 'on': it must be untagged, all or off"):
        from_environment({"SONIQUEBAY_LOUDNESS": "on"})


@pytest.mark.parametrize("name", ["klingon", "utf-16", "base64", "rot13", "\0"])
def test_a_wrong_code_page_of_tags_is_named(name: str) -> None:
    with pytest.raises(ValueError, match="SONIQUEBAY_TAG_ENCODING"):
        from_environment({"SONIQUEBAY_TAG_ENCODING": name})


def test_the_code_page_of_tags_is_none_or_what_is_set() -> None:
    assert from_environment({}).tag_encoding == ""
    for name in ("cp1251", "cp932", "shift_jis", "gbk", "big5", "cp949"):
        assert from_environment({"SONIQUEBAY_TAG_ENCODING": name}).tag_encoding == name


@pytest.mark.parametrize("hosts", ["http://music.example.org", "music.example.org:8080", "a/b", "-a", "a..b", "*"])
def test_a_wrong_name_of_the_appliance_is_named(hosts: str) -> None:
    with pytest.raises(ValueError, match="SONIQUEBAY_HOSTS"):
        from_environment({"SONIQUEBAY_HOSTS": hosts})


def test_names_of_the_appliance_are_none_or_what_is_set() -> None:
    assert from_environment({}).hosts == frozenset()
    hosts = from_environment({"SONIQUEBAY_HOSTS": "Music.example.org pi4"}).hosts
    assert hosts == {"music.example.org", "pi4"}


@pytest.mark.parametrize("proxies", ["proxy.example.org", "10.0.0.1/8", "10.0.0.0/33", "10.0.0.1,10.0.0.2", "*"])
def test_trusted_proxies_are_addresses_and_networks(proxies: str) -> None:
    assert from_environment({"SONIQUEBAY_TRUSTED_PROXIES": "10.0.0.1 fd00::/8"}).trusted_proxies == (
        "10.0.0.1",
        "fd00::/8",
    )
    with pytest.raises(ValueError, match="SONIQUEBAY_TRUSTED_PROXIES"):
        from_environment({"SONIQUEBAY_TRUSTED_PROXIES": proxies})


def test_flower_is_reached_from_elsewhere_only_with_a_login() -> None:
    assert from_environment({}).flower_host == "0.0.0.0"  # noqa: S104 - what is expected
    assert from_environment({"SONIQUEBAY_LOGIN": "off"}).flower_host == "127.0.0.1"
    assert from_environment({"SONIQUEBAY_LOGIN": "off", "SONIQUEBAY_FLOWER_HOST": "::1"}).flower_host == "::1"
    for host in ("0.0.0.0", "192.168.1.7", "music.local"):  # noqa: S104 - what is refused
        with pytest.raises(ValueError, match="SONIQUEBAY_FLOWER_HOST is"):
            from_environment({"SONIQUEBAY_LOGIN": "off", "SONIQUEBAY_FLOWER_HOST": host})


@pytest.mark.parametrize("path", ["music", "/a b", "/../x", "/a//b", "/api", "/rest/x", "https://example.org/music"])
def test_a_wrong_base_path_is_named(path: str) -> None:
    with pytest.raises(ValueError, match="SONIQUEBAY_BASE_PATH"):
        from_environment({"SONIQUEBAY_BASE_PATH": path})


def test_the_base_path_is_none_or_what_is_set() -> None:
    paths = {"": "", "/": "", "/music": "/music", "/a/b.c/": "/a/b.c"}
    assert {path: from_environment({"SONIQUEBAY_BASE_PATH": path}).base_path for path in paths} == paths


def test_wrong_settings_of_tls_are_named() -> None:
    for name, settings in {
        "SONIQUEBAY_TLS is 'on'": {"TLS": "on"},
        "SONIQUEBAY_TLS_CERTIFICATE names no file": {"TLS": "own"},
        "SONIQUEBAY_HTTPS_PORT is '0'": {"HTTPS_PORT": "0"},
        "SONIQUEBAY_HTTPS_PORT is the same": {"TLS": "self-signed", "HTTPS_PORT": "80"},
    }.items():
        with pytest.raises(ValueError, match=name):
            from_environment({f"SONIQUEBAY_{key}": value for key, value in settings.items()})


def test_the_address_of_the_api_has_tls_and_a_port_where_they_are_needed() -> None:
    plain, tls = from_environment({}), from_environment({"SONIQUEBAY_TLS": "self-signed"})
    assert (plain.url_at("pi.local"), tls.url_at("pi.local")) == ("http://pi.local", "https://pi.local")
    other = from_environment({"SONIQUEBAY_TLS": "self-signed", "SONIQUEBAY_HTTPS_PORT": "8443"})
    assert other.url_at("fd00::1") == "https://[fd00::1]:8443"


@pytest.mark.parametrize(
    ("name", "value"),
    [("BACKUPS", "0"), ("BACKUPS", "many"), ("BACKUP_MAX_MB", "-1"), ("BACKUP_HOUR", "24"), ("BACKUP_FOLDER", "stick")],
)
def test_a_wrong_setting_of_backups_is_named(name: str, value: str) -> None:
    with pytest.raises(ValueError, match=f"SONIQUEBAY_{name} is '{value}': it must be"):
        from_environment({f"SONIQUEBAY_{name}": value})


def test_three_backups_are_kept_at_night_without_a_second_place_unless_set_otherwise() -> None:
    plain = from_environment({}).backup
    assert (plain.keep, plain.max_mb, plain.folder, plain.hour) == (3, 0, None, 3)
    values = {"BACKUPS": "7", "BACKUP_MAX_MB": "500", "BACKUP_FOLDER": "/mnt/stick", "BACKUP_HOUR": "0"}
    other = from_environment({f"SONIQUEBAY_{name}": value for name, value in values.items()}).backup
    assert (other.keep, other.max_mb, other.folder, other.hour) == (7, 500, Path("/mnt/stick"), 0)
