"""Access to the public API and the internal API."""

from __future__ import annotations

from ..client import Appliance

# an HTTP client for the Unix socket that needs only the Python of the appliance
CLIENT = """
import http.client, socket, sys
class Client(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect("/run/soniquebay/api.sock")
for method, path in (argument.split("=") for argument in sys.argv[1:]):
    client = Client("api", timeout=300)
    client.request(method, path, body="{}", headers={"Content-Type": "application/json"})
    print(client.getresponse().status)
"""
INTERNAL_ROUTES = (
    ("POST", "/internal/batches/nothing"),
    ("PUT", "/internal/vectors/1"),
    ("POST", "/internal/sessions/1/batches"),
)


def test_internal_routes_are_refused_on_the_lan(appliance: Appliance) -> None:
    assert [appliance.http(path, method).status for method, path in INTERNAL_ROUTES] == [401] * len(INTERNAL_ROUTES)
    assert [appliance.api(path, method).status for method, path in INTERNAL_ROUTES] == [403] * len(INTERNAL_ROUTES)


def test_only_the_worker_may_use_internal_routes_on_the_socket(appliance: Appliance) -> None:
    arguments = " ".join(f"{method}={path}" for method, path in INTERNAL_ROUTES)
    client = f"python3 - {arguments} <<'END'\n{CLIENT}\nEND\n"
    statuses = appliance.run(f"runuser -u soniquebay-worker -g soniquebay -- {client}").split()
    # these statuses come from the routes themselves: unknown ids and empty bodies
    assert len(statuses) == len(INTERNAL_ROUTES)
    assert set(statuses) <= {"404", "422"}
    assert "422" in statuses
    status, output = appliance.try_run(f"runuser -u nobody -- {client}")
    assert status != 0
    assert "PermissionError" in output


def test_a_restart_of_the_api_refuses_no_connection(appliance: Appliance) -> None:
    main_pid = "systemctl show -P MainPID soniquebay-api.service"
    before = appliance.run(main_pid)
    appliance.run("systemctl restart --no-block soniquebay-api.service")
    statuses = [appliance.http("/api/session").status for _ in range(3)]
    assert statuses == [200, 200, 200]
    appliance.healthy()
    assert appliance.run(main_pid) not in (before, "0\n")
