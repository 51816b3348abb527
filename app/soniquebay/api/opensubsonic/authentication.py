"""Who calls: by an app password, as token and salt, in clear, in hexadecimal, or as an API key."""

from soniquebay.api.opensubsonic.errors import (
    CONFLICTING_CREDENTIALS,
    MISSING_PARAMETER,
    UNSUPPORTED_CREDENTIALS,
    WRONG_API_KEY,
    WRONG_CREDENTIALS,
    Code,
    SubsonicError,
)
from soniquebay.api.opensubsonic.parameters import Parameters
from soniquebay.api.services import Services
from soniquebay.listeners.accounts import Accounts, TooManyAttemptsError, Visitor, WrongPasswordError

MAX_CREDENTIALS_CHARACTERS = 2000
_HINT = "wrong name or app password: apps need an app password, which you make on this appliance; your own is not taken"
_MEANS = ("apiKey", "p", "t", "jwt")


def visitor_of(services: Services, parameters: Parameters, address: str) -> Visitor:
    """Return who calls. Raises `SubsonicError`."""
    if not services.settings.login:
        return Visitor("manage", "machine")
    given = [name for name in _MEANS if parameters.text(name)]
    if len(given) > 1 or ("apiKey" in given and "u" in parameters):
        raise SubsonicError(CONFLICTING_CREDENTIALS, "send either apiKey alone, or u with p, or u with t and s")
    if given == ["jwt"]:
        raise SubsonicError(UNSUPPORTED_CREDENTIALS, "send apiKey, or u with p, or u with t and s")
    for name in ("u", *_MEANS, "s"):
        if len(parameters.text(name)) > MAX_CREDENTIALS_CHARACTERS:
            raise SubsonicError(WRONG_CREDENTIALS, _HINT)
    code: Code = WRONG_API_KEY if given == ["apiKey"] else WRONG_CREDENTIALS
    try:
        return _found(services.accounts, parameters, address, given)
    except WrongPasswordError as error:
        raise SubsonicError(code, _HINT) from error
    except TooManyAttemptsError as error:
        raise SubsonicError(code, f"{_HINT}. {str(error).capitalize()}") from error


def _found(accounts: Accounts, parameters: Parameters, address: str, given: list[str]) -> Visitor:
    client = parameters.text("c")
    if given == ["apiKey"]:
        return accounts.visitor_of_app_password(parameters.text("apiKey"), client, address)
    name = parameters.required("u")
    if given == ["t"]:
        return accounts.visitor_of_token(name, parameters.text("t"), parameters.required("s"), client, address)
    if not given:
        raise SubsonicError(MISSING_PARAMETER, "credentials are missing: apiKey, or p, or t and s")
    return accounts.visitor_of_app_password(_decoded(parameters.text("p")), client, address, name)


def _decoded(password: str) -> str:
    """Return a password that may be in hexadecimal."""
    if not password.startswith("enc:"):
        return password
    try:
        return bytes.fromhex(password.removeprefix("enc:")).decode()
    except ValueError as error:
        raise WrongPasswordError("it is not hexadecimal") from error
