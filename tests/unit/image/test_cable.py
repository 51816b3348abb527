"""A cable between two emulated machines: what one end sends, the other receives, and the system knows its card."""

import json
import re
from pathlib import Path

import pytest

from image.emulated import cloudinit
from image.emulated.cable import ENDS, Cable
from image.errors import ActionableError

SOCKETS = re.compile(r"local\.path=(\S+),remote.type=unix,remote\.path=(\S+)")


def test_each_end_sends_to_the_other_one(tmp_path: Path) -> None:
    ends = [Cable(tmp_path, end) for end in ENDS]
    (one, other), (other_of_second, one_of_second) = (SOCKETS.search(" ".join(end.device())).groups() for end in ends)
    assert (one, other) == (one_of_second, other_of_second)
    assert one != other
    assert len({end.hardware_address for end in ends}) == len({end.address for end in ends}) == 2
    for end in ends:
        assert f"mac={end.hardware_address}," in " ".join(end.device())


def test_an_end_is_the_same_after_it_was_written_down(tmp_path: Path) -> None:
    end = Cable(tmp_path, 2)
    assert Cable.from_state(json.loads(json.dumps(end.state))) == end
    assert Cable.from_state(None) is None


def test_a_path_that_no_socket_can_have_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ActionableError, match="too long for a Unix socket"):
        Cable(tmp_path / ("x" * 100), 1).device()


def test_the_system_gives_the_address_to_the_card_of_the_cable(tmp_path: Path) -> None:
    end = Cable(tmp_path, 2)
    cards = json.loads(cloudinit.files("second", "ssh-ed25519 AAAA", end)["network-config"])["ethernets"]
    (fixed,) = [card for card in cards.values() if card["match"] == {"macaddress": end.hardware_address}]
    assert fixed["addresses"] == [f"{end.address}/24"]
    (other,) = [card for card in cards.values() if card is not fixed]
    assert (other["match"], other["dhcp4"]) == ({"macaddress": cloudinit.FIRST_CARD}, True)
    assert [*json.loads(cloudinit.files("one", "key")["network-config"])["ethernets"]] == ["wired"]
