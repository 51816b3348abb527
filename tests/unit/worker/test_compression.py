"""Large messages are compressed, small ones are not."""

import pytest

from soniquebay.worker.compression import MAX_UNCOMPRESSED_BYTES, pack, unpack


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"[" + b" " * (MAX_UNCOMPRESSED_BYTES - 2) + b"]", b'["' + b"x" * MAX_UNCOMPRESSED_BYTES + b'"]'],
)
def test_a_packed_body_unpacks_to_itself(body: bytes) -> None:
    packed = pack(body)
    assert unpack(packed) == body
    assert (packed == body) == (len(body) <= MAX_UNCOMPRESSED_BYTES)


def test_a_large_message_is_small_on_the_wire() -> None:
    from kombu.compression import compress, decompress

    from soniquebay.worker.app import app

    body = b'{"path": "/srv/music/Artist/Album/01 Title.flac"}' * 1000
    packed, content_type = compress(body, app.conf.task_compression)
    assert len(packed) < len(body) / 5
    assert decompress(packed, content_type) == body
