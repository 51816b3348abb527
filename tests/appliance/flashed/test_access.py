"""What each door lets in."""

from __future__ import annotations

import pytest

from ..client import Appliance, until

# speaks HTTP over the Unix socket with what the appliance has
CLIENT = """
import http.client, socket, sys
class Client(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect("/run/soniquebay/api.sock")
for method, path in (word.split("=") for word in sys.argv[1:]):
    client = Client("api", timeout=300)
    client.request(method, path, body="{}", headers={"Content-Type": "application/json"})
    print(client.getresponse().status)
"""
INSERTS = (
    ("POST", "/internal/batches/nothing"),
    ("PUT", "/internal/vectors/1"),
    ("POST", "/internal/sessions/1/batches"),
)


def test_inserts_are_refused_on_the_lan(appliance: Appliance) -> None:
    assert [appliance.api(path, method).status for method, path in INSERTS] == [403] * len(INSERTS)


def test_inserts_are_answered_on_the_socket_for_the_worker_alone(appliance: Appliance) -> None:
    words = " ".join(f"{method}={path}" for method, path in INSERTS)
    ask = f"python3 - {words} <<'END'\n{CLIENT}\nEND\n"
    statuses = appliance.run(f"runuser -u soniquebay-worker -g soniquebay -- {ask}").split()
    # nothing to insert, or not such a thing: the routes themselves say so
    assert len(statuses) == len(INSERTS)
    assert set(statuses) <= {"404", "422"}
    assert "422" in statuses
    status, said = appliance.try_run(f"runuser -u nobody -- {ask}")
    assert status != 0
    assert "PermissionError" in said


@pytest.mark.parametrize("path", ["/", "/metrics", "/healthcheck", "/api/workers", "/static/css/flower.css"])
def test_flower_asks_everyone_for_the_password(appliance: Appliance, path: str) -> None:
    assert appliance.flower(path).status == 401
    assert appliance.flower(path, "wrong").status == 401


def test_flower_opens_with_the_password_of_this_device(appliance: Appliance) -> None:
    password = appliance.flower_password()
    assert len(password) == 24
    known = until("Flower's worker answers", lambda: appliance.flower("/api/workers?refresh=1", password).json)
    assert len(known) == 1
    assert appliance.flower("/metrics", password).status == 200


def test_a_restart_of_the_api_refuses_no_connection(appliance: Appliance) -> None:
    show = "systemctl show -P MainPID soniquebay-api.service"
    before = appliance.run(show)
    appliance.run("systemctl restart --no-block soniquebay-api.service")
    answers = [appliance.api("/api/artists?limit=1").status for _ in range(3)]
    assert answers == [200, 200, 200]
    appliance.healthy()
    assert appliance.run(show) not in (before, "0\n")
