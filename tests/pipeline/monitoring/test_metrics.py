"""The metrics of a running stack after a scan, and what is made from them: dashboard, alerts, their description."""

import base64
import json
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from image.paths import ROOT
from tests.support import debian_package
from tests.support.audio_files import tone
from tests.support.stack import Stack, wait_until

OWNER = {"name": "Ada", "password": "correct horse"}
DOCS = ROOT / "docs"
RULES, DASHBOARD = DOCS / "monitoring/alerts.yml", DOCS / "monitoring/dashboard.json"
ALERT_TESTS = Path(__file__).with_name("alert_tests.yml")
TRACKS, BROKEN = 3, 1
# What this machine need not tell: tests/unit/api/test_machine_metrics.py makes the files of a Pi.
OF_THE_APPLIANCE = re.compile(
    r"soniquebay_(machine_(temperature|throttled)|programs_memory|unit_memory|disk_written|certificate_expiry|security_updates)"
)
MADE_BY_PROMETHEUS = {"up"}


class Scanned:
    """A stack with an owner, after a scan."""

    def __init__(self, music: Path, data: Path) -> None:
        self.stack = Stack(music, data, login=True)
        self.stack.cli("user", "add", "Ada", "--manage", control=True, typed=OWNER["password"])
        self.stack.cli("scan", "--wait-vectors", control=True)
        with httpx.Client(base_url=self.stack.url, timeout=30) as browser:
            browser.post("/api/sign-in", json=OWNER).raise_for_status()
            made = browser.post("/api/account/app-passwords", json={"name": "Prometheus", "role": "manage"})
        self.password = made.raise_for_status().json()["password"]

    def text(self) -> str:
        """Return the metrics, as Prometheus gets them by an app password."""
        bearer = {"Authorization": f"Bearer {self.password}"}
        return httpx.get(f"{self.stack.url}/metrics", headers=bearer, timeout=30).raise_for_status().text

    def families(self) -> dict[str, Metric]:
        return {family.name: family for family in text_string_to_metric_families(self.text())}

    def values(self, name: str) -> dict[tuple[str, ...], float]:
        return {tuple(one.labels.values()): one.value for one in self.families()[name].samples}


@pytest.fixture(scope="module")
def scanned(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scanned]:
    music = tmp_path_factory.mktemp("music")
    for number in range(TRACKS):
        tone(music / f"Secret {number}.flac", seconds=2, title=f"Song {number}", artist="Ärtist", album="Album")
    (music / "broken.flac").write_bytes(b"fLaC" + bytes(4000))
    running = Scanned(music, tmp_path_factory.mktemp("data"))
    try:
        # A worker first reports seconds after its start; this scan may end earlier.
        wait_until(lambda: running.values("soniquebay_workers")[()] == 1)
        yield running
    finally:
        code = running.stack.stop()
    assert code == 0


def expressions() -> list[str]:
    """Return the expressions of all alerts and panels."""
    rules = yaml.safe_load(RULES.read_text())
    found = [rule["expr"] for group in rules["groups"] for rule in group["rules"]]
    panels = json.loads(DASHBOARD.read_text())["panels"]
    found += [target["expr"] for panel in panels for target in panel["targets"]]
    return [one.replace("$__rate_interval", "5m").replace("$instance", "pi") for one in found]


def names_in(expression: str) -> set[str]:
    """Return the metrics of an expression: what stands before selectors, ranges, operators or its end."""
    found = re.findall(r"\b((?:soniquebay|celery|redis|process)_\w+|up)\b", re.sub(r"\{[^}]*\}", "", expression))
    return set(found)


def test_it_tells_what_the_scan_has_found(scanned: Scanned) -> None:
    assert scanned.values("soniquebay_library_tracks") == {(): TRACKS}
    assert scanned.values("soniquebay_library_albums") == {(): 1}
    assert scanned.values("soniquebay_library_vectors") == {("calculated",): TRACKS, ("waiting",): 0, ("failed",): 0}
    measured = {("measured",): TRACKS, ("waiting",): 0, ("failed",): 0}
    wait_until(lambda: scanned.values("soniquebay_library_loudness") == measured, 60)  # after the vectors
    assert scanned.values("soniquebay_scan_state")["completed",] == 1
    assert sum(scanned.values("soniquebay_scan_state").values()) == 1
    assert scanned.values("soniquebay_scan_files_found") == {(): TRACKS + BROKEN}
    assert scanned.values("soniquebay_scan_files_read") == {(): TRACKS + BROKEN}
    assert scanned.values("soniquebay_scan_files_failed") == {(): BROKEN}
    assert scanned.values("soniquebay_part_up") == {("database",): 1, ("redis",): 1, ("worker",): 1}
    assert scanned.values("soniquebay_workers") == {(): 1}
    assert scanned.values("soniquebay_worker_processes")[()] >= 1
    assert set(scanned.values("celery_queue_length").values()) == {0}


def test_the_worker_inserts_are_counted_by_route(scanned: Scanned) -> None:
    routes = {one.labels["route"] for one in scanned.families()["soniquebay_http_requests"].samples}
    assert any(route.startswith("/internal/") for route in routes)
    assert {"/api/sign-in", "/metrics"} <= routes


def test_counters_only_grow(scanned: Scanned) -> None:
    def counted() -> dict[tuple[str, ...], float]:
        return {
            (sample.name, *sample.labels.values()): sample.value
            for family in scanned.families().values()
            if family.type in {"counter", "histogram"}
            for sample in family.samples
        }

    scanned.text()  # the request for metrics itself is among them from here on
    before = counted()
    scanned.text()
    after = counted()
    assert before.keys() <= after.keys()
    assert all(after[key] >= value for key, value in before.items())
    own = ("soniquebay_http_requests_total", "GET", "/metrics", "200")
    assert after[own] == before[own] + 2


def test_no_label_names_a_file_a_user_or_the_machine(scanned: Scanned) -> None:
    values = {
        value for family in scanned.families().values() for one in family.samples for value in one.labels.values()
    }
    assert len(values) > 20
    told = "\n".join(values)
    for name in ("Secret", "Song", "Ärtist", "Ada", str(scanned.stack.music), str(scanned.stack.data)):
        assert name not in told
    assert socket.gethostname() not in values
    assert not any("@" in value for value in values)


def test_prometheus_gets_them_by_bearer_and_basic_and_the_administrator_by_the_socket(scanned: Scanned) -> None:
    url = f"{scanned.stack.url}/metrics"
    assert httpx.get(url).status_code == 401
    assert httpx.get(url, auth=("Ada", scanned.password)).status_code == 200
    assert httpx.get(url, auth=("Ada", OWNER["password"])).status_code == 401  # only app passwords
    encoded = base64.b64encode(f":{scanned.password}".encode()).decode()
    assert httpx.get(url, headers={"Authorization": f"Basic {encoded}"}).status_code == 401
    transport = httpx.HTTPTransport(uds=scanned.stack.environment()["SONIQUEBAY_CONTROL_SOCKET"])
    with httpx.Client(transport=transport) as administrator:
        assert "soniquebay_part_up" in administrator.get("http://localhost/metrics").text


def test_dashboard_and_alerts_name_only_what_there_is(scanned: Scanned) -> None:
    families = scanned.families()
    samples = {sample.name for family in families.values() for sample in family.samples}
    known = samples | {name for name in families if OF_THE_APPLIANCE.match(name)} | MADE_BY_PROMETHEUS
    known |= {f"{name}_total" for name, family in families.items() if family.type == "counter"}
    used = set().union(*map(names_in, expressions()))
    assert len(used) > 30
    assert used <= known
    # A family without a sample is one that this machine cannot tell.
    empty = {name for name, family in families.items() if not family.samples}
    assert all(OF_THE_APPLIANCE.match(name) for name in empty), empty
    unused = {name for name in samples if name.startswith("soniquebay_")} - used
    assert all(name.startswith("soniquebay_http_request_duration_seconds") for name in unused), unused


def test_every_metric_is_described(scanned: Scanned) -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| (.*?) \|", (DOCS / "monitoring.md").read_text(), re.MULTILINE)
    described = {name.removesuffix("_total"): (kind, set(re.findall(r"`(\w+)`(?=:|,|$)", labels)))
                 for name, kind, labels in rows}  # fmt: skip
    families = scanned.families()
    assert described.keys() == families.keys()
    for name, family in families.items():
        kind, labels = described[name]
        assert kind == family.type, name
        told = {label for one in family.samples for label in one.labels} - {"le"}
        assert told <= labels, name
    alerts = {rule["alert"] for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]}
    assert set(re.findall(r"`(SoniqueBay\w+)`", (DOCS / "monitoring.md").read_text())) == alerts


def test_the_panels_of_the_dashboard_fill_its_rows() -> None:
    dashboard: dict[str, Any] = json.loads(DASHBOARD.read_text())
    panels = dashboard["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    places = [(x, y) for panel in panels for box in [panel["gridPos"]]
              for x in range(box["x"], box["x"] + box["w"]) for y in range(box["y"], box["y"] + box["h"])]  # fmt: skip
    assert len(set(places)) == len(places)
    assert all(0 <= x < 24 for x, _ in places)


@pytest.fixture(scope="module")
def promtool() -> str:
    """Return Prometheus' own tool, else that of Debian's package, only unpacked."""
    return shutil.which("promtool") or str(debian_package.program("prometheus", "usr/bin/promtool"))


@pytest.mark.slow
def test_promtool_finds_nothing_to_complain_of_in_the_metrics(scanned: Scanned, promtool: str) -> None:
    done = subprocess.run(
        [promtool, "check", "metrics"],
        input=scanned.text(),
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.slow
def test_promtool_takes_the_alerts_and_the_expressions_of_the_dashboard(promtool: str, tmp_path: Path) -> None:
    rules = [{"record": f"panel:{number}", "expr": one} for number, one in enumerate(expressions())]
    written = tmp_path / "panels.yml"
    written.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    subprocess.run([promtool, "check", "rules", RULES, written], check=True, timeout=60)


@pytest.mark.slow
def test_every_alert_fires_on_a_sick_machine_and_on_no_other(promtool: str, tmp_path: Path) -> None:
    for file in (RULES, ALERT_TESTS):
        shutil.copy(file, tmp_path)
    alerts = {rule["alert"] for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]}
    tests = yaml.safe_load(ALERT_TESTS.read_text())["tests"]
    assert {case["alertname"] for test in tests for case in test["alert_rule_test"]} == alerts
    done = subprocess.run(
        [promtool, "test", "rules", ALERT_TESTS.name], cwd=tmp_path, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
