/** Where on the map most tracks of each genre or artist are. */
import type { Points } from "./points";
import { CELLS, type Grid } from "./region";

/** The mean of the places of the tracks in the densest block of cells. */
export interface Spot {
  readonly x: number;
  readonly y: number;
  /** Of all tracks. */
  readonly count: number;
}

export interface Spots {
  readonly genre: ReadonlyMap<number, Spot>;
  readonly artist: ReadonlyMap<number, Spot>;
}

const BLOCK = 8; // cells of the grid in each direction, among which the densest place is looked for

export function spotsOf(points: Points, grid: Grid): Spots {
  let ofArtists: Spots["artist"] | undefined;
  return {
    genre: spotsOfOwners(points, grid, points.genres),
    get artist() {
      ofArtists ??= spotsOfOwners(points, grid, points.artists); // there are many, and at first none is shown
      return ofArtists;
    },
  };
}

function spotsOfOwners({ xs, ys }: Points, { starts, order }: Grid, owners: Uint32Array): Map<number, Spot> {
  const { ids, places } = numbered(owners);
  const tracks = new Uint32Array(ids.length);
  const [most, mostX, mostY] = [
    new Uint32Array(ids.length),
    new Float64Array(ids.length),
    new Float64Array(ids.length),
  ];
  const [here, hereX, hereY] = [
    new Uint32Array(ids.length),
    new Float64Array(ids.length),
    new Float64Array(ids.length),
  ];
  for (let top = 0; top < CELLS; top += BLOCK) {
    for (let left = 0; left < CELLS; left += BLOCK) {
      const found: number[] = [];
      for (let row = top; row < top + BLOCK; row++) {
        const end = starts[row * CELLS + left + BLOCK] as number;
        for (let at = starts[row * CELLS + left] as number; at < end; at++) {
          const i = order[at] as number;
          const place = places[i] as number;
          if (!here[place]) found.push(place);
          here[place] = (here[place] as number) + 1;
          hereX[place] = (hereX[place] as number) + (xs[i] as number);
          hereY[place] = (hereY[place] as number) + (ys[i] as number);
        }
      }
      for (const place of found) {
        const count = here[place] as number;
        tracks[place] = (tracks[place] as number) + count;
        if (count > (most[place] as number)) {
          most[place] = count;
          mostX[place] = hereX[place] as number;
          mostY[place] = hereY[place] as number;
        }
        here[place] = hereX[place] = hereY[place] = 0; // for the next block
      }
    }
  }
  const spotOf = (place: number): Spot => {
    const count = most[place] as number;
    return { x: (mostX[place] as number) / count, y: (mostY[place] as number) / count, count: tracks[place] as number };
  };
  return new Map(ids.map((id, place) => [id, spotOf(place)]));
}

/** Return the different values, and where among them each value is. */
function numbered(values: Uint32Array): { ids: number[]; places: Int32Array } {
  const ids: number[] = [];
  const known = new Map<number, number>();
  const places = new Int32Array(values.length);
  let last = -1;
  let place = -1;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number;
    if (value !== last) {
      last = value; // an album has the same ones, so most values follow themselves
      place = known.get(value) ?? ids.length;
      if (place === ids.length) {
        known.set(value, place);
        ids.push(value);
      }
    }
    places[i] = place;
  }
  return { ids, places };
}
