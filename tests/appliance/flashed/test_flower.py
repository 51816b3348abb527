"""Flower on the booted machine: one login with the page."""

from __future__ import annotations

import pytest

from ..client import Appliance, wait_for


@pytest.mark.parametrize("path", ["/", "/metrics", "/healthcheck", "/api/workers", "/static/css/flower.css"])
def test_flower_requires_a_login_on_every_path(appliance: Appliance, path: str) -> None:
    assert appliance.flower(path).status == 401
    assert appliance.flower(path, {"soniquebay_session": "wrong"}).status == 401


def test_flower_accepts_the_owner(appliance: Appliance) -> None:
    cookie = appliance.cookie()
    workers = wait_for("Flower's worker answers", lambda: appliance.flower("/api/workers?refresh=1", cookie).json)
    assert len(workers) == 1
    assert appliance.flower("/metrics", cookie).status == 200
