"""The block map: which blocks of an image have to be written, for bmaptool (format 2.0).

A block is mapped when a file system uses it, whatever it contains. A block of zeroes in a table or a journal has to be
written too: a card keeps its old content where nothing is written.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from xml.sax.saxutils import quoteattr

from ..bootcheck.card import Card

BLOCK_BYTES = 4096
_READ_BYTES = 2**22
_FAT_ENTRY_MASK = 0x0FFFFFFF  # FAT32 has entries of 28 bits
_FIRST_CLUSTER = 2

Range = tuple[int, int]


def make_bmap(card: Card) -> str:
    """Return the map of an image as XML."""
    size = card.image.stat().st_size
    block_ranges = list(merge_into_blocks(used_bytes(card), size))
    lines = [
        '<?xml version="1.0" ?>',
        '<bmap version="2.0">',
        f"  <ImageSize> {size} </ImageSize>",
        f"  <BlockSize> {BLOCK_BYTES} </BlockSize>",
        f"  <BlocksCount> {-(-size // BLOCK_BYTES)} </BlocksCount>",
        f"  <MappedBlocksCount> {sum(last - first + 1 for first, last in block_ranges)} </MappedBlocksCount>",
        "  <ChecksumType> sha256 </ChecksumType>",
        f"  <BmapFileChecksum> {'0' * 64} </BmapFileChecksum>",
        "  <BlockMap>",
    ]
    with card.image.open("rb") as file:
        for first, last in block_ranges:
            file.seek(first * BLOCK_BYTES)
            digest = hashlib.sha256()
            remaining = (last - first + 1) * BLOCK_BYTES
            while remaining > 0 and (content := file.read(min(remaining, _READ_BYTES))):
                digest.update(content)
                remaining -= len(content)
            lines.append(f"    <Range chksum={quoteattr(digest.hexdigest())}> {first}-{last} </Range>")
    lines += ["  </BlockMap>", "</bmap>", ""]
    unsigned = "\n".join(lines)
    # the file's own checksum is that of the file with zeroes in its place
    return unsigned.replace("0" * 64, hashlib.sha256(unsigned.encode()).hexdigest(), 1)


def used_bytes(card: Card) -> Iterator[Range]:
    """Yield what is in use, as its first byte and the one after its last.

    That is the partition table with the gap behind it, the head of the boot partition, its clusters that are not free,
    and the blocks of the root partition that are not free.
    """
    boot, root = card.partitions
    yield 0, boot.start
    fat = card.fat
    data = boot.start + fat.data_start
    yield boot.start, data
    with card.image.open("rb") as file:
        file.seek(boot.start + fat.reserved_bytes)
        table = memoryview(file.read((fat.cluster_count + _FIRST_CLUSTER) * 4)).cast("I")
    for cluster in range(_FIRST_CLUSTER, fat.cluster_count + _FIRST_CLUSTER):
        if table[cluster] & _FAT_ENTRY_MASK:
            start = data + (cluster - _FIRST_CLUSTER) * fat.cluster_bytes
            yield start, start + fat.cluster_bytes
    with card.extracted(root) as file_system:
        listing = card.run("dumpe2fs", str(file_system)).decode(errors="replace")
    for start, end in parse_used_blocks(listing):
        yield root.start + start, root.start + end


def parse_used_blocks(listing: str) -> Iterator[Range]:
    """Yield the bytes of an ext4 file system that the output of `dumpe2fs` does not list as free."""
    block_bytes = int(re.findall(r"^Block size:\s+(\d+)", listing, re.MULTILINE)[0])
    block_count = int(re.findall(r"^Block count:\s+(\d+)", listing, re.MULTILINE)[0])
    next_block = 0
    for line in re.findall(r"^  Free blocks: (.*)$", listing, re.MULTILINE):
        for free in filter(None, line.split(", ")):
            first, _, last = free.partition("-")
            if int(first) > next_block:
                yield next_block * block_bytes, int(first) * block_bytes
            next_block = int(last or first) + 1
    if next_block < block_count:
        yield next_block * block_bytes, block_count * block_bytes


def merge_into_blocks(ranges: Iterable[Range], size: int) -> Iterator[Range]:
    """Yield ranges of bytes as first and last block, joined where they touch; `size` is that of the image."""
    merged: Range | None = None
    for start, end in sorted(ranges):
        first, last = start // BLOCK_BYTES, (min(end, size) - 1) // BLOCK_BYTES
        if merged is not None and first <= merged[1] + 1:
            merged = merged[0], max(merged[1], last)
        else:
            if merged is not None:
                yield merged
            merged = first, last
    if merged is not None:
        yield merged
