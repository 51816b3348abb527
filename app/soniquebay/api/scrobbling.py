"""Connect a user's accounts at services that are told what the user hears."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from fastapi import APIRouter, HTTPException
from starlette.concurrency import run_in_threadpool

from soniquebay.api.access import REFUSALS, SignedInUser
from soniquebay.api.models import scrobbling as models
from soniquebay.api.models.problems import NOT_JSON, Problem, Refused
from soniquebay.api.services import Services, Shared
from soniquebay.listeners import scrobble_accounts
from soniquebay.listeners.scrobble_accounts import Account
from soniquebay.listeners.scrobbles import RULES, Service
from soniquebay.online import lastfm, listenbrainz
from soniquebay.online.errors import CredentialsError, NotAcceptedError, UpstreamError

router = APIRouter(prefix="/api/account/scrobbling", tags=["accounts"], responses=REFUSALS)
_NONE = {
    "state": "none", "name": None, "waiting": 0, "sent_at": None, "problem": None, "retry_at": None, "dropped": 0,
    "dropped_reason": None,
}  # fmt: skip
_ANSWERS: dict[int | str, dict[str, Any]] = {
    409: {"model": Problem, "description": "a setting forbids the internet, or an earlier step is missing"},
    502: {"model": Problem, "description": "the service does not answer as it should"},
}
_REFUSED: dict[int | str, dict[str, Any]] = {
    **NOT_JSON,
    **_ANSWERS,
    422: {"model": Refused, "description": "the service does not accept it"},
}


@router.get("", response_model=models.Scrobbling)
def scrobbling(services: Shared, user: SignedInUser) -> Any:
    """Return which services are told what one hears, and what became of the plays."""
    found = scrobble_accounts.of_user(services.accounts.database.reader(), user.id)
    servers = {"listenbrainz": services.settings.listenbrainz_url, "lastfm": services.settings.lastfm_url}
    items = [{**_NONE, **found.get(name, {}), "service": name, "server": servers[name]} for name in RULES]
    return {"online": services.settings.online, "items": items}


@router.put("/listenbrainz", status_code=204, responses=_REFUSED)
async def connect_listenbrainz(services: Shared, user: SignedInUser, body: models.Token) -> None:
    """Have ListenBrainz told of one's plays from now on."""
    _require_online(services)
    secrets = {"token": body.token}
    with _refusals(422, secrets):
        name = await listenbrainz.account_name(services.settings.online_socket, body.token)
    await run_in_threadpool(_save, services, user.id, "listenbrainz", state="connected", secrets=secrets, name=name)


@router.put("/lastfm", response_model=models.Approval, responses=_REFUSED)
async def connect_lastfm(services: Shared, user: SignedInUser, body: models.LastfmKey) -> Any:
    """Begin to have Last.fm told of one's plays: the answer has the page on which one approves it."""
    _require_online(services)
    secrets = {"api_key": body.api_key, "secret": body.secret}
    with _refusals(422, secrets):
        token = await lastfm.request_token(services.settings.online_socket, secrets)
    await run_in_threadpool(_save, services, user.id, "lastfm", state="approval", secrets={**secrets, "token": token})
    return {"url": lastfm.approval_page(secrets, token)}


@router.post("/lastfm/approved", status_code=204, responses=_ANSWERS)
async def finish_lastfm(services: Shared, user: SignedInUser) -> None:
    """Have Last.fm told of one's plays from now on, after one has approved it."""
    _require_online(services)
    account = await run_in_threadpool(_find, services, user.id, "lastfm")
    if account is None or "token" not in account.secrets:
        raise HTTPException(409, "nothing is to be approved: begin with the key of Last.fm's API")
    with _refusals(409, account.secrets):
        name, session = await lastfm.begin_session(services.settings.online_socket, account.secrets)
    secrets = {"api_key": account.secrets["api_key"], "secret": account.secrets["secret"], "session": session}
    await run_in_threadpool(_save, services, user.id, "lastfm", state="connected", secrets=secrets, name=name)


@router.delete(
    "/{service}", status_code=204, responses={404: {"model": Problem, "description": "the service is not connected"}}
)
def disconnect(services: Shared, user: SignedInUser, service: Service) -> None:
    """Tell a service no more, and forget its token and the plays that wait for it."""
    with services.accounts.database.transaction() as db:
        if not scrobble_accounts.remove(db, user.id, service):
            raise HTTPException(404, f"{RULES[service].label} is not connected")


def _require_online(services: Services) -> None:
    if not services.settings.online:
        raise HTTPException(409, "this appliance asks nobody on the internet: SONIQUEBAY_ONLINE is off")


@contextmanager
def _refusals(status: int, secrets: Mapping[str, str]) -> Iterator[None]:
    """Answer with `status` what a service refuses, and 502 where it does not answer as it should."""
    try:
        yield
    except lastfm.LastfmError as error:
        pending = "open the page of Last.fm and approve it first" if error.code == lastfm.NOT_APPROVED else None
        raise HTTPException(status, pending or scrobble_accounts.hidden(str(error), secrets)) from error
    except (CredentialsError, NotAcceptedError) as error:
        raise HTTPException(status, scrobble_accounts.hidden(str(error), secrets)) from error
    except UpstreamError as error:
        raise HTTPException(502, scrobble_accounts.hidden(error.reason, secrets)) from error


def _find(services: Services, user_id: int, service: Service) -> Account | None:
    return scrobble_accounts.find(services.accounts.database.reader(), services.accounts.key, user_id, service)


def _save(services: Services, user_id: int, service: Service, **fields: Any) -> None:
    with services.accounts.database.transaction() as db:
        scrobble_accounts.save(db, services.accounts.key, user_id, service, **fields)
    services.scrobbler.wake()
