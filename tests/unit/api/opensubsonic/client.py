"""A client of the OpenSubsonic API, which checks each answer against the fields that it has to have."""

import json
import os
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from fastapi.testclient import TestClient
from httpx import Response

from soniquebay.api.services import Services
from soniquebay.listeners import app_passwords, users
from tests.unit.api.opensubsonic.fields import check

NAMESPACE = "{http://subsonic.org/restapi}"
# While developing: the official schemas, to which each answer is held as well.
SCHEMAS = Path(os.environ.get("OPENSUBSONIC_SCHEMAS", "/nowhere"))
validated: set[str] = set()


class Client:
    """An app of a user, with an app password."""

    def __init__(self, http: TestClient, name: str, password: str) -> None:
        self.http, self.name, self.password = http, name, password

    def send(self, method: str, *, post: bool = False, **parameters: Any) -> Response:
        """Return the answer to a call."""
        given = {"u": self.name, "p": self.password, "v": "1.16.1", "c": "test", **parameters}
        if post:
            return self.http.post(f"/rest/{method}", data=given)
        return self.http.get(f"/rest/{method}", params=given)

    def get(self, method: str, **parameters: Any) -> Any:
        """Return what is in the answer to a call, which succeeds."""
        content = self._content(method, parameters)
        assert content["status"] == "ok", content
        return content

    def error(self, method: str, **parameters: Any) -> int:
        """Return the code with which a call is refused."""
        content = self._content(method, parameters)
        assert content["status"] == "failed", content
        assert content["error"]["message"]
        return int(content["error"]["code"])

    def _content(self, method: str, parameters: dict[str, Any]) -> Any:
        answer = self.send(method, f="json", **parameters)
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"] == "application/json"
        content = json.loads(answer.content, object_pairs_hook=all_known)["subsonic-response"]
        check(method, content)
        validate(method, answer.json())
        if method.startswith(("get", "search")):
            same = ElementTree.fromstring(self.send(method, **parameters).content)  # noqa: S314 - our own
            assert same.tag == f"{NAMESPACE}subsonic-response"
        return content

    def xml(self, method: str, **parameters: Any) -> ElementTree.Element:
        """Return the answer in XML."""
        answer = self.send(method, **parameters)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/xml"), answer.text
        return ElementTree.fromstring(answer.content)  # noqa: S314 - our own


def all_known(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object of JSON. A client may not bear null where it expects text or a number."""
    assert all(value is not None for _, value in pairs), pairs
    return dict(pairs)


def app_of(services: Services, http: TestClient, name: str, role: str = "listen") -> Client:
    """Return an app of a user."""
    user = users.by_name(services.accounts.database.reader(), name)
    with services.accounts.change() as db:
        _, password = app_passwords.make(db, services.accounts.key, user.id, f"test {role}", role)
    return Client(http, name, password)


def validate(method: str, answer: Any) -> None:
    """Hold an answer to the official schema of its method, where that is at hand."""
    if not SCHEMAS.exists():
        return
    import jsonschema

    defined = json.loads(SCHEMAS.read_text())
    name = method.removesuffix(".view")
    titled = f"endpoints_{name}_{name[0].upper()}{name[1:]}Response"
    if name == "tokenInfo":
        titled = "endpoints_tokenInfo_GetTokenInfoResponse"
    content = answer["subsonic-response"]
    schema = (
        {"$ref": f"#/$defs/{titled}"} if titled in defined["$defs"] else {"$ref": "#/$defs/schemas_SubsonicResponse"}
    )
    jsonschema.Draft202012Validator({**schema, **defined}).validate(answer)
    if content["status"] == "ok":
        validated.add(name)
