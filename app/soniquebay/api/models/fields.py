"""Fields that requests and answers of many kinds have."""

from typing import Annotated

from pydantic import Field

Id = Annotated[int, Field(ge=1, le=2**62)]
UnixTime = Annotated[float, Field(description="seconds since 1970-01-01 UTC")]
EncodedPath = Annotated[str, Field(description="a byte that is not UTF-8 reads \\xNN, and a backslash is doubled")]
