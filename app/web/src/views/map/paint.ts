/** Paint the points into the pixels of a canvas. */
import type { Camera, Size } from "./camera";
import type { Points } from "./points";

/** The pixels of a disc beside the pixel in its middle, and how much of each the disc covers: 0 to 255. */
interface Disc {
  readonly dx: Int32Array;
  readonly dy: Int32Array;
  /** The same as one step in the pixels of the canvas. */
  readonly step: Int32Array;
  readonly cover: Uint8Array;
}

export interface Look {
  /** The class of each point, and the colour of each class: red, green and blue as 0xBBGGRR. */
  readonly of: Uint8Array;
  readonly colours: Uint32Array;
  /** All points, those that lie together one after the other: then their pixels are in the cache of the processor. */
  readonly order: Int32Array;
  /** In device pixels. */
  readonly radius: number;
  /** Those that are chosen; the others are then faint. */
  readonly chosen?: ReadonlySet<number> | undefined;
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

/** Paint into `pixels`, little-endian RGBA of `size` device pixels. `camera` has device pixels for each unit, too. */
export function paint(pixels: Uint32Array, size: Size, camera: Camera, points: Points, look: Look): void {
  pixels.fill(0);
  const { width, height } = size;
  const full = discOf(look.radius, 1, width);
  const faint = discOf(look.radius, FAINT, width);
  const reach = Math.ceil(look.radius) + 1;
  const { xs, ys } = points;
  const left = width / 2 - camera.x * camera.scale;
  const top = height / 2 - camera.y * camera.scale;
  for (const i of look.order) {
    const x = Math.floor((xs[i] as number) * camera.scale + left);
    const y = Math.floor((ys[i] as number) * camera.scale + top);
    if (x < -reach || y < -reach || x > width + reach || y > height + reach) continue;
    const colour = look.colours[look.of[i] as number] ?? 0;
    const disc = !look.chosen || look.chosen.has(i) ? full : faint;
    const isWhole = x >= reach && y >= reach && x < width - reach && y < height - reach;
    paintDisc(pixels, size, disc, x, y, colour, isWhole);
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
