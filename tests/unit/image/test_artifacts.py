"""The parts of a release that need no image: maps of blocks, names in a bill of materials."""

from image.artifacts import bmap, sbom


def test_blocks_in_use_are_those_not_listed_as_free() -> None:
    listing = (
        "Block count:              20\nBlock size:               4096\n\nGroup 0: (Blocks 0-9)\n"
        "  Free blocks: 3-4, 7\n  Free inodes: 12-20\nGroup 1: (Blocks 10-19)\n  Free blocks: 10-19\n"
    )
    assert list(bmap.used(listing)) == [(0, 3 * 4096), (5 * 4096, 7 * 4096), (8 * 4096, 10 * 4096)]
    assert list(bmap.used(listing.replace("10-19\n", "\n")))[-1] == (8 * 4096, 20 * 4096)


def test_spans_become_ranges_of_blocks() -> None:
    spans = [(9000, 9001), (0, 1), (4096, 8192), (40960, 41000)]
    assert list(bmap.blocks(spans, 41000)) == [(0, 2), (10, 10)]
    assert list(bmap.blocks([], 41000)) == []


def test_identifiers_are_valid_and_differ() -> None:
    assert sbom.identifier("deb", "libstdc++6") == "SPDXRef-deb-libstdcplusplus6"
    assert sbom.identifier("pypi", "a_b") == "SPDXRef-pypi-a-b"
