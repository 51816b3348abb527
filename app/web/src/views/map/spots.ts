/** Where on the map most tracks of each genre or artist are. */
import { MAX_COORDINATE, type Points } from "./points";
import { sortedBy } from "./sorted";

/** The mean of the places of the tracks in the densest cell. */
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

const CELLS = 40; // in each direction, in which the densest place is looked for

export function spotsOf(points: Points): Spots {
  const { count, xs, ys, genres, artists } = points;
  const cells = new Uint16Array(count);
  const columnOf = (value: number) => Math.floor((value * CELLS) / (MAX_COORDINATE + 1));
  for (let i = 0; i < count; i++) cells[i] = columnOf(ys[i] as number) * CELLS + columnOf(xs[i] as number);
  return { genre: spotsOfOwners(points, genres, cells), artist: spotsOfOwners(points, artists, cells) };
}

function spotsOfOwners({ count, xs, ys }: Points, owners: Uint32Array, cells: Uint16Array): Map<number, Spot> {
  const { ids, places } = numbered(owners);
  const { starts, order } = sortedBy(places, ids.length);
  const tracksIn = new Uint32Array(CELLS * CELLS);
  const spots = new Map<number, Spot>();
  for (let place = 0; place < ids.length; place++) {
    const first = starts[place] as number;
    const end = starts[place + 1] ?? count;
    for (let k = first; k < end; k++) {
      const cell = cells[order[k] as number] as number;
      tracksIn[cell] = (tracksIn[cell] as number) + 1;
    }
    let densest = cells[order[first] as number] as number;
    for (let k = first + 1; k < end; k++) {
      const cell = cells[order[k] as number] as number;
      if ((tracksIn[cell] as number) > (tracksIn[densest] as number)) densest = cell;
    }
    const n = tracksIn[densest] as number;
    let x = 0;
    let y = 0;
    for (let k = first; k < end; k++) {
      const i = order[k] as number;
      const cell = cells[i] as number;
      tracksIn[cell] = 0; // for the next one
      if (cell !== densest) continue;
      x += xs[i] as number;
      y += ys[i] as number;
    }
    spots.set(ids[place] as number, { x: x / n, y: y / n, count: end - first });
  }
  return spots;
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
