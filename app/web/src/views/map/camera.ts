/** Which part of the map is seen. Places of the map are from 0 to `MAX_COORDINATE`, those of the screen in CSS pixels. */
import type { Points } from "./points";

export interface Size {
  readonly width: number;
  readonly height: number;
}

export interface Camera {
  /** The place of the map in the middle of the screen. */
  readonly x: number;
  readonly y: number;
  /** CSS pixels for each unit of the map. */
  readonly scale: number;
}

export interface Place {
  readonly x: number;
  readonly y: number;
}

const MARGIN_PX = 28;
const MIN_EXTENT = 2_000; // of what is shown, in units of the map: a single track is no reason to look closer
const MAX_ZOOM = 80;

export function toScreen(camera: Camera, size: Size, place: Place): Place {
  return {
    x: (place.x - camera.x) * camera.scale + size.width / 2,
    y: (place.y - camera.y) * camera.scale + size.height / 2,
  };
}

export function toMap(camera: Camera, size: Size, place: Place): Place {
  return {
    x: (place.x - size.width / 2) / camera.scale + camera.x,
    y: (place.y - size.height / 2) / camera.scale + camera.y,
  };
}

/** Return the camera that shows all of these points, or the whole map without any. */
export function overviewOf(points: Points, size: Size, indices?: readonly number[]): Camera {
  let [left, top, right, bottom] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, 0, 0];
  const count = indices?.length ?? points.count;
  for (let k = 0; k < count; k++) {
    const i = indices ? (indices[k] as number) : k;
    const x = points.xs[i] as number;
    const y = points.ys[i] as number;
    left = Math.min(left, x);
    right = Math.max(right, x);
    top = Math.min(top, y);
    bottom = Math.max(bottom, y);
  }
  if (left > right) [left, top] = [right, bottom];
  const width = Math.max(right - left, MIN_EXTENT);
  const height = Math.max(bottom - top, MIN_EXTENT);
  const room = (length: number) => Math.max(length - 2 * MARGIN_PX, 1);
  return {
    x: (left + right) / 2,
    y: (top + bottom) / 2,
    scale: Math.min(room(size.width) / width, room(size.height) / height),
  };
}

/** Zoom by a factor, so that the place below a point of the screen stays there. `whole` shows the whole map. */
export function zoomAt(camera: Camera, size: Size, at: Place, factor: number, whole: Camera): Camera {
  const scale = Math.min(Math.max(camera.scale * factor, whole.scale * 0.7), whole.scale * MAX_ZOOM);
  const under = toMap(camera, size, at);
  return {
    x: under.x - (at.x - size.width / 2) / scale,
    y: under.y - (at.y - size.height / 2) / scale,
    scale,
  };
}

/** Move what is seen by CSS pixels, as if the map was dragged. */
export function panBy(camera: Camera, dx: number, dy: number): Camera {
  return { ...camera, x: camera.x - dx / camera.scale, y: camera.y - dy / camera.scale };
}

/** Return how much closer than the whole map it is. */
export function zoomOf(camera: Camera, whole: Camera): number {
  return camera.scale / whole.scale;
}
