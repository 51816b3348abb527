import { useEffect, useState } from "preact/hooks";
import { type Answer, ApiError, get } from "../../api/client";
import { address } from "../../base_path";
import { type Asked, useAnswer } from "../../components/use_answer";
import type { Labels } from "./labels";
import { decodePoints, type Points } from "./points";
import { type Grid, gridOf } from "./region";
import { type Spots, spotsOf } from "./spots";

export interface Placed {
  readonly points: Points;
  readonly grid: Grid;
  readonly spots: Spots;
}

/** What the map is drawn from. It has no labels until the names are known. */
export interface MapData extends Placed {
  readonly labels: Labels;
}

export interface Named {
  readonly names: Answer<"/api/map/names", "get">;
  readonly state: Answer<"/api/map/state", "get">;
}

const CHECK_MS = 5_000;

/**
 * Load the map, and load it again from time to time while it is empty. The names take the appliance many times as long
 * as the points, which are painted meanwhile.
 */
export function useMapData(): { placed: Asked<Placed>; named: Asked<Named> } {
  const [round, setRound] = useState(0);
  const placed = useAnswer(loadPlaces, [round]);
  const named = useAnswer(loadNames, [round]);
  const isEmpty = placed.answer?.points.count === 0;
  useEffect(() => {
    if (!isEmpty) return;
    const timer = window.setInterval(() => setRound((before) => before + 1), CHECK_MS);
    return () => window.clearInterval(timer);
  }, [isEmpty]);
  return { placed, named };
}

async function loadPlaces(signal: AbortSignal): Promise<Placed> {
  const points = await loadPoints(signal);
  const grid = gridOf(points);
  return { points, grid, spots: spotsOf(points, grid) };
}

async function loadNames(signal: AbortSignal): Promise<Named> {
  const [names, state] = await Promise.all([get("/api/map/names", { signal }), get("/api/map/state", { signal })]);
  return { names, state };
}

/** Ask for the points. A browser that has them asks whether they are still the same. */
async function loadPoints(signal: AbortSignal): Promise<Points> {
  const answer = await fetch(address("/api/map"), { signal });
  if (!answer.ok) throw new ApiError(answer.status, answer.statusText);
  return decodePoints(await answer.arrayBuffer());
}
