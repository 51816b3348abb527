"""A client of the QEMU Machine Protocol (QMP)."""

from __future__ import annotations

import json
import socket
import time
from pathlib import Path
from typing import Any

from ..errors import ActionableError


class Monitor:
    """A connection to a running QEMU. Events that arrive before an answer are kept for `wait_event`."""

    def __init__(self, path: Path, timeout_seconds: float = 10) -> None:
        """Connect to the socket `path`; raises `ActionableError` when QEMU does not answer within `timeout_seconds`."""
        deadline = time.monotonic() + timeout_seconds
        while True:
            self._socket = socket.socket(socket.AF_UNIX)
            self._socket.settimeout(30)
            try:
                self._socket.connect(str(path))
                break
            except (FileNotFoundError, ConnectionRefusedError) as error:
                self._socket.close()
                if time.monotonic() > deadline:
                    raise ActionableError("QEMU does not answer.") from error
                time.sleep(0.05)
        self._lines = self._socket.makefile("rb")
        self._events: list[dict[str, Any]] = []
        self._lines.readline()  # the greeting
        self.execute("qmp_capabilities")

    def execute(self, command: str, **arguments: object) -> Any:
        """Run a command and return its result; raises `ActionableError` when QEMU refuses it."""
        message = {"execute": command, "arguments": arguments}
        self._socket.sendall(json.dumps(message).encode() + b"\n")
        while True:
            answer = self._receive()
            if "event" in answer:
                self._events.append(answer)
            elif "error" in answer:
                raise ActionableError(f"QEMU, {command}: {answer['error']['desc']}")
            else:
                return answer["return"]

    def wait_event(self, name: str, timeout_seconds: float, **data: object) -> None:
        """Wait for an event with this name and these data.

        Raises `ActionableError` when it does not arrive within `timeout_seconds`.
        """
        deadline = time.monotonic() + timeout_seconds
        while True:
            for event in self._events:
                event_data = event.get("data", {})
                if event["event"] == name and all(event_data.get(key) == value for key, value in data.items()):
                    self._events.remove(event)
                    return
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                raise ActionableError(f"QEMU did not report {name} within {timeout_seconds:.0f} s.")
            self._socket.settimeout(remaining)
            try:
                message = self._receive()
            except TimeoutError:
                continue
            finally:
                self._socket.settimeout(30)
            if "event" in message:
                self._events.append(message)

    def close(self) -> None:
        """Close the connection."""
        self._lines.close()
        self._socket.close()

    def _receive(self) -> dict[str, Any]:
        line = self._lines.readline()
        if not line:
            raise ActionableError("QEMU has ended.")
        message: dict[str, Any] = json.loads(line)
        return message
