/** Which points lie where: the nearest one, those in a rectangle, and those within a line around them. */
import type { Place } from "./camera";
import type { Points } from "./points";

/** Points by the cells of a grid, row after row, in which few have to be looked at. */
export interface Grid {
  /** Where the points of each cell begin in `order`; one more at the end. */
  readonly starts: Int32Array;
  /** Indices of points. Those of the same cell are in their own order. */
  readonly order: Int32Array;
}

export interface Rectangle {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** Cells in each direction. */
export const CELLS = 256;
const CELL_BITS = 8; // of a coordinate: its lower ones
/** The width of a cell. */
export const CELL = 1 << CELL_BITS;

/** Return the row or column of a coordinate, or the nearest one. */
export function cellOf(value: number): number {
  return Math.min(Math.max(Math.floor(value / CELL), 0), CELLS - 1);
}

/** Sort the points by counting: twice through all of them. */
export function gridOf({ count, xs, ys }: Points): Grid {
  const cells = new Uint16Array(count);
  const starts = new Int32Array(CELLS * CELLS + 1);
  for (let i = 0; i < count; i++) {
    const cell = ((ys[i] as number) >> CELL_BITS) * CELLS + ((xs[i] as number) >> CELL_BITS);
    cells[i] = cell;
    starts[cell + 1] = (starts[cell + 1] as number) + 1;
  }
  for (let cell = 0; cell < CELLS * CELLS; cell++) {
    starts[cell + 1] = (starts[cell + 1] as number) + (starts[cell] as number);
  }
  const next = starts.slice();
  const order = new Int32Array(count);
  for (let i = 0; i < count; i++) {
    const cell = cells[i] as number;
    const at = next[cell] as number;
    order[at] = i;
    next[cell] = at + 1;
  }
  return { starts, order };
}

/** Return the indices of the points in a rectangle. */
export function inRectangle(points: Points, grid: Grid, { left, top, right, bottom }: Rectangle): number[] {
  const found: number[] = [];
  for (let row = cellOf(top); row <= cellOf(bottom); row++) {
    const end = grid.starts[row * CELLS + cellOf(right) + 1] as number;
    for (let at = grid.starts[row * CELLS + cellOf(left)] as number; at < end; at++) {
      const i = grid.order[at] as number;
      const x = points.xs[i] as number;
      const y = points.ys[i] as number;
      if (x >= left && x <= right && y >= top && y <= bottom) found.push(i);
    }
  }
  return found;
}

/** Return the index of the point nearest to a place, at most `radius` away; undefined where none is. */
export function nearest(points: Points, grid: Grid, place: Place, radius: number): number | undefined {
  const around = {
    left: place.x - radius,
    right: place.x + radius,
    top: place.y - radius,
    bottom: place.y + radius,
  };
  let best: number | undefined;
  let bestSquare = radius * radius;
  for (const i of inRectangle(points, grid, around)) {
    const square = squareBetween(points, i, place);
    if (square <= bestSquare) [best, bestSquare] = [i, square];
  }
  return best;
}

/** Return the indices of the points within a closed line (the rule of even and odd). */
export function inLasso(points: Points, grid: Grid, line: readonly Place[]): number[] {
  if (line.length < 3) return [];
  const xs = line.map(({ x }) => x);
  const ys = line.map(({ y }) => y);
  const box = { left: Math.min(...xs), right: Math.max(...xs), top: Math.min(...ys), bottom: Math.max(...ys) };
  return inRectangle(points, grid, box).filter((i) =>
    isInside(line, { x: points.xs[i] as number, y: points.ys[i] as number }),
  );
}

export function isInside(line: readonly Place[], { x, y }: Place): boolean {
  let is = false;
  let from = line.at(-1);
  for (const to of line) {
    if (from && from.y > y !== to.y > y && x < ((from.x - to.x) * (y - to.y)) / (from.y - to.y) + to.x) is = !is;
    from = to;
  }
  return is;
}

/** Return indices in the order of their distance from a place, the nearest first. */
export function byDistance(points: Points, indices: readonly number[], place: Place): number[] {
  return [...indices].sort((a, b) => squareBetween(points, a, place) - squareBetween(points, b, place) || a - b);
}

/** Return the mean place of some points. */
export function middleOf(points: Points, indices: readonly number[]): Place {
  let [x, y] = [0, 0];
  for (const i of indices) {
    x += points.xs[i] as number;
    y += points.ys[i] as number;
  }
  return { x: x / Math.max(indices.length, 1), y: y / Math.max(indices.length, 1) };
}

function squareBetween(points: Points, i: number, { x, y }: Place): number {
  return ((points.xs[i] as number) - x) ** 2 + ((points.ys[i] as number) - y) ** 2;
}
