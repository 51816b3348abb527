/** The points of the map as the API sends them: one column behind the other (docs/api.md, GET /api/map). */

export interface Points {
  readonly count: number;
  readonly ids: Uint32Array;
  readonly artists: Uint32Array;
  /** The first genre of each track; 0 without one, as in the following columns. */
  readonly genres: Uint32Array;
  readonly xs: Uint16Array;
  readonly ys: Uint16Array;
  readonly years: Uint16Array;
  /** 1 to 12: C major to B major; 13 to 24: C minor to B minor. */
  readonly keys: Uint8Array;
  /** Beats a minute. */
  readonly tempos: Uint8Array;
  /** The number of the most likely sound tag, which is a guess. */
  readonly soundTags: Uint8Array;
}

/** Places are from 0 to this. */
export const MAX_COORDINATE = 65_535;
const MAGIC = 0x324d4253; // "SBM2"
const HEADER_BYTES = 8;
const POINT_BYTES = 21;

/** Return the points of an answer. Throws an error for anything else. */
export function decodePoints(data: ArrayBuffer): Points {
  const head = new DataView(data);
  const count = data.byteLength >= HEADER_BYTES ? head.getUint32(4, true) : 0;
  if (data.byteLength !== HEADER_BYTES + POINT_BYTES * count || head.getUint32(0, true) !== MAGIC) {
    throw new RangeError("not the points of a map");
  }
  let offset = HEADER_BYTES;
  const next = (bytes: number) => {
    const start = offset;
    offset += bytes * count;
    return start;
  };
  const words = () => new Uint32Array(data, next(4), count);
  const halves = () => new Uint16Array(data, next(2), count);
  const bytes = () => new Uint8Array(data, next(1), count);
  return {
    count,
    ids: words(),
    artists: words(),
    genres: words(),
    xs: halves(),
    ys: halves(),
    years: halves(),
    keys: bytes(),
    tempos: bytes(),
    soundTags: bytes(),
  };
}

/** Return the index of a track, or undefined. The tracks are in the order of their ids. */
export function indexOf(points: Points, id: number): number | undefined {
  let low = 0;
  let high = points.count;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((points.ids[middle] as number) < id) low = middle + 1;
    else high = middle;
  }
  return points.ids[low] === id ? low : undefined;
}
