"""Reads files with the functions of the application, each in a process with limits of memory and time.

`python -m tests.corpus.probe` reads a JSON list of paths, as hex, and prints one JSON object for each call.
"""

import json
import os
import resource
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from soniquebay.audio.decode import UndecodableAudioError, decode_segments
from soniquebay.audio.picture_decoding import UnusablePictureError
from soniquebay.audio.pictures import decode_picture
from soniquebay.audio.reading.embedded import embedded_pictures
from soniquebay.audio.reading.errors import UnreadableAudioError
from soniquebay.audio.reading.read import read_file
from tests.corpus.reasons import unreadable

MEMORY_LIMIT_BYTES = 500 * 2**20  # of data, more than the loaded libraries use
CALL_TIMEOUT_SECONDS = 20.0  # all calls take much less than one second


def _decode_pictures(path: str) -> None:
    for data in embedded_pictures(path):
        with suppress(UnusablePictureError):
            decode_picture(data)


CALLS: dict[str, tuple[Callable[[str], Any], type[Exception]]] = {
    "read_file": (read_file, UnreadableAudioError),
    "decode_pictures": (_decode_pictures, UnreadableAudioError),
    "decode_segments": (decode_segments, UndecodableAudioError),
}


def probe(paths: Sequence[str]) -> list[dict[str, Any]]:
    """Return how each function ended on each path.

    `end` is "value", "refused" (then `reason` says why), or a description of what went wrong.
    """
    process = subprocess.run(
        [sys.executable, "-m", "tests.corpus.probe"],
        input=json.dumps([os.fsencode(path).hex() for path in paths]),
        check=True, stdout=subprocess.PIPE, text=True, env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
    )  # fmt: skip
    return [json.loads(line) for line in process.stdout.splitlines()]


def assert_all_well(paths: Sequence[Path]) -> None:
    """Fail unless every call on every file returns a value or raises with a reason that a person can read."""
    ends = probe([str(path) for path in paths])
    assert len(ends) == len(paths) * len(CALLS)
    assert len({end["end"] for end in ends} & {"value", "refused"}) == 2
    failed = [end for end in ends if end["end"] not in {"value", "refused"} or unreadable(end.get("reason", "fine"))]
    assert not failed, "\n".join(f"{os.fsdecode(bytes.fromhex(end['path']))!r}: {end}" for end in failed)


def _call(name: str, path: str) -> dict[str, Any]:
    """Run one call in a fork of this process, which has imported everything already."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(read)
        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_LIMIT_BYTES, MEMORY_LIMIT_BYTES))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        os.write(write, json.dumps(_outcome(name, path)).encode())
        os._exit(0)
    os.close(write)
    started = time.monotonic()
    answered, _, _ = select.select([read], [], [], CALL_TIMEOUT_SECONDS)
    if not answered:
        os.kill(pid, signal.SIGKILL)
    answer = os.read(read, 65536) if answered else b""
    os.close(read)
    _, status, usage = os.wait4(pid, 0)
    if not answered:
        result = {"end": f"no answer within {CALL_TIMEOUT_SECONDS:.0f} s"}
    elif not answer:
        result = {"end": f"killed by signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else f"exit {status}"}
    else:
        result = json.loads(answer)
    return {**result, "seconds": time.monotonic() - started, "peak": usage.ru_maxrss * 1024}


def _outcome(name: str, path: str) -> dict[str, Any]:
    function, documented = CALLS[name]
    try:
        function(path)
    except documented as error:
        return {"end": "refused", "reason": str(error)}
    except BaseException as error:
        return {"end": f"raised {type(error).__name__}: {error}"[:2000]}
    return {"end": "value"}


def _main() -> None:
    for encoded in json.load(sys.stdin):
        path = os.fsdecode(bytes.fromhex(encoded))
        for name in CALLS:
            line = {"path": encoded, "call": name, **_call(name, path)}
            print(json.dumps(line), flush=True)


if __name__ == "__main__":
    _main()
