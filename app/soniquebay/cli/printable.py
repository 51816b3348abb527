"""Text for a terminal."""


def printable(text: str) -> str:
    """Escape control characters: the name of a file must not send commands to the terminal."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def counted(number: int, plural: str) -> str:
    """Return a number with its noun, whose plural ends in "s"."""
    return f"{number} {plural.removesuffix('s') if number == 1 else plural}"
