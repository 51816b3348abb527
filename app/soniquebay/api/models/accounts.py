"""What the API accepts and answers about users, sessions and app passwords."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from soniquebay.listeners import app_passwords, passwords, users

Name = Annotated[str, StringConstraints(min_length=1, max_length=users.MAX_TYPED_CHARACTERS)]
NewPassword = Annotated[
    str, Field(max_length=passwords.MAX_BYTES, description=f"at least {passwords.MIN_CHARACTERS} characters")
]
Password = Annotated[str, Field(max_length=passwords.MAX_BYTES)]
Role = Annotated[Literal["listen", "manage"], Field(description="`manage`: may also scan, and add and remove users")]


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Claim(_Request):
    """The owner to be, and the code that the machine shows."""

    code: Annotated[str, Field(max_length=100)]
    name: Name
    password: NewPassword


class Adoption(_Request):
    """A user of the machine who is to be the owner."""

    name: Name
    machines_hash: Annotated[str, Field(max_length=500, description="of the user's password, as in /etc/shadow")]


class Credentials(_Request):
    """Name and password of a user."""

    name: Name
    password: Password


class User(BaseModel):
    """A user of the appliance."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    name: str
    role: Role
    is_owner: bool
    created_at: float = Field(description="Unix time")


class Session(BaseModel):
    """Who is signed in."""

    claimed: bool = Field(description="whether the appliance has an owner")
    user: User | None
    role: Role | None = Field(description="what the visitor may do; null: nobody has signed in")
    means: Literal["session", "app password", "machine", "guest"] | None


class NewUser(_Request):
    """A user to be added."""

    name: Name
    password: NewPassword
    role: Role = "listen"


class UserChange(_Request):
    """What is to be changed of a user."""

    role: Role | None = None
    password: NewPassword | None = None


class PasswordChange(_Request):
    """A user's new password."""

    old: Password
    new: NewPassword
    revoke_apps: bool = Field(default=False, description="whether all app passwords are revoked, too")


class NewAppPassword(_Request):
    """An app password to be made."""

    name: Annotated[str, Field(max_length=app_passwords.MAX_NAME_CHARACTERS, description="of the app or device")]
    role: Role = "listen"


class AppPassword(BaseModel):
    """An app password, without the password itself."""

    id: int
    name: str
    role: Role
    created_at: float = Field(description="Unix time")
    used_at: float | None = Field(description="Unix time, to some ten minutes")
    used_by: str | None = Field(description="what the app calls itself")


class MadeAppPassword(BaseModel):
    """A new app password, shown only now."""

    id: int
    name: str
    password: str


class WebSession(BaseModel):
    """A browser in which the user has signed in."""

    id: int
    created_at: float = Field(description="Unix time")
    used_at: float = Field(description="Unix time, to the day")
    address: str
    browser: str
    is_current: bool


class Users(BaseModel):
    """All users, the owner first."""

    items: list[User]


class AppPasswords(BaseModel):
    """The app passwords of the user who has signed in, the newest first."""

    items: list[AppPassword]


class WebSessions(BaseModel):
    """The sessions of the user who has signed in, the last used first."""

    items: list[WebSession]
