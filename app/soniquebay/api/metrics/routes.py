"""The metrics, for Prometheus."""

from fastapi import APIRouter, Response

from soniquebay.api.access import REFUSALS, Manager
from soniquebay.api.services import Shared

router = APIRouter(tags=["health"], responses=REFUSALS)
MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class _Metrics(Response):
    media_type = MEDIA_TYPE


@router.get("/metrics", dependencies=[Manager], response_class=_Metrics)
async def metrics(services: Shared) -> Response:
    """Return the figures of the appliance in Prometheus' text format; docs/monitoring.md tells what each means."""
    return _Metrics(await services.metrics.text(), headers={"Cache-Control": "no-store"})
