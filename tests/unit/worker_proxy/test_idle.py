"""How long a connection of a remote worker may say nothing."""

import asyncio

import pytest

from soniquebay.worker_proxy import relay
from soniquebay.worker_proxy.commands import CONTROL_CHANNEL, Command, Rules

PING = b"*1\r\n$4\r\nPING\r\n"
SUBSCRIBE, UNSUBSCRIBE = (
    b"*2\r\n$%d\r\n%b\r\n$%d\r\n%b\r\n" % (len(name), name, len(CONTROL_CHANNEL), CONTROL_CHANNEL.encode())
    for name in (b"PSUBSCRIBE", b"PUNSUBSCRIBE")
)


async def names_until_it_ends(sent: bytes, wait_seconds: float) -> tuple[list[str], BaseException | None]:
    """Return the commands that are passed on, and why the connection ends within that time; None if it does not."""
    passed: list[str] = []

    async def pass_on(command: Command) -> None:
        passed.append(command.name)

    reader = asyncio.StreamReader()
    reader.feed_data(sent)
    task = asyncio.create_task(relay._pass_commands(Rules("laptop"), reader, pass_on))
    await asyncio.wait({task}, timeout=wait_seconds)
    ended = task.exception() if task.done() else None
    task.cancel()
    return passed, ended


@pytest.mark.parametrize(
    ("sent", "names", "ends"),
    [
        (PING, ["PING"], True),
        (SUBSCRIBE, ["PSUBSCRIBE"], False),
        (SUBSCRIBE + PING, ["PSUBSCRIBE", "PING"], False),
        (SUBSCRIBE + UNSUBSCRIBE, ["PSUBSCRIBE", "PUNSUBSCRIBE"], True),
    ],
    ids=["asks", "listens", "listens and asks", "listens no longer"],
)
def test_only_who_listens_may_say_nothing(
    monkeypatch: pytest.MonkeyPatch, sent: bytes, names: list[str], ends: bool
) -> None:
    monkeypatch.setattr(relay, "IDLE_SECONDS", 0.05)
    passed, ended = asyncio.run(names_until_it_ends(sent, 0.5))
    assert (passed, isinstance(ended, TimeoutError)) == (names, ends)
