"""The parameters of a request, from its address and from a form in its body."""

from collections.abc import Iterable
from urllib.parse import parse_qsl

from soniquebay.api.opensubsonic.errors import GENERIC, MISSING_PARAMETER, SubsonicError

MAX_PARAMETERS = 20_100  # the entries of the longest playlist, and the others
_MAX_DIGITS = 18
_TRUE, _FALSE = frozenset({"true", "1", "yes", "on"}), frozenset({"false", "0", "no", "off"})


class Parameters:
    """Named values, each of which may come several times."""

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in pairs:
            self._values.setdefault(name, []).append(value)

    @classmethod
    def read(cls, *encoded: bytes) -> "Parameters":
        """Return the parameters of texts that are encoded as forms are. Raises `SubsonicError` for too many."""
        try:
            return cls(
                pair
                for text in encoded
                for pair in parse_qsl(
                    text.decode("latin-1"), keep_blank_values=True, errors="replace", max_num_fields=MAX_PARAMETERS
                )
            )
        except ValueError as error:
            raise SubsonicError(GENERIC, f"a request has at most {MAX_PARAMETERS} parameters") from error

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def all(self, name: str) -> list[str]:
        """Return all values of a parameter that are not empty."""
        return [value for value in self._values.get(name, ()) if value]

    def text(self, name: str, default: str = "") -> str:
        """Return the first value of a parameter."""
        return self._values.get(name, [default])[0]

    def required(self, name: str) -> str:
        """Return the first value of a parameter that has to be there. Raises `SubsonicError`."""
        value = self.text(name)
        if not value:
            raise SubsonicError(MISSING_PARAMETER, f"the parameter {name} is missing")
        return value

    def integer(self, name: str, default: int, low: int = 0, high: int = 2**31) -> int:
        """Return a number, brought into its range. Raises `SubsonicError` for what is no number."""
        value = self.text(name)
        return min(max(integer(name, value), low), high) if value else default

    def seconds(self, name: str) -> float:
        """Return a number of seconds that is not negative, 0 without it. Raises `SubsonicError`."""
        value = self.text(name)
        try:
            number = float(value or 0)
        except ValueError as error:
            raise SubsonicError(GENERIC, f"{name} is no number") from error
        if not 0 <= number <= 2**31:
            raise SubsonicError(GENERIC, f"{name} is no number of seconds")
        return number

    def boolean(self, name: str, default: bool) -> bool:
        """Return whether a parameter says so. Raises `SubsonicError` for what is neither `true` nor `false`."""
        value = self.text(name).lower()
        if not value:
            return default
        if value not in _TRUE | _FALSE:
            raise SubsonicError(GENERIC, f"{name} is neither true nor false")
        return value in _TRUE


def integer(name: str, value: str) -> int:
    """Return the number that a text is. Raises `SubsonicError`."""
    digits = value.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= _MAX_DIGITS):
        raise SubsonicError(GENERIC, f"{name} is no number")
    return int(value)
