"""The releases that this machine is offered, and how far the installation of one has come."""

import os
import threading
import time
from dataclasses import asdict
from functools import partial
from pathlib import Path

from anyio import to_thread

from soniquebay import __version__
from soniquebay.api.drive_look import DriveLook
from soniquebay.api.models.updates import Installing, OfferedRelease, PastUpgrade, RefusedRelease, Updates, UploadState
from soniquebay.api.release_upload import ReleaseUpload
from soniquebay.api.shared_run import SharedRun
from soniquebay.library.paths import decode, encode
from soniquebay.releases import offers, request, signatures
from soniquebay.releases.journal import Journal, Upgrade
from soniquebay.releases.offers import Offer
from soniquebay.settings import Settings

LOOK_SECONDS = 2.0  # that all drives together may take to tell what lies on them
_NOT_TAKEN = "the machine has not taken the request: `systemctl status soniquebay-update.path` says why"


class InstallError(Exception):
    """A release cannot be installed now, with a status of HTTP and a sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


class ReleaseOffers:
    """Looks for releases when it is asked. One look serves all who ask meanwhile."""

    def __init__(self, settings: Settings) -> None:
        self.upload = ReleaseUpload(settings.data)
        self._settings = settings
        self._asking = threading.Lock()
        self._looks: dict[bytes, DriveLook[list[Offer]]] = {}
        self._shared: SharedRun[Updates] = SharedRun("updates")

    async def state(self) -> Updates:
        """Return what is offered, and what is being done."""
        return await self._shared.result(self._state)

    async def install(self, path: str) -> Updates:
        """Ask the machine to install an offer, named by its encoded path. Raises `InstallError`, and ``OSError``."""
        state = await self.state()
        if not state.installable:
            raise InstallError(409, "releases are installed on the appliance only, and this is none")
        if not state.trusts_keys:
            raise InstallError(409, "the release that runs trusts no keys, so no signature can be checked")
        if state.installing:
            raise InstallError(409, f"release {state.installing.version} is being installed: wait for its end")
        offer = next((offer for offer in state.offers if offer.path == path), None)
        if offer is None:
            raise InstallError(404, "this release is not offered any more")
        if offer.state != "newer":
            raise InstallError(409, f"release {offer.version} cannot be installed: {offer.state.replace('_', ' ')}")
        await to_thread.run_sync(self._ask_for, decode(offer.path))
        return await self.state()

    def _ask_for(self, archive: bytes) -> None:
        data = self._settings.data
        with self._asking:
            if request.waits(data) and not request.is_stuck(data):
                raise InstallError(409, "the machine was asked for a release just now: wait for its end")
            request.write(data, archive)

    def _state(self) -> Updates:
        found, is_silent = self._look()
        root = self._settings.releases
        uploading = self.upload.state
        upgrades = Journal(root).upgrades() if root else []
        return Updates(
            version=__version__,
            installable=root is not None,
            trusts_keys=root is not None and signatures.has_keys(root / "current"),
            offers=found,
            silent=is_silent,
            upload=UploadState.model_validate(asdict(uploading)) if uploading else None,
            installing=self._installing(root, upgrades) if root else None,
            refused=self._refused(root) if root else None,
            upgrades=[PastUpgrade.model_validate(asdict(upgrade)) for upgrade in reversed(upgrades)],
        )

    def _look(self) -> tuple[list[OfferedRelease], bool]:
        """Return what lies on the drives and what was uploaded, and whether a drive does not answer."""
        drives = offers.places(self._settings.music, offers.MOUNTINFO.read_bytes())
        uploads = os.fsencode(self.upload.folder)
        places = [*drives, uploads]
        self._looks = {place: look for place, look in self._looks.items() if place in places or not look.is_done}
        for place in places:
            look = self._looks.get(place)
            if look is None or look.is_done:  # else the thread of the last time still waits for the drive
                self._looks[place] = DriveLook(partial(offers.find, place, __version__))
        found = {place: self._looks[place].result(LOOK_SECONDS / len(places)) for place in places}
        origin = {id(offer): place for place, items in found.items() for offer in items or ()}
        listed = offers.newest_first(offer for items in found.values() for offer in items or ())
        items = [_item(offer, is_uploaded=origin[id(offer)] == uploads) for offer in listed]
        return items, any(not self._looks[place].is_done for place in places)

    def _installing(self, root: Path, upgrades: list[Upgrade]) -> Installing | None:
        last = upgrades[-1] if upgrades else None
        if last and last.is_open:
            return Installing(version=last.new, step=last.step)
        running = request.running(root)
        if running and not (last and last.began_at >= running.at):  # else it has come to its end, and is cleaned up
            return Installing(version=running.version, step="checking")
        data = self._settings.data
        if request.waits(data) and not request.is_stuck(data):
            return Installing(version="", step="requested")
        return None

    def _refused(self, root: Path) -> RefusedRelease | None:
        if request.is_stuck(self._settings.data) and not request.running(root):
            return RefusedRelease(version="", reason=_NOT_TAKEN, at=time.time())
        told = request.refusal(root)
        return RefusedRelease.model_validate(asdict(told)) if told else None


def _item(offer: Offer, *, is_uploaded: bool) -> OfferedRelease:
    return OfferedRelease(
        path=encode(offer.path), version=offer.version, bytes=offer.bytes,
        place="upload" if is_uploaded else "drive", state=offer.state,
    )  # fmt: skip
