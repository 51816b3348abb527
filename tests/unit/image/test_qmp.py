"""The QMP client, against a socket that answers as QEMU does."""

import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from image.emulated.qmp import Monitor
from image.errors import ActionableError


def serve(listener: socket.socket) -> None:
    connection, _ = listener.accept()
    with connection, connection.makefile("rwb") as stream:

        def send(**message: object) -> None:
            stream.write(json.dumps(message).encode() + b"\n")
            stream.flush()

        send(QMP={"version": {}})
        for line in stream:
            command = json.loads(line)["execute"]
            if command == "device_del":
                send(event="DEVICE_DELETED", data={"path": "/nameless"})
                send(**{"return": {}})
                send(event="DEVICE_DELETED", data={"device": "usb-music"})
            elif command == "quit":
                return
            elif command == "wrong":
                send(error={"class": "GenericError", "desc": "no such thing"})
            else:
                send(**{"return": {"did": command}})


@pytest.fixture
def monitor(tmp_path: Path) -> Iterator[Monitor]:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "qmp"))
        listener.listen()
        threading.Thread(target=serve, args=(listener,), daemon=True).start()
        monitor = Monitor(tmp_path / "qmp")
        yield monitor
        monitor.close()


def test_a_command_returns_its_result_or_raises(monitor: Monitor) -> None:
    assert monitor.execute("query-status") == {"did": "query-status"}
    with pytest.raises(ActionableError, match="no such thing"):
        monitor.execute("wrong")
    assert monitor.execute("cont") == {"did": "cont"}


def test_events_are_kept_until_they_are_waited_for(monitor: Monitor) -> None:
    monitor.execute("device_del")
    monitor.wait_event("DEVICE_DELETED", 5, device="usb-music")


def test_waiting_for_an_event_times_out(monitor: Monitor) -> None:
    with pytest.raises(ActionableError, match="did not report"):
        monitor.wait_event("DEVICE_DELETED", 0.2, device="other")


def test_the_end_of_qemu_raises(monitor: Monitor) -> None:
    with pytest.raises(ActionableError, match="ended"):
        monitor.execute("quit")


def test_a_missing_socket_raises_after_the_timeout(tmp_path: Path) -> None:
    with pytest.raises(ActionableError, match="does not answer"):
        Monitor(tmp_path / "nothing", timeout_seconds=0.1)
