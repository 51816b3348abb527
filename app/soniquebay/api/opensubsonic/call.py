"""One call of a method, with what its handler needs."""

import sqlite3
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from fastapi import Request, Response

from soniquebay.api.opensubsonic.errors import NOT_ALLOWED, SubsonicError
from soniquebay.api.opensubsonic.parameters import Parameters
from soniquebay.api.services import Services
from soniquebay.listeners.accounts import Visitor
from soniquebay.listeners.users import User

Content = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a method by a visitor who has signed in."""

    services: Services
    request: Request
    parameters: Parameters
    visitor: Visitor

    @property
    def library(self) -> sqlite3.Connection:
        """The reader of the library."""
        return self.services.database.reader()

    @property
    def listeners(self) -> sqlite3.Connection:
        """The reader of the listeners' database."""
        return self.services.accounts.database.reader()

    @property
    def user(self) -> User:
        """The user who calls. Raises `SubsonicError` where the appliance asks for no login."""
        if self.visitor.user is None:
            raise SubsonicError(NOT_ALLOWED, "this appliance asks for no login, so it keeps nothing of a user")
        return self.visitor.user

    @property
    def user_id(self) -> int | None:
        """The id of the user who calls, if there is one."""
        return self.visitor.user.id if self.visitor.user else None

    @property
    def client(self) -> str:
        """The name that the client gives itself."""
        return self.parameters.text("c")


Handler = Callable[[Call], Content]
PictureHandler = Callable[[Call], Response]
SoundHandler = Callable[[Call], Awaitable[Response]]
