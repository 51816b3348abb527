"""The sound tags that listeners see: which of the model's words each stands for, and which are genres."""

from soniquebay.audio.sound_tags import SOUND_TAGS

# Words of one meaning are one tag.
_SYNONYMS = {
    "chill": ("chill", "chillout", "Mellow"),
    "female vocalists": ("female vocalists", "female vocalist"),
    "electronic": ("electronic", "electronica"),
}
# A sound does not say its decade, and the model gives these two moods to nothing: at most 0.03.
_LEFT_OUT = frozenset({"60s", "70s", "80s", "90s", "00s", "happy", "sad"})
_NO_GENRES = frozenset(
    {"beautiful", "chill", "male vocalists", "female vocalists", "instrumental", "oldies", "acoustic", "guitar",
     "party", "easy listening", "sexy", "catchy"}
)  # fmt: skip


def _words() -> dict[str, tuple[str, ...]]:
    merged = {word for words in _SYNONYMS.values() for word in words}
    alone = {word.lower(): (word,) for word in SOUND_TAGS if word not in merged | _LEFT_OUT}
    return dict(sorted({**alone, **_SYNONYMS}.items()))


TAG_WORDS = _words()
"""The words of the model by the names of the tags, in the order of the names."""

TAG_NAMES = tuple(TAG_WORDS)

TAGS_OF_GENRES = frozenset(TAG_NAMES) - _NO_GENRES

_BY_WORD = {word.lower(): name for name, words in TAG_WORDS.items() for word in (*words, name)}


class UnknownTagError(ValueError):
    """A text names no sound tag. The text of the error has the known ones."""


def tag_named(text: str) -> str:
    """Return the name of the tag that a text says in any case, by a synonym, too. Raises `UnknownTagError`."""
    name = _BY_WORD.get(" ".join(text.lower().split()))
    if name is None:
        raise UnknownTagError(f"there is no sound tag {text[:100]!r}; there are: {', '.join(TAG_NAMES)}")
    return name
