"""The block map: which blocks of an image have to be written, for bmaptool (format 2.0).

Mapped is what a file system has in use, not what happens to be other than zero: a card keeps what was on it where
nothing is written, and a table or a journal of zeroes means something.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from xml.sax.saxutils import quoteattr

from ..bootcheck.card import Card

BLOCK = 4096
Span = tuple[int, int]  # first byte, and the one after the last


def text(card: Card) -> str:
    """The map of an image as XML."""
    size = card.image.stat().st_size
    ranges = list(blocks(spans(card), size))
    lines = [
        '<?xml version="1.0" ?>',
        '<bmap version="2.0">',
        f"  <ImageSize> {size} </ImageSize>",
        f"  <BlockSize> {BLOCK} </BlockSize>",
        f"  <BlocksCount> {-(-size // BLOCK)} </BlocksCount>",
        f"  <MappedBlocksCount> {sum(last - first + 1 for first, last in ranges)} </MappedBlocksCount>",
        "  <ChecksumType> sha256 </ChecksumType>",
        f"  <BmapFileChecksum> {'0' * 64} </BmapFileChecksum>",
        "  <BlockMap>",
    ]
    with card.image.open("rb") as file:
        for first, last in ranges:
            file.seek(first * BLOCK)
            digest = hashlib.sha256()
            left = (last - first + 1) * BLOCK
            while left > 0 and (content := file.read(min(left, 2**22))):
                digest.update(content)
                left -= len(content)
            lines.append(f"    <Range chksum={quoteattr(digest.hexdigest())}> {first}-{last} </Range>")
    lines += ["  </BlockMap>", "</bmap>", ""]
    unsigned = "\n".join(lines)
    # the file's own checksum is that of the file with zeroes in its place
    return unsigned.replace("0" * 64, hashlib.sha256(unsigned.encode()).hexdigest(), 1)


def spans(card: Card) -> Iterator[Span]:
    """Bytes in use: the partition table with the gap behind it, and both file systems."""
    boot, root = card.partitions
    yield 0, boot.start
    fat = card.fat
    start = boot.start + fat.data
    yield boot.start, start
    with card.image.open("rb") as file:
        file.seek(boot.start + fat.reserved)
        table = memoryview(file.read((fat.clusters + 2) * 4)).cast("I")
    for cluster in range(2, fat.clusters + 2):
        if table[cluster] & 0x0FFFFFFF:
            at = start + (cluster - 2) * fat.cluster
            yield at, at + fat.cluster
    with card.alone(root) as part:
        listing = card.run("dumpe2fs", str(part)).decode(errors="replace")
    for first, last in used(listing):
        yield root.start + first, root.start + last


def used(listing: str) -> Iterator[Span]:
    """Bytes of an ext4 file system that `dumpe2fs` does not list as free."""
    size = int(re.findall(r"^Block size:\s+(\d+)", listing, re.MULTILINE)[0])
    count = int(re.findall(r"^Block count:\s+(\d+)", listing, re.MULTILINE)[0])
    at = 0
    for line in re.findall(r"^  Free blocks: (.*)$", listing, re.MULTILINE):
        for span in filter(None, line.split(", ")):
            first, _, last = span.partition("-")
            if int(first) > at:
                yield at * size, int(first) * size
            at = int(last or first) + 1
    if at < count:
        yield at * size, count * size


def blocks(found: Iterable[Span], size: int) -> Iterator[Span]:
    """Spans as ranges of blocks, first and last, joined where they touch."""
    current: Span | None = None
    for start, end in sorted(found):
        first, last = start // BLOCK, (min(end, size) - 1) // BLOCK
        if current is not None and first <= current[1] + 1:
            current = current[0], max(current[1], last)
        else:
            if current is not None:
                yield current
            current = first, last
    if current is not None:
        yield current
