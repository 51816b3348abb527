"""Texts of the programs as sentences for people."""


def as_sentence(text: str) -> str:
    """Return a text with a capital at its beginning and a full stop at its end."""
    return f"{text[0].upper()}{text[1:]}."
