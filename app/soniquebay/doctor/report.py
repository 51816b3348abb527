"""A file for a bug report: versions, settings, findings, units and the last log lines, without names and secrets."""

import io
import json
import os
import platform
import sqlite3
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from soniquebay import __version__, procfs
from soniquebay.doctor.finding import Finding
from soniquebay.doctor.surroundings import Surroundings
from soniquebay.doctor.words import without_names

MAX_LOG_LINES = 300  # of each program
MAX_LOG_BYTES = 1 << 20  # that are read of a file
_LOG_UNITS = ("soniquebay-api", "soniquebay-worker", "soniquebay-flower", "soniquebay-online", "redis-server")
_UNIT_PROPERTIES = "Id,ActiveState,SubState,Result,NRestarts,ExecMainStatus,MemoryCurrent,MemoryPeak"
# Of these the value says nothing about people. Of others only whether they are set.
_SHOWN_SETTINGS = frozenset(
    {"TLS", "LOGIN", "GUESTS", "PROCESSES", "ONLINE", "WATCH", "POLL_MINUTES", "NICE", "LOG", "LOG_TASKS",
     "TAG_ENCODING",      "ARTIST_JOINS", "TRANSCODED_CACHE_MB", "HTTP_PORT", "HTTPS_PORT", "FLOWER_PORT"}
)  # fmt: skip


def write(
    file: Path,
    around: Surroundings,
    environment: Mapping[str, str],
    found: Iterable[tuple[str, Finding]],
    logs: Path | None,
) -> None:
    """Write a report. `logs`: the folder of log files, else the journal is read. Raises ``OSError``."""
    parts = {
        "versions.json": _json(_versions(around)),
        "settings.json": _json(_settings(environment)),
        "findings.json": _json([{"check": name, **finding._asdict()} for name, finding in found]),
        "units.txt": around.run(
            ["systemctl", "show", "--all", f"--property={_UNIT_PROPERTIES}", "soniquebay*", "redis*"]
        )
        or "",
        "machine.json": _json(_machine(around)),
        **{f"log/{name}.txt": text for name, text in _logs(around, logs).items()},
    }
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.fchmod(descriptor, 0o600)  # of a file that was there
    with os.fdopen(descriptor, "wb") as opened, tarfile.open(fileobj=opened, mode="w:gz") as archive:
        for name, text in parts.items():
            content = without_names(text).encode()
            member = tarfile.TarInfo(f"soniquebay-report/{name}")
            member.size, member.mtime = len(content), int(around.clock())
            archive.addfile(member, io.BytesIO(content))


def _json(value: Any) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"


def _versions(around: Surroundings) -> dict[str, Any]:
    release = around.run(["sh", "-c", ". /etc/os-release; echo $VERSION_ID"]) or ""
    return {
        "soniquebay": __version__,
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "redis": (around.run(["redis-server", "--version"]) or "").partition("v=")[2].split(" ")[0],
        "kernel": platform.release(),
        "machine": platform.machine(),
        "debian": release.strip(),
    }


def _settings(environment: Mapping[str, str]) -> dict[str, str]:
    given = {
        name.removeprefix("SONIQUEBAY_"): value for name, value in environment.items() if name.startswith("SONIQUEBAY_")
    }
    return {name: value if name in _SHOWN_SETTINGS else "set" for name, value in sorted(given.items()) if value}


def _machine(around: Surroundings) -> dict[str, Any]:
    answers: dict[str, Any] = {}
    for name in ("health", "queues", "worker"):
        try:
            answers[name] = around.answer(f"/api/{name}")
        except PermissionError as error:
            answers[name] = str(error)
    return {
        "uptime_seconds": procfs.uptime_seconds(around.proc),
        "load": procfs.load_averages(around.proc),
        "memory_mb": [procfs.available_memory_mb(around.proc), procfs.total_memory_mb(around.proc)],
        **answers,
    }


def _logs(around: Surroundings, folder: Path | None) -> dict[str, str]:
    if folder is not None:
        return {file.stem: _tail(file) for file in sorted(folder.glob("*.log"))}
    command = ["journalctl", "--no-pager", "--no-hostname", "--output=short-iso", f"--lines={MAX_LOG_LINES}"]
    return {unit: around.run([*command, f"--unit={unit}*"]) or "" for unit in _LOG_UNITS}


def _tail(file: Path) -> str:
    with file.open("rb") as opened:
        opened.seek(max(0, file.stat().st_size - MAX_LOG_BYTES))
        lines = opened.read().decode("utf-8", "replace").splitlines()
    return "\n".join(lines[-MAX_LOG_LINES:]) + "\n"
