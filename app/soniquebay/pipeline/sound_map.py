"""Bring the map of the library up to date. numpy and the vectors are loaded here, in a process of the worker."""

import logging
import time

import numpy as np

from soniquebay.audio.feature_schema import FEATURE_VERSION
from soniquebay.library.database import open_read_only
from soniquebay.library.similarity import map_layout, map_places
from soniquebay.library.similarity.nearest_neighbours import load_index
from soniquebay.library.similarity.neighbour_graph import Int32Array
from soniquebay.pipeline import library_api
from soniquebay.settings import settings

log = logging.getLogger(__name__)

_PLACES_PER_REQUEST = 5000
_PROGRESS_INTERVAL_SECONDS = 2.0
_PROGRESS_MAX_WAIT_SECONDS = 5.0


def bring_up_to_date() -> None:
    """Place what has no place yet, or make the whole map anew if that is due, and store it through the API.

    Raises `library_api.RefusedError` when another layout was begun meanwhile.
    """
    started = time.process_time()
    with open_read_only(settings().database) as db:
        plan = map_places.plan(db)
        index = load_index(db) if plan.unplaced or plan.is_new_layout_due else None
        known = map_places.placed(db, plan.layout)
    layout = plan.layout
    if index is not None:
        ids, points = index.ids[: index.count], index.points[: index.count]
        if plan.is_new_layout_due:
            layout = library_api.post("/internal/map/layouts", {})["layout"]
            _store(layout, ids, map_layout.lay_out(points, progress=_Progress()))
        else:
            known_ids, known_places = np.array([row[0] for row in known]), np.array([row[1:] for row in known])
            has_place = np.isin(ids, known_ids)
            places = known_places[np.searchsorted(known_ids, ids[has_place])]
            if places.size:
                _store(layout, ids[~has_place], map_layout.place_among(points[~has_place], points[has_place], places))
    body = {
        "feature_version": FEATURE_VERSION if index is None else index.version,
        "algorithm_version": map_places.ALGORITHM_VERSION,
        "cpu_seconds": time.process_time() - started,
    }
    library_api.post(f"/internal/map/layouts/{layout}/finish", body)
    log.info("map: %d of %d tracks placed in layout %d", plan.unplaced, plan.analysed, layout)


def _store(layout: int, ids: "np.typing.NDArray[np.int64]", places: Int32Array) -> None:
    for start in range(0, ids.size, _PLACES_PER_REQUEST):
        part = slice(start, start + _PLACES_PER_REQUEST)
        rows = np.column_stack([ids[part], places[part]]).tolist()
        library_api.post(f"/internal/map/layouts/{layout}/places", {"places": rows})


class _Progress:
    """Tells the API from time to time how much is done."""

    def __init__(self) -> None:
        self._told_at = time.monotonic()

    def __call__(self, share: float) -> None:
        if time.monotonic() - self._told_at >= _PROGRESS_INTERVAL_SECONDS:
            self._told_at = time.monotonic()
            library_api.post("/internal/map/progress", {"share": min(share, 1.0)}, _PROGRESS_MAX_WAIT_SECONDS)
