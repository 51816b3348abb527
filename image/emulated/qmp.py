"""QEMU's control socket."""

from __future__ import annotations

import json
import socket
import time
from pathlib import Path
from typing import Any

from ..errors import ActionableError


class Monitor:
    """A conversation with a running QEMU: one command, one answer, events kept aside."""

    def __init__(self, path: Path, timeout: float = 10) -> None:
        deadline = time.monotonic() + timeout
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
        """The answer to a command."""
        message = {"execute": command, "arguments": arguments}
        self._socket.sendall(json.dumps(message).encode() + b"\n")
        while True:
            answer = self._next()
            if "event" in answer:
                self._events.append(answer)
            elif "error" in answer:
                raise ActionableError(f"QEMU, {command}: {answer['error']['desc']}")
            else:
                return answer["return"]

    def wait_event(self, name: str, timeout: float, **data: object) -> None:
        """Wait until QEMU says so."""
        deadline = time.monotonic() + timeout
        while True:
            for event in self._events:
                facts = event.get("data", {})
                if event["event"] == name and all(facts.get(key) == value for key, value in data.items()):
                    self._events.remove(event)
                    return
            left = deadline - time.monotonic()
            if left <= 0:
                raise ActionableError(f"QEMU did not report {name} within {timeout:.0f} s.")
            self._socket.settimeout(left)
            try:
                answer = self._next()
            except TimeoutError:
                continue
            finally:
                self._socket.settimeout(30)
            if "event" in answer:
                self._events.append(answer)

    def close(self) -> None:
        """End the conversation."""
        self._lines.close()
        self._socket.close()

    def _next(self) -> dict[str, Any]:
        line = self._lines.readline()
        if not line:
            raise ActionableError("QEMU has ended.")
        answer: dict[str, Any] = json.loads(line)
        return answer
