"""Every unit of the roles, as Ansible renders it with the roles' defaults, is one that systemd accepts."""

import subprocess
from pathlib import Path

import pytest

from soniquebay import allowed_workers, redis_files
from soniquebay.authority import AUTHORITY_FILE, WORKER_PROXY_FILE
from soniquebay.releases import request as update_request
from soniquebay.settings import from_environment
from soniquebay.worker_proxy.commands import REDIS_RULES
from tests.roles.playbook import ROLES, load
from tests.roles.rendering import OTHER_VALUES, rendered

SUFFIXES = (".service", ".socket", ".timer", ".path", ".slice", ".target")
SHARED = load(ROLES / "soniquebay/defaults/main.yml") | load(ROLES / "soniquebay/vars/main.yml")
# What the units start is not on this machine; systemd also checks that it is there.
STAND_INS = {f"{SHARED['soniquebay_command']} ": "/bin/true ", f"{SHARED['soniquebay_scripts']}/": "/bin/true /"}


def templates() -> list[Path]:
    return sorted(t for t in ROLES.glob("*/templates/**/soniquebay*.j2") if t.stem.endswith(SUFFIXES))


@pytest.fixture(scope="module", params=["default", "self-signed", "own"])
def host(request: pytest.FixtureRequest) -> str:
    """Return the name of a host of `rendered`."""
    return str(request.param)


@pytest.fixture(scope="module")
def folder_of_units(host: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write all units of a host into one folder, so that they find each other."""
    folder = tmp_path_factory.mktemp("units")
    units = units_of(host)
    for template in templates():
        text = units[template.stem]
        for program, stand_in in STAND_INS.items():
            text = text.replace(program, stand_in)
        (folder / template.stem).write_text(text)
    return folder


def units_of(host: str) -> dict[str, str]:
    return {
        Path(path).name: file["content"]
        for files in rendered()[host].values()
        for path, file in files.items()
        if Path(path).parent == Path("/etc/systemd/system") and "content" in file
    }


def verify(unit: Path) -> str:
    # an instance, because systemd does not check a template by itself
    name = unit.name.replace("@.", "@sda1.")
    run = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", str(unit.with_name(name))],
        check=False, capture_output=True, text=True,
        env={"SYSTEMD_UNIT_PATH": f"{unit.parent}:", "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    # other packages' units on this machine are not tested here
    lines = [line for line in run.stderr.splitlines() if "soniquebay" in line or str(unit.parent) in line]
    return "\n".join(lines) or ("" if run.returncode == 0 else run.stderr)


@pytest.mark.parametrize("name", [t.stem for t in templates()])
def test_systemd_accepts_the_unit(folder_of_units: Path, name: str) -> None:
    assert verify(folder_of_units / name) == ""


@pytest.mark.parametrize("name", ["soniquebay-worker.service", "soniquebay-worker@.service"])
def test_a_worker_may_lower_the_priority_of_its_processes(folder_of_units: Path, name: str) -> None:
    """Its last lines are lines of their own: systemd reports no error when one is appended to the line before."""
    lines = (folder_of_units / name).read_text().splitlines()
    assert "InaccessiblePaths=-/boot" in lines
    last = [line for line in lines if line.startswith("SystemCallFilter=")][-1]
    assert last == "SystemCallFilter=setpriority"


def test_systemd_rejects_a_misspelt_directive(folder_of_units: Path) -> None:
    # otherwise the empty output above would prove nothing
    unit = folder_of_units / "soniquebay-api.service"
    broken = folder_of_units / "soniquebay-broken.service"
    broken.write_text(unit.read_text().replace("Restart=", "Restrat="))
    assert "Restrat" in verify(broken)


def directives(text: str, name: str) -> list[str]:
    return [line.partition("=")[2] for line in text.splitlines() if line.startswith(f"{name}=")]


def test_what_the_api_asks_for_is_what_root_waits_for() -> None:
    units = units_of("other")
    root, data = OTHER_VALUES["soniquebay_root"], SHARED["soniquebay_data"]
    request = f"{data}/{update_request.UPDATE_FOLDER}/{update_request.REQUEST_FILE}"
    assert directives(units["soniquebay-update.path"], "PathExists") == [request]
    assert f"SONIQUEBAY_RELEASES={root}" in directives(units["soniquebay-api.service"], "Environment")
    (command,) = directives(units["soniquebay-update.service"], "ExecStart")
    assert f" release take --root {root} --data {data} " in command


def test_the_api_listens_with_tls_where_it_is_wanted() -> None:
    ports = {
        host: [
            value for value in directives(units_of(host)["soniquebay-api.socket"], "ListenStream") if "/" not in value
        ]
        for host in ("default", "self-signed", "own")
    }
    assert ports == {"default": ["80"], "self-signed": ["80", "8443"], "own": ["80", "443"]}


@pytest.mark.parametrize(
    ("host", "program", "expected"),
    [
        ("default", "api", {}),
        ("default", "flower", {}),
        ("self-signed", "api", {}),  # it makes the file, and owns it
        ("self-signed", "flower", {"certificate": "/var/lib/soniquebay/self-signed.pem"}),
        ("own", "api", {"certificate": "/etc/ssl/private/music.pem", "key": "/etc/ssl/private/music.key"}),
        ("own", "flower", {"certificate": "/etc/ssl/private/music.pem", "key": "/etc/ssl/private/music.key"}),
    ],
)
def test_systemd_hands_the_certificate_to_those_who_show_it(host: str, program: str, expected: dict[str, str]) -> None:
    unit = units_of(host)[f"soniquebay-{program}.service"]
    assert dict(value.split(":") for value in directives(unit, "LoadCredential")) == expected
    # Without a default, a file that is missing would end the unit with a message that does not name it.
    assert {value.split(":")[0] for value in directives(unit, "SetCredential")} == expected.keys()
    assert "InaccessiblePaths=-/boot" in unit.splitlines()


def test_the_worker_proxy_starts_with_the_first_worker_elsewhere() -> None:
    units = units_of("default")
    environment = rendered()["default"]["services"]["/etc/soniquebay/soniquebay.env"]["content"].splitlines()
    variables = dict(line.split("=", 1) for line in environment if "=" in line)
    settings = from_environment(variables)
    assert directives(units["soniquebay-worker-proxy.path"], "PathExists") == [
        f"{settings.allowed_workers_folder}/{allowed_workers.FILE_NAME}"
    ]
    assert (
        settings.allowed_workers_folder.name
        in directives(units["soniquebay-api.service"], "RuntimeDirectory")[0].split()
    )
    assert "soniquebay-worker-proxy.path" in " ".join(directives(units["soniquebay.target"], "Wants")).split()
    proxy = units["soniquebay-worker-proxy.service"]
    # Nothing else starts it, and its files are handed to it: it may not look into the folder where they are.
    assert "[Install]" not in proxy
    started = {name for name, unit in units.items() if "soniquebay-worker-proxy.service" in unit}
    assert started == set()
    folder = settings.authority_folder
    assert dict(value.split(":") for value in directives(proxy, "LoadCredential")) == {
        name: f"{folder}/{name}" for name in (WORKER_PROXY_FILE, AUTHORITY_FILE)
    }
    hidden = {path.lstrip("-") for path in " ".join(directives(proxy, "InaccessiblePaths")).split()}
    assert {str(settings.data), str(settings.music[0]), str(settings.api_socket.parent)} <= hidden


@pytest.mark.parametrize("name", [t.stem for t in templates() if t.stem.endswith(".service")])
def test_each_program_has_a_limit_of_descriptors(name: str) -> None:
    """One that leaks them, or is made to, ends by itself and takes none from the others."""
    # The last one counts.
    assert directives(units_of("default")[name], "LimitNOFILE")[-1:] == [
        "4096" if name == "soniquebay-api.service" else "1024"
    ]


def test_the_unit_of_a_worker_elsewhere_is_as_hard_as_those_of_the_appliance() -> None:
    """It has every line that all programs of the appliance have, but their slice, their settings and their umask."""
    units = units_of("default")
    appliance = [set(units[f"soniquebay-{name}.service"].splitlines()) for name in ("worker", "online", "flower")]
    common = {line for line in set.intersection(*appliance) if "=" in line and not line.startswith(("Slice", "Env"))}
    common -= {"PartOf=soniquebay.target", "StartLimitIntervalSec=0", "UMask=0027"}
    assert {"ProtectSystem=strict", "CapabilityBoundingSet=", "SystemCallFilter=~@privileged @resources"} < common
    unit = units["soniquebay-remote-worker.service"]
    assert common - set(unit.splitlines()) == set()
    assert directives(unit, "UMask") == ["0077"]
    assert directives(unit, "MemoryMax") == ["60%"]
    priority = {name: directives(unit, name) for name in ("Nice", "CPUSchedulingPolicy", "IOSchedulingClass")}
    assert priority == {"Nice": ["19"], "CPUSchedulingPolicy": ["idle"], "IOSchedulingClass": ["idle"]}


def test_redis_has_descriptors_for_all_its_clients() -> None:
    files = rendered()["default"]["redis"]
    (unit,) = (
        file["content"] for path, file in files.items() if path.endswith("redis-server.service.d/50-soniquebay.conf")
    )
    (settings,) = (file["content"] for path, file in files.items() if path.endswith("/redis.conf"))
    limit = int(directives(unit, "LimitNOFILE")[-1])
    (clients,) = [line.split()[1] for line in settings.splitlines() if line.startswith("maxclients ")]
    assert int(clients) + 32 <= limit == 1024  # Redis keeps 32 for itself, and else lowers maxclients in silence


def test_redis_knows_the_user_of_workers_elsewhere() -> None:
    settings = rendered()["default"]["redis"]["/etc/redis/redis.conf"]["content"]
    assert REDIS_RULES in settings.splitlines()
    assert [line for line in settings.splitlines() if line.startswith(("port", "tls", "bind"))] == ["port 0"]


@pytest.mark.parametrize("host", ["default", "other"])
def test_redis_is_checked_before_it_starts_and_only_what_that_needs_may_be_executed(host: str, tmp_path: Path) -> None:
    files = rendered()[host]["redis"]
    addition = files["/etc/systemd/system/redis-server.service.d/50-soniquebay.conf"]["content"]
    settings = dict(
        line.split(" ", 1) for line in files["/etc/redis/redis.conf"]["content"].splitlines() if " " in line
    )
    values = {"default": SHARED, "other": OTHER_VALUES}[host]
    command, folder = values["soniquebay_command"], Path(settings["unixsocket"]).parent
    assert directives(addition, "ExecStartPre") == [f"-{command} redis-files {settings['dir']} {folder}"]
    forgotten = {f"{folder}/{name}" for name in (redis_files.STARTS, redis_files.TROUBLE_NOTICE)}
    # Each start runs Python, on a card that fails for days.
    assert 5 <= int(directives(addition, "RestartSec")[-1]) <= 10
    (after,) = directives(addition, "ExecStartPost")
    assert set(after.split()[2:]) == forgotten
    (paths,) = directives(addition, "ExecPaths")
    assert f"-{values['soniquebay_root']}" in paths.split()
    assert "/" not in {path.lstrip("-") for path in paths.split()}
    watched = directives(units_of(host)["soniquebay-console.path"], "PathChanged")
    assert {f"{folder}/{name}" for name in (redis_files.SET_ASIDE_NOTICE, redis_files.TROUBLE_NOTICE)} < set(watched)
    unit = tmp_path / "redis-server.service"
    unit.write_text("[Service]\nType=notify\nUser=root\nRuntimeDirectory=redis\nExecStart=/bin/true\n")
    (tmp_path / "redis-server.service.d").mkdir()
    text = addition.replace(f"{command} ", "/bin/true ")
    (tmp_path / "redis-server.service.d/50-soniquebay.conf").write_text(text)
    assert verify(unit) == ""


def test_there_are_templates() -> None:
    assert len(templates()) >= 10
