"""Hostile clients: connections from many addresses of this machine at the same time."""

import asyncio
import random
from collections import Counter
from contextlib import suppress

from tests.attack.requests import KINDS, Attack, Secrets

CONNECTIONS = 300  # at the same time, more than the API and Flower accept
ADDRESSES = 30


async def send_all(ports: list[int], requests: int, seed: int, secrets: Secrets) -> Counter[str]:
    """Send a number of attacks; return how often each kind was answered how, as "kind 200"."""
    rng, outcomes, left = random.Random(seed), Counter[str](), iter(range(requests))  # noqa: S311
    makers, weights = list(KINDS), list(KINDS.values())

    async def client(number: int) -> None:
        address = f"127.0.9.{number % ADDRESSES + 1}"
        for _ in left:
            (maker,) = rng.choices(makers, weights)
            port = ports[0] if rng.random() < 0.9 else ports[1]
            outcomes[f"{maker.__name__} {await _send(address, port, maker(rng, secrets))}"] += 1

    await asyncio.gather(*(client(number) for number in range(CONNECTIONS)))
    return outcomes


async def _send(address: str, port: int, attack: Attack) -> str:
    """Return the status of the answer, or what happened instead."""
    try:
        async with asyncio.timeout(60):
            reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(address, 0))
    except (OSError, TimeoutError):
        return "no connection"
    try:
        with suppress(ConnectionError):  # it may have answered before it closed
            for number, piece in enumerate(attack.pieces):
                if number:
                    await asyncio.sleep(attack.pause_seconds)
                writer.write(piece)
                async with asyncio.timeout(attack.wait_seconds):
                    await writer.drain()
        return await _status(reader, attack)
    except TimeoutError:
        return "silence"
    except OSError:
        return "closed"
    finally:
        writer.transport.abort()


async def _status(reader: asyncio.StreamReader, attack: Attack) -> str:
    head, received = b"", 0
    with suppress(TimeoutError):
        async with asyncio.timeout(attack.wait_seconds):
            while received < attack.answer_bytes and (piece := await reader.read(1 << 16)):
                head, received = (head + piece)[:64], received + len(piece)
    words = head.split(b" ", 2)
    if head.startswith(b"HTTP/1.") and len(words) > 1:
        return words[1].decode("ascii", "replace")
    return "closed" if reader.at_eof() else "silence"
