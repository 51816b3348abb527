"""Maintenance: scans are requested, lost tasks sent again, missing tracks purged; and the check of the release."""

import time
from typing import Annotated

from fastapi import APIRouter, Body, HTTPException

from soniquebay.api import scans
from soniquebay.api.internal.routes import Answer, InternalRoute
from soniquebay.api.release_check_job import WorkerReport
from soniquebay.api.services import Shared
from soniquebay.library import clock, reconcile, sessions

router = APIRouter(prefix="/internal", route_class=InternalRoute)


@router.post("/resume")
def resend_lost(services: Shared) -> dict[str, int]:
    """Send again what Redis has lost; return the number of each kind."""
    services.lookups.refill()
    return services.dispatcher.resend_all_lost()


@router.post("/purge")
def purge(services: Shared, missing_before: Annotated[float, Body(embed=True)]) -> Answer:
    """Delete some of the tracks that are missing since before a Unix time. The caller repeats it until none is left."""
    with services.database.transaction() as db:
        purged = reconcile.purge(db, missing_before)
    return {"purged": purged}


@router.post("/maintenance/scan", status_code=202)
def request_scan(services: Shared) -> Answer:
    """Start a scan of everything, unless one runs already. A drive that is plugged in causes this."""
    try:
        return {"session_id": scans.start(services)}
    except sessions.ScanRunningError as error:
        return {"session_id": error.session_id}


@router.post("/maintenance/resume", status_code=202)
def send_resume_task(services: Shared) -> Answer:
    """Send the maintenance task that resumes interrupted scans. The appliance's timer calls this."""
    return {"sent": services.dispatcher.send("maintenance.resume_sessions")}


@router.post("/maintenance/purge", status_code=202)
def send_purge_task(
    services: Shared, missing_before: Annotated[float, Body()], trust_clock: Annotated[bool, Body()] = False
) -> Answer:
    """Send the maintenance task that deletes missing tracks. Only the internal API has it: nothing else deletes one.

    Without `trust_clock` it is refused when the clock may be wrong. With it, what counts as missing since the future is
    missing since now.
    """
    if trust_clock:
        with services.database.transaction() as db:
            clock.treat_future_absence_as_now(db, time.time())
    doubt = None if trust_clock else clock.doubt(services.database.reader(), time.time(), missing_before)
    if doubt:
        raise HTTPException(409, f"nothing is deleted, because {doubt}")
    return {"sent": services.dispatcher.send("maintenance.purge", missing_before=missing_before)}


@router.post("/release-checks/{check_id}")
def report_release_check(services: Shared, check_id: str, report: WorkerReport) -> Answer:
    """Take what the worker has found; `expected` tells whether anybody waits for it."""
    return {"expected": services.release_check.report(check_id, report)}
