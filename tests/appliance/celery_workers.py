"""What the API and Flower say of Celery's workers."""

from __future__ import annotations

from typing import Any

from .client import Appliance, wait_for


def workers(appliance: Appliance) -> dict[str, Any]:
    """Return the workers that answer, by Celery's name, as the API has them."""
    by_name: dict[str, Any] = appliance.api("/api/worker").json["workers"]
    return by_name


def stats(appliance: Appliance, worker: str) -> dict[str, Any]:
    """Return a worker's current statistics from Flower.

    Flower shows an older answer when the worker does not answer in time; the uptime tells them apart.
    """
    cookie = appliance.cookie()

    def shown() -> dict[str, Any]:
        response = appliance.flower(f"/api/workers?refresh=1&workername={worker}", cookie)
        statistics: dict[str, Any] = response.json[worker].get("stats", {}) if response.status == 200 else {}
        return statistics

    earlier = wait_for(f"{worker} answers", shown)["uptime"]

    def newer() -> Any:
        statistics = shown()
        return statistics.get("uptime", 0) > earlier and statistics

    current: dict[str, Any] = wait_for(f"{worker} answers again", newer)
    return current
