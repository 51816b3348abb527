"""The conversation with QEMU, against a socket that answers as it does."""

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

        def say(**message: object) -> None:
            stream.write(json.dumps(message).encode() + b"\n")
            stream.flush()

        say(QMP={"version": {}})
        for line in stream:
            command = json.loads(line)["execute"]
            if command == "device_del":
                say(event="DEVICE_DELETED", data={"path": "/nameless"})
                say(**{"return": {}})
                say(event="DEVICE_DELETED", data={"device": "usb-music"})
            elif command == "quit":
                return
            elif command == "wrong":
                say(error={"class": "GenericError", "desc": "no such thing"})
            else:
                say(**{"return": {"did": command}})


@pytest.fixture
def monitor(tmp_path: Path) -> Iterator[Monitor]:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "qmp"))
        listener.listen()
        threading.Thread(target=serve, args=(listener,), daemon=True).start()
        monitor = Monitor(tmp_path / "qmp")
        yield monitor
        monitor.close()


def test_answers_and_errors(monitor: Monitor) -> None:
    assert monitor.execute("query-status") == {"did": "query-status"}
    with pytest.raises(ActionableError, match="no such thing"):
        monitor.execute("wrong")
    assert monitor.execute("cont") == {"did": "cont"}


def test_events_are_kept_until_asked_for(monitor: Monitor) -> None:
    monitor.execute("device_del")
    monitor.wait_event("DEVICE_DELETED", 5, device="usb-music")


def test_an_event_that_never_comes(monitor: Monitor) -> None:
    with pytest.raises(ActionableError, match="did not report"):
        monitor.wait_event("DEVICE_DELETED", 0.2, device="other")


def test_an_end_in_mid_sentence(monitor: Monitor) -> None:
    with pytest.raises(ActionableError, match="ended"):
        monitor.execute("quit")


def test_nobody_there(tmp_path: Path) -> None:
    with pytest.raises(ActionableError, match="does not answer"):
        Monitor(tmp_path / "nothing", timeout=0.1)
