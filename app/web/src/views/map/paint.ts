/** Paint the points into the pixels of a canvas. */
import type { Camera, Size } from "./camera";
import type { Points } from "./points";
import { CELL, CELLS, cellOf, type Grid } from "./region";

/** The pixels of a disc beside the pixel in its middle, and how much of each the disc covers: 0 to 255. */
interface Disc {
  readonly dx: Int32Array;
  readonly dy: Int32Array;
  /** The same as one step in the pixels of the canvas. */
  readonly step: Int32Array;
  readonly cover: Uint8Array;
}

/** What is painted into: little-endian RGBA. */
export interface Canvas {
  readonly pixels: Uint32Array;
  /** In device pixels. */
  readonly size: Size;
}

export interface Look {
  readonly points: Points;
  /** Points that lie together are painted one after the other: then their pixels are in the cache of the processor. */
  readonly grid: Grid;
  /** The class of each point, and the colour of each class: red, green and blue as 0xBBGGRR. */
  readonly of: Uint8Array;
  readonly colours: Uint32Array;
  /** In device pixels. */
  readonly radius: number;
  /** Those that are chosen; the others are then faint. */
  readonly chosen?: ReadonlySet<number> | undefined;
}

/** Pixels that are to be painted: all of some rows, and some columns of the others; the last ones do not count. */
interface Part {
  readonly top: number;
  readonly bottom: number;
  readonly left: number;
  readonly right: number;
}

const FAINT = 0.18;
const MIN_COVER = 0.02; // of a pixel; less is not seen
const MIN_RADIUS_PX = 1.5;
const MAX_RADIUS_PX = 7;

/** Return the radius of a point in CSS pixels: few points are larger, and all grow a little when one looks closer. */
export function radiusOf(count: number, zoom: number): number {
  const whole = Math.min(Math.max(150 / Math.sqrt(Math.max(count, 1)), MIN_RADIUS_PX), 5);
  return Math.min(whole * Math.max(zoom, 0.7) ** 0.35, MAX_RADIUS_PX);
}

/** Paint all that is seen. `camera` has device pixels for each unit, too. */
export function paint(canvas: Canvas, camera: Camera, look: Look): void {
  canvas.pixels.fill(0);
  paintPart(canvas, camera, look, { top: 0, bottom: canvas.size.height, left: 0, right: 0 });
}

/** Move what was painted for `before`, a camera of the same scale, and paint what has come into view. */
export function paintMoved(canvas: Canvas, before: Camera, camera: Camera, look: Look): void {
  const { pixels, size } = canvas;
  const { width, height } = size;
  const [from, to] = [originOf(before, size), originOf(camera, size)];
  const [dx, dy] = [to.left - from.left, to.top - from.top];
  if (Math.abs(dx) >= width || Math.abs(dy) >= height) {
    paint(canvas, camera, look);
    return;
  }
  if (!dx && !dy) return;
  const distance = dy * width + dx; // what leaves a row at one side comes into a column that is painted anew
  pixels.copyWithin(Math.max(distance, 0), Math.max(-distance, 0));
  const part = {
    top: dy < 0 ? height + dy : 0,
    bottom: dy < 0 ? height : dy,
    left: dx < 0 ? width + dx : 0,
    right: dx < 0 ? width : dx,
  };
  pixels.fill(0, part.top * width, part.bottom * width);
  for (let row = 0; row < height; row++) pixels.fill(0, row * width + part.left, row * width + part.right);
  paintPart(canvas, camera, look, part);
}

/** Return where the map begins: at whole pixels, so that what is painted can be moved. */
function originOf(camera: Camera, { width, height }: Size): { left: number; top: number } {
  return {
    left: Math.round(width / 2 - camera.x * camera.scale),
    top: Math.round(height / 2 - camera.y * camera.scale),
  };
}

/** Paint the points whose discs reach into a part. What is beside it and has them already stays as it is. */
function paintPart({ pixels, size }: Canvas, camera: Camera, look: Look, part: Part): void {
  const { width, height } = size;
  const { scale } = camera;
  const { left, top } = originOf(camera, size);
  const { starts, order } = look.grid;
  const { xs, ys } = look.points;
  const full = discOf(look.radius, 1, width);
  const faint = discOf(look.radius, FAINT, width);
  const reach = Math.ceil(look.radius) + 1;
  const cellAt = (pixel: number, origin: number) => cellOf((pixel - origin) / scale);
  const lastRow = cellAt(height + reach, top);
  for (let row = cellAt(-reach, top); row <= lastRow; row++) {
    const begin = row * CELL * scale + top - reach;
    const isInRows = begin < part.bottom && begin + CELL * scale + 2 * reach > part.top;
    if (!isInRows && part.left === part.right) continue;
    const first = cellAt((isInRows ? 0 : part.left) - reach, left);
    const last = cellAt((isInRows ? width : part.right) + reach, left);
    const end = starts[row * CELLS + last + 1] as number;
    for (let at = starts[row * CELLS + first] as number; at < end; at++) {
      const i = order[at] as number;
      const x = Math.floor((xs[i] as number) * scale) + left;
      const y = Math.floor((ys[i] as number) * scale) + top;
      if (x < -reach || y < -reach || x > width + reach || y > height + reach) continue;
      const colour = look.colours[look.of[i] as number] ?? 0;
      const disc = !look.chosen || look.chosen.has(i) ? full : faint;
      const isWhole = x >= reach && y >= reach && x < width - reach && y < height - reach;
      paintDisc(pixels, size, disc, x, y, colour, isWhole);
    }
  }
}

/** Where two discs overlap the one that covers more of a pixel has it, so the chosen ones lie above the others. */
function paintDisc(
  pixels: Uint32Array,
  { width, height }: Size,
  disc: Disc,
  x: number,
  y: number,
  colour: number,
  isWhole: boolean,
): void {
  const middle = y * width + x;
  for (let k = 0; k < disc.step.length; k++) {
    if (!isWhole) {
      const column = x + (disc.dx[k] as number);
      const row = y + (disc.dy[k] as number);
      if (column < 0 || row < 0 || column >= width || row >= height) continue;
    }
    const at = middle + (disc.step[k] as number);
    const cover = disc.cover[k] as number;
    if (cover > (pixels[at] as number) >>> 24) pixels[at] = (cover << 24) | colour;
  }
}

function discOf(radius: number, strength: number, width: number): Disc {
  const reach = Math.ceil(radius);
  const rows: [number, number, number][] = [];
  for (let dy = -reach; dy <= reach; dy++) {
    for (let dx = -reach; dx <= reach; dx++) {
      const cover = Math.min(Math.max(radius + 0.5 - Math.hypot(dx, dy), 0), 1) * strength;
      if (cover > MIN_COVER) rows.push([dx, dy, Math.round(255 * cover)]);
    }
  }
  return {
    dx: Int32Array.from(rows, ([dx]) => dx),
    dy: Int32Array.from(rows, ([, dy]) => dy),
    step: Int32Array.from(rows, ([dx, dy]) => dy * width + dx),
    cover: Uint8Array.from(rows, ([, , cover]) => cover),
  };
}
