"""Messages as kombu puts them into Redis."""

import base64
import json
from typing import Any


def message(content: Any, **changed: Any) -> str:
    """Return a message with a content; `changed` takes the place of parts, whose names have underscores for hyphens."""
    whole = {
        "body": base64.b64encode(json.dumps(content).encode()).decode(),
        "content-encoding": "utf-8",
        "content-type": "application/json",
        "headers": {},
        "properties": {
            "delivery_mode": 2,
            "delivery_info": {"exchange": "celeryev", "routing_key": "worker.heartbeat"},
            "priority": 0,
            "body_encoding": "base64",
            "delivery_tag": "c2d7c1c6-5c1a-4b7a-9a3f-1f0c9a4a8c11",
        },
    }
    return json.dumps(whole | {name.replace("_", "-"): value for name, value in changed.items()})


def heartbeat(node: str, **changed: Any) -> dict[str, Any]:
    """Return the event of a worker that is there."""
    return {
        "hostname": node, "utcoffset": 0, "pid": 17, "clock": 12, "freq": 30.0, "active": 0, "processed": 5,
        "loadavg": [0.1, 0.2, 0.3], "sw_ident": "py-celery", "sw_ver": "5.7.0", "sw_sys": "Linux",
        "timestamp": 1_800_000_000.5, "type": "worker-heartbeat", **changed,
    }  # fmt: skip
