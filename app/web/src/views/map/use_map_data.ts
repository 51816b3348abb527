import { useEffect, useState } from "preact/hooks";
import { type Answer, ApiError, get } from "../../api/client";
import { address } from "../../base_path";
import { type Asked, useAnswer } from "../../components/use_answer";
import { type Label, labelsOf } from "./labels";
import { decodePoints, type Points } from "./points";
import { type Grid, gridOf } from "./region";

export interface MapData {
  readonly points: Points;
  readonly grid: Grid;
  readonly labels: readonly Label[];
  readonly genreNames: ReadonlyMap<number, string>;
  readonly state: Answer<"/api/map/state", "get">;
}

const CHECK_MS = 5_000;

/** Load the map, and load it again from time to time while it is empty. */
export function useMapData(): Asked<MapData> {
  const [round, setRound] = useState(0);
  const asked = useAnswer(load, [round]);
  const isEmpty = asked.answer?.points.count === 0;
  useEffect(() => {
    if (!isEmpty) return;
    const timer = window.setInterval(() => setRound((before) => before + 1), CHECK_MS);
    return () => window.clearInterval(timer);
  }, [isEmpty]);
  return asked;
}

async function load(signal: AbortSignal): Promise<MapData> {
  const [points, names, state] = await Promise.all([
    loadPoints(signal),
    get("/api/map/names", { signal }),
    get("/api/map/state", { signal }),
  ]);
  return {
    points,
    grid: gridOf(points),
    labels: [...labelsOf(points, "genre", names.genres), ...labelsOf(points, "artist", names.artists)],
    genreNames: new Map(names.genres.map(({ id, name }) => [id, name])),
    state,
  };
}

/** Ask for the points. A browser that has them asks whether they are still the same. */
async function loadPoints(signal: AbortSignal): Promise<Points> {
  const answer = await fetch(address("/api/map"), { signal });
  if (!answer.ok) throw new ApiError(answer.status, answer.statusText);
  return decodePoints(await answer.arrayBuffer());
}
