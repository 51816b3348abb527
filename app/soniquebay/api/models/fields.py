"""Fields that requests and answers of many kinds have."""

from contextvars import ContextVar
from typing import Annotated

from pydantic import AfterValidator, Field, PlainSerializer

from soniquebay.library.similarity.tag_names import tag_named

# The encoded roots, each with "/" behind it, that are cut off the paths in the answer to the present request.
hidden_roots: ContextVar[tuple[str, ...]] = ContextVar("hidden_roots", default=())


def _without_root(path: str) -> str:
    for root in hidden_roots.get():
        if path.startswith(root):
            return path.removeprefix(root)
    return path


Id = Annotated[int, Field(ge=1, le=2**62)]
UnixTime = Annotated[float, Field(description="seconds since 1970-01-01 UTC")]
LibraryPath = Annotated[
    str,
    Field(
        description="a byte that is not UTF-8 reads \\xNN, and a backslash is doubled; visitors who do not manage the "
        "appliance see the part below the folder of music"
    ),
    PlainSerializer(_without_root),
]
TagName = Annotated[str, Field(max_length=100), AfterValidator(tag_named)]
"""A sound tag as the listeners see it; a synonym becomes its tag, and an unknown one is refused with the known ones."""
EncodedPath = Annotated[str, Field(description="a byte that is not UTF-8 reads \\xNN, and a backslash is doubled")]
