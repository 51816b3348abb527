"""The QR code that the consoles show, read as a phone reads it."""

import numpy as np
import pytest
import zxingcpp

from soniquebay.listeners.claim_code import qr_code

MODULE_PIXELS = 4
UPPER, LOWER = "█▀", "█▄"


def seen(text: str) -> np.ndarray:
    """Return what a camera sees of the lines: light blocks on a dark screen."""
    rows = []
    for line in text.splitlines():
        rows += [[sign in UPPER for sign in line], [sign in LOWER for sign in line]]
    screen = np.pad(np.array(rows, np.uint8) * 255, 8)
    return np.kron(screen, np.ones((MODULE_PIXELS, MODULE_PIXELS), np.uint8))


@pytest.mark.parametrize("name", ["soniquebay.local", "music-box-of-the-neighbours.local", "192.168.178.100:8080"])
def test_a_phone_reads_the_address_with_the_code(name: str) -> None:
    address = f"http://{name}/claim?code=ABCD-2345"
    assert [found.text for found in zxingcpp.read_barcodes(seen(qr_code(address)))] == [address]


def test_it_fits_a_console() -> None:
    lines = qr_code("http://soniquebay.local/claim?code=ABCD-2345").splitlines()
    assert len(lines) <= 20  # of 25
    assert {len(line) for line in lines} <= set(range(80))
