"""What is hidden in a report, and what stays."""

import pytest

from soniquebay.doctor.words import MASK, without_names


@pytest.mark.parametrize(
    "text",
    ["session 3: 17 failures", "2026-11-30T02:55:23+00:00", "Redis is full",
     "OSError: [Errno 28] No space left on device", "/var/lib/soniquebay", '{"check": "space", "state": "ok"}'],
)  # fmt: skip
def test_what_the_programs_say_stays(text: str) -> None:
    assert without_names(text) == text


@pytest.mark.parametrize(
    "text",
    ["/srv/music/Qwx", "http://host.example:8080/rest?u=qwx&p=1", "192.168.17.2", "2001:db8:0:1::2", "Qwxmaria",
     "ab12cd34ef", "2345-6789", "QWXA-2345"],
)  # fmt: skip
def test_what_others_named_is_hidden(text: str) -> None:
    assert set(without_names(text)) <= {*MASK, "-", " "}
    assert without_names(f"the file {text} is damaged").count(MASK) >= 1


def test_a_path_below_a_known_folder_shows_the_folder_alone() -> None:
    assert without_names("/var/lib/soniquebay/covers/Qwx is damaged") == f"/var/lib/soniquebay/{MASK} is damaged"
