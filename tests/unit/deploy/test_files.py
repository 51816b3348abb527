"""deploy/: what compose.yml and kubernetes.yml say agrees with the image, with the program, and with each other."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from soniquebay import settings
from soniquebay.cli import COMMANDS

ROOT = Path(__file__).resolve().parents[3]
DEPLOY = ROOT / "deploy"
COMPOSE = yaml.safe_load((DEPLOY / "compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OBJECTS = {one["kind"]: one for one in yaml.safe_load_all((DEPLOY / "kubernetes.yml").read_text())}
POD = OBJECTS["StatefulSet"]["spec"]["template"]["spec"]
CONTAINERS: dict[str, dict[str, Any]] = {one["name"]: one for one in POD["containers"]}
PREPARE = (DEPLOY / "prepare.sh").read_text()
CONTAINERFILE = (DEPLOY / "Containerfile").read_text()
PROGRAMS = {"redis", "api", "worker", "worker-proxy", "flower", "online"}
# What the worker, which reads files of unknown origin, must not write or see.
FORBIDDEN = {"/run/soniquebay-control", "/run/soniquebay-workers"}


def users() -> dict[str, int]:
    """Return the user of each program, as the image has it."""
    made = {
        name: int(number) for number, name in re.findall(r"^user (\d+) soniquebay-([\w-]+)$", PREPARE, re.MULTILINE)
    }
    redis = re.search(r"^usermod --uid (\d+)", PREPARE, re.MULTILINE)
    assert redis is not None
    return {**made, "redis": int(redis[1])}


def mounts(program: str) -> dict[str, str]:
    """Return the folders of a service of compose.yml, each `rw` or `ro`."""
    found = {}
    for volume in SERVICES[program].get("volumes", []):
        _, target, mode = re.fullmatch(r"(.+?):(/[a-z/-]+)(?::(ro))?", re.sub(r"\$\{[^}]*\}", "music", volume)).groups()  # type: ignore[union-attr]
        found[target] = mode or "rw"
    return found


def pod_mounts(program: str) -> dict[str, str]:
    return {
        one["mountPath"]: "ro" if one.get("readOnly") else "rw"
        for one in CONTAINERS[program]["volumeMounts"]
        if one["mountPath"] != "/tmp"
    }


def test_both_run_the_same_programs_with_the_same_folders() -> None:
    assert SERVICES.keys() == CONTAINERS.keys() == PROGRAMS
    for program in PROGRAMS:
        assert mounts(program) == pod_mounts(program), program


@pytest.mark.parametrize("program", sorted(PROGRAMS))
def test_each_program_has_a_user_of_its_own_and_no_privileges(program: str) -> None:
    user, group = map(int, SERVICES[program]["user"].split(":"))
    context = CONTAINERS[program]["securityContext"]
    assert (user, group) == (context["runAsUser"], context["runAsGroup"])
    assert user == users()[program]
    assert context["allowPrivilegeEscalation"] is False
    assert context["readOnlyRootFilesystem"] is True
    assert context["capabilities"] == {"drop": ["ALL"]}
    service = SERVICES[program]
    assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not {"privileged", "cap_add", "devices", "pid", "ipc"} & service.keys()


def test_each_user_is_another_one() -> None:
    assert len(set(users().values())) == len(users())
    assert 0 not in users().values()
    assert re.search(r"^USER (\d+):", CONTAINERFILE, re.MULTILINE)[1] == str(users()["api"])  # type: ignore[index]


@pytest.mark.parametrize("program", sorted(PROGRAMS))
def test_each_program_has_limits(program: str) -> None:
    resources = CONTAINERS[program]["resources"]
    assert {"cpu", "memory"} <= resources["requests"].keys()
    assert "memory" in resources["limits"]
    assert {"mem_limit", "pids_limit"} <= SERVICES[program].keys()


def test_only_the_api_writes_the_library() -> None:
    writers = {program for program in PROGRAMS if mounts(program).get("/data") == "rw"}
    assert writers == {"api"}
    assert {mounts(program)["/music"] for program in PROGRAMS if "/music" in mounts(program)} == {"ro"}
    assert FORBIDDEN.isdisjoint(mounts("worker"))
    # A socket is made by one program; the others can neither replace nor remove it.
    for folder in ("/run/redis", "/run/soniquebay", "/run/soniquebay-workers", "/run/soniquebay-online"):
        assert len([program for program in PROGRAMS if mounts(program).get(folder) == "rw"]) == 1
    assert "replicas" not in SERVICES["api"].get("deploy", {})
    assert OBJECTS["StatefulSet"]["spec"]["replicas"] == 1


def test_only_those_with_a_reason_have_a_network() -> None:
    without = {name for name, service in SERVICES.items() if service.get("network_mode") == "none"}
    assert without == {"redis", "worker"}
    assert {name for name, service in SERVICES.items() if "ports" in service} == {"api", "worker-proxy", "flower"}


def test_every_command_and_every_setting_exists() -> None:
    source = Path(settings.__file__).read_text() + (ROOT / "app/soniquebay/backup_settings.py").read_text()
    names = set(re.findall(r'"([A-Z][A-Z_]+)"', source))
    for program in PROGRAMS - {"redis"}:
        command = SERVICES[program]["command"]
        assert command == CONTAINERS[program]["args"]
        assert command[0] in COMMANDS
        variables = [
            *SERVICES[program].get("environment", {}),
            *(one["name"] for one in CONTAINERS[program].get("env", [])),
        ]
        for name in variables:
            assert not name.startswith("SONIQUEBAY_") or name.removeprefix("SONIQUEBAY_") in names, name
    for name in re.findall(r"SONIQUEBAY_([A-Z_]+)=", CONTAINERFILE):
        assert name in names, name
    assert SERVICES["redis"]["entrypoint"] == CONTAINERS["redis"]["command"]


def test_the_image_has_the_folders_of_its_settings() -> None:
    values = dict(re.findall(r"(SONIQUEBAY_[A-Z_]+)=(\S+)", CONTAINERFILE))
    read = settings.from_environment(values)
    folders = {*re.findall(r"^folder \S+ \S+ \d+ (\S+)$", PREPARE, re.MULTILINE)}
    sockets = (read.api_socket, read.control_socket, read.remote_socket, read.online_socket)
    assert {str(read.data), str(read.music[0]), *(str(socket.parent) for socket in sockets)} <= folders
    assert read.redis.removeprefix("unix://").rpartition("/")[0] in folders
    assert {target for program in PROGRAMS for target in mounts(program)} == folders


@pytest.mark.parametrize("version", ["1.30", "1.37"])
@pytest.mark.parametrize("kind", sorted(OBJECTS))
def test_kubernetes_knows_every_field(kind: str, version: str) -> None:
    assert kubernetes_validate.validate(OBJECTS[kind], version, strict=True) == version


def test_workers_elsewhere_are_told_the_port_of_the_worker_proxy() -> None:
    """Inside it listens on its default port; outside the port may be another one, which the API tells them."""
    name, inside = "SONIQUEBAY_WORKER_PROXY_PORT", settings.from_environment({}).worker_proxy_port
    outside = f"${{{name}:-{inside}}}"
    assert SERVICES["worker-proxy"]["ports"] == [f"{outside}:{inside}"]
    assert SERVICES["api"]["environment"][name] == outside
    assert CONTAINERS["worker-proxy"]["ports"] == [{"name": "workers", "containerPort": inside}]
    told = {one["name"]: one["value"] for one in CONTAINERS["api"]["env"]}[name]
    ports = {port["name"]: port["port"] for port in OBJECTS["Service"]["spec"]["ports"]}
    assert told == str(ports["workers"])


def test_the_pod() -> None:
    assert OBJECTS.keys() == {"Service", "NetworkPolicy", "StatefulSet"}
    assert POD["automountServiceAccountToken"] is False
    assert POD["securityContext"]["runAsNonRoot"] is True
    assert POD["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    labels = OBJECTS["StatefulSet"]["spec"]["template"]["metadata"]["labels"].items()
    for selector in (
        OBJECTS["StatefulSet"]["spec"]["selector"]["matchLabels"],
        OBJECTS["Service"]["spec"]["selector"],
        OBJECTS["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"],
    ):
        assert selector.items() <= labels
    ports = {port["name"] for one in CONTAINERS.values() for port in one.get("ports", [])}
    assert {port["targetPort"] for port in OBJECTS["Service"]["spec"]["ports"]} == ports
    assert {port["port"] for rule in OBJECTS["NetworkPolicy"]["spec"]["ingress"] for port in rule["ports"]} == ports


def test_every_volume_of_the_pod_exists_and_is_used() -> None:
    volumes = {one["name"] for one in POD["volumes"]}
    claims = {one["metadata"]["name"] for one in OBJECTS["StatefulSet"]["spec"]["volumeClaimTemplates"]}
    used = {one["name"] for container in CONTAINERS.values() for one in container["volumeMounts"]}
    assert volumes | claims == used
    assert volumes & claims == set()
    named = {volume.partition(":")[0] for service in SERVICES.values() for volume in service["volumes"]}
    assert {name for name in named if not name.startswith("$")} == COMPOSE["volumes"].keys()


def test_the_probes() -> None:
    api = CONTAINERS["api"]
    assert {"startupProbe", "readinessProbe", "livenessProbe"} <= api.keys()
    # A restart would not help where another part is ill, so no probe asks for the health of all.
    assert {api[name]["httpGet"]["path"] for name in ("readinessProbe", "livenessProbe")} == {"/api/session"}
    assert {name for name, one in CONTAINERS.items() if "livenessProbe" in one} == {"redis", "api", "flower"}
    socket = CONTAINERS["redis"]["livenessProbe"]["exec"]["command"][2]
    assert SERVICES["redis"]["healthcheck"]["test"][3] == socket
    assert f"unix://{socket}" in CONTAINERFILE
