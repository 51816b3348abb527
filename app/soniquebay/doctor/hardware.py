"""The board: temperature, voltage, throttling, memory, and how worn the card is."""

from collections.abc import Iterator

from soniquebay import board, card, procfs
from soniquebay.doctor.finding import Finding, ok, unknown, wrong
from soniquebay.doctor.surroundings import Surroundings
from soniquebay.sentences import as_sentence

HOT_CELSIUS = 80.0  # a Raspberry Pi slows itself down from here on
MIN_AVAILABLE_MEMORY_SHARE = 0.05
HIGH_PRESSURE_PERCENT = 20.0  # of the last minute, in which some program waited for memory
WORN_PERCENT = 80
_IN_WORDS: dict[board.Slowing, tuple[str, str]] = {
    "under_voltage": ("the voltage is too low", "Use the official power supply, and a powered hub for drives."),
    "frequency_capped": ("the processor may not run at full speed", "Check the power supply and the cooling."),
    "throttled": ("the processor was slowed down", "Check the power supply and the cooling."),
    "soft_temperature_limit": ("the processor is hot", "Give it air, or a heat sink."),
}


def temperature(around: Surroundings) -> Iterator[Finding]:
    """Check the temperature of the processor."""
    celsius = board.temperature_celsius(around.sys)
    if celsius is None:
        yield unknown("This machine does not tell its temperature.")
    elif celsius >= HOT_CELSIUS:
        yield wrong(f"The processor has {celsius:.0f} °C, so it slows itself down.", "Give it air, or a heat sink.")
    else:
        yield ok(f"The processor has {celsius:.0f} °C.")


def slowing(around: Surroundings) -> Iterator[Finding]:
    """Check whether the board slows itself down, or has since its start."""
    reasons = board.throttling(around.sys)
    if reasons is None:
        yield unknown("This machine does not tell whether it slows itself down.")
        return
    for reason in dict.fromkeys((*reasons.now, *reasons.since_start)):
        what, remedy = _IN_WORDS[reason]
        when = "now" if reason in reasons.now else "not now, but since the start of the machine"
        yield wrong(f"On this board {what} ({when}).", remedy)
    if not reasons.now and not reasons.since_start:
        yield ok("The board runs at full speed.")


def memory(around: Surroundings) -> Iterator[Finding]:
    """Check that there is memory, and that programs do not wait for it."""
    total, available = procfs.total_memory_mb(around.proc), procfs.available_memory_mb(around.proc)
    pressure = procfs.memory_pressure_percent(around.proc)
    what = f"{available} of {total} MiB of memory can be given"
    remedy = (
        "Stop programs that are not part of the appliance. A worker with one process needs less: "
        "SONIQUEBAY_PROCESSES=1 in /etc/soniquebay/soniquebay.env"
    )
    if available < MIN_AVAILABLE_MEMORY_SHARE * total:
        yield wrong(f"Memory is short: {what}.", remedy)
    elif pressure is not None and pressure > HIGH_PRESSURE_PERCENT:
        yield wrong(f"Programs waited for memory in {pressure:.0f} % of the last minute; {what}.", remedy)
    else:
        yield ok(as_sentence(what))


def card_health(around: Surroundings) -> Iterator[Finding]:
    """Check what cards tell of their wear. Most do not."""
    found = card.health(around.sys)
    if found is None or (found.worn_percent is None and found.reserve is None):
        yield unknown("The card does not tell how worn it is.")
    elif found.reserve in {"warning", "urgent"} or (found.worn_percent or 0) >= WORN_PERCENT:
        yield wrong(
            f"The card is worn: {found.worn_percent} % of its life is used, its reserve is {found.reserve}.",
            "Copy the data, and replace the card soon.",
        )
    else:
        yield ok(f"At most {found.worn_percent} % of the card's life is used.")
