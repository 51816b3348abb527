/** Where the names of genres and artists stand on the map, and which of them have room. */
import { type Camera, type Place, type Size, toScreen } from "./camera";
import { MAX_COORDINATE, type Points } from "./points";

export interface Label extends Place {
  readonly kind: "genre" | "artist";
  readonly id: number;
  readonly name: string;
  readonly count: number;
}

const CELLS = 40; // in each direction, in which the densest place is looked for
const ARTISTS_FROM_ZOOM = 2;
const MIN_ARTIST_TRACKS = 2;
const GENRE_LETTER_PX = 8.5;
const ARTIST_LETTER_PX = 6.6;
const LINE_PX = 20;
const GAP_PX = 10;

/** Return a label for each named genre or artist, at the place where most of its tracks are: most tracks first. */
export function labelsOf(
  points: Points,
  kind: Label["kind"],
  names: readonly { readonly id: number; readonly name: string }[],
): Label[] {
  const owners = kind === "genre" ? points.genres : points.artists;
  const known = new Map(names.map(({ id, name }) => [id, name]));
  const cells = new Map<number, Map<number, { n: number; x: number; y: number }>>();
  for (let i = 0; i < points.count; i++) {
    const owner = owners[i] as number;
    if (!known.has(owner)) continue;
    const x = points.xs[i] as number;
    const y = points.ys[i] as number;
    const cell = cellOf(y) * CELLS + cellOf(x);
    const own = cells.get(owner) ?? new Map<number, { n: number; x: number; y: number }>();
    cells.set(owner, own);
    const sum = own.get(cell) ?? { n: 0, x: 0, y: 0 };
    own.set(cell, { n: sum.n + 1, x: sum.x + x, y: sum.y + y });
  }
  return [...cells]
    .map(([id, own]) => {
      const all = [...own.values()];
      const densest = all.reduce((best, cell) => (cell.n > best.n ? cell : best));
      return {
        kind,
        id,
        name: known.get(id) ?? "",
        x: densest.x / densest.n,
        y: densest.y / densest.n,
        count: all.reduce((sum, cell) => sum + cell.n, 0),
      };
    })
    .sort((a, b) => b.count - a.count || a.id - b.id);
}

/** Return the labels that are seen, with their places on the screen. None covers another; genres come first. */
export function visible(labels: readonly Label[], camera: Camera, size: Size, zoom: number): Label[] {
  const taken: { x: number; y: number; half: number }[] = [];
  const shown: Label[] = [];
  for (const label of labels) {
    if (label.kind === "artist" && (zoom < ARTISTS_FROM_ZOOM || label.count < MIN_ARTIST_TRACKS)) continue;
    const at = toScreen(camera, size, label);
    if (at.x < 0 || at.y < 0 || at.x > size.width || at.y > size.height) continue;
    const half = (label.name.length * (label.kind === "genre" ? GENRE_LETTER_PX : ARTIST_LETTER_PX)) / 2 + GAP_PX;
    const hasRoom = taken.every(
      (other) => Math.abs(other.x - at.x) > other.half + half || Math.abs(other.y - at.y) > LINE_PX,
    );
    if (!hasRoom) continue;
    taken.push({ ...at, half });
    shown.push({ ...label, ...at });
  }
  return shown;
}

function cellOf(value: number): number {
  return Math.min(Math.floor((value * CELLS) / (MAX_COORDINATE + 1)), CELLS - 1);
}
