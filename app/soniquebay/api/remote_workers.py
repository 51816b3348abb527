"""Workers on other machines: let them join by a code, list and revoke them."""

import logging
from typing import Annotated, Any

import redis
from fastapi import APIRouter, Depends, HTTPException, Path, Request

from soniquebay.allowed_workers import queue_of
from soniquebay.api.access import REFUSALS, Manager, address_of, require_manager
from soniquebay.api.models import remote_workers as models
from soniquebay.api.models.problems import NOT_JSON, Problem, Refused
from soniquebay.api.services import Shared
from soniquebay.authority import AuthorityError
from soniquebay.library import remote_vectors
from soniquebay.listeners import remote_workers
from soniquebay.listeners.accounts import TooManyAttemptsError, Visitor, WrongPasswordError

log = logging.getLogger(__name__)
router = APIRouter(prefix="/api/workers", tags=["workers"], responses=REFUSALS)
_ManagingVisitor = Annotated[Visitor, Depends(require_manager)]
_Name = Annotated[str, Path(max_length=64)]


@router.get("", response_model=models.RemoteWorkerList, dependencies=[Manager])
def list_workers(services: Shared) -> Any:
    """List the workers on other machines that have joined."""
    counts = remote_vectors.brought(services.database.reader())
    return {"items": [{**one, "analysed": counts.get(one["name"], 0)} for one in services.remote_workers.all()]}


@router.post("/join-codes", status_code=201, response_model=models.JoinCode)
def make_join_code(services: Shared, visitor: _ManagingVisitor) -> Any:
    """Make a code that lets one worker join. Only the owner, or an administrator of the machine, may do this."""
    _require_owner(visitor)
    return {
        "code": services.remote_workers.offer_code(),
        "lifetime_seconds": remote_workers.CODE_LIFETIME_SECONDS,
    }


@router.post(
    "/join",
    status_code=201,
    response_model=models.Joined,
    responses=NOT_JSON
    | {
        401: {"model": Problem, "description": "no valid join code"},
        409: {"model": Problem, "description": "the name is taken, or the worker is of another release"},
        422: {"model": Refused, "description": "a field that is not accepted"},
        429: {"model": Problem, "description": "too many failed attempts; `Retry-After` says for how long"},
        503: {"model": Problem, "description": "no certificate can be made now"},
    },
)
def join(request: Request, services: Shared, body: models.JoinRequest) -> Any:
    """Let a worker join. It proves that it knows a join code; this needs no login."""
    try:
        joined = services.remote_workers.join(
            remote_workers.JoinRequest(**body.model_dump()), address_of(request.scope)
        )
    except WrongPasswordError as error:
        raise HTTPException(401, str(error)) from error
    except TooManyAttemptsError as error:
        raise HTTPException(429, str(error), {"Retry-After": error.retry_after}) from error
    except remote_workers.JoinRefusedError as error:
        raise HTTPException(409, str(error)) from error
    except (AuthorityError, OSError) as error:
        raise HTTPException(503, f"no certificate can be made now: {error}") from error
    with services.database.transaction() as db:
        remote_vectors.begin(db, body.name)
    return joined


@router.delete("/{name}", status_code=204, responses={404: {"model": Problem, "description": "no such worker"}})
def revoke(services: Shared, visitor: _ManagingVisitor, name: _Name) -> None:
    """Revoke a worker: its connections end within seconds. Only the owner, or an administrator, may do this."""
    _require_owner(visitor)
    try:
        if not services.remote_workers.revoke(name):
            raise HTTPException(404, f"no worker {name} has joined")
        services.dispatcher.empty_queue(queue_of(name))
    except redis.RedisError as error:
        log.warning("the queue of remote worker %s keeps its messages, which nobody reads: %s", name, error)
    except OSError as error:
        raise HTTPException(503, f"the list of workers cannot be written: {error}") from error


def _require_owner(visitor: Visitor) -> None:
    is_owner = visitor.user is not None and visitor.user.is_owner and visitor.authentication == "session"
    if not is_owner and visitor.authentication != "machine":
        raise HTTPException(403, "only the owner, signed in with a password, or an administrator of the machine may")
