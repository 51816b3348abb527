"""Methods about users. They are managed on the appliance: an app password makes no users."""

from typing import Any

from soniquebay.api.opensubsonic.call import Call, Content, Handler
from soniquebay.api.opensubsonic.errors import NOT_ALLOWED, NOT_FOUND, SubsonicError
from soniquebay.listeners import users
from soniquebay.listeners.users import User


def _get_user(call: Call) -> Content:
    caller = call.visitor.user
    if caller is None:
        return {"user": _fields(call.parameters.text("username", "guest"), call.visitor.role == "manage")}
    name = call.parameters.text("username") or caller.name
    if users.name_key(name) == users.name_key(caller.name):
        # An app may do less than its user.
        return {"user": _fields(caller.name, call.visitor.role == "manage")}
    _require_manager(call)
    user = users.by_name(call.listeners, name)
    if user is None:
        raise SubsonicError(NOT_FOUND, "there is no user of this name")
    return {"user": _of(user)}


def _get_users(call: Call) -> Content:
    _require_manager(call)
    return {"users": {"user": [_of(user) for user in users.all_users(call.listeners)]}}


def _require_manager(call: Call) -> None:
    if call.visitor.role != "manage":
        raise SubsonicError(NOT_ALLOWED, "only users who may manage the appliance see others, by an app that may")


def _of(user: User) -> dict[str, Any]:
    return _fields(user.name, user.role == "manage")


def _fields(name: str, may_manage: bool) -> dict[str, Any]:
    return {
        "username": name,
        "scrobblingEnabled": True,
        "adminRole": may_manage,
        "settingsRole": False,
        "downloadRole": True,
        "uploadRole": False,
        "playlistRole": True,
        "coverArtRole": False,
        "commentRole": True,
        "podcastRole": False,
        "streamRole": True,
        "jukeboxRole": False,
        "shareRole": False,
        "videoConversionRole": False,
    }


def _refuse(_: Call) -> Content:
    raise SubsonicError(NOT_ALLOWED, "an app password changes no users: sign in on this appliance for this")


METHODS: dict[str, Handler] = {
    "getUser": _get_user,
    "getUsers": _get_users,
    "createUser": _refuse,
    "updateUser": _refuse,
    "deleteUser": _refuse,
    "changePassword": _refuse,
}
