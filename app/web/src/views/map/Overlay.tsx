import { type Camera, type Place, type Size, toScreen } from "./camera";
import { visible } from "./labels";
import type { MapData } from "./use_map_data";

interface Props {
  data: MapData;
  camera: Camera;
  size: Size;
  zoom: number;
  /** The line that is drawn around tracks, in CSS pixels. */
  line: readonly Place[];
  /** Shares of the width and height of what is seen. */
  rectangle: Size | undefined;
  rings: { shown: number | undefined; playing: number | undefined };
  path: readonly number[];
}

const RING_PX = 9;
const STOP_PX = 6;
const LABEL_ABOVE_PX = 18; // so that a name does not hide what it names

/** What lies above the points: names, a path, the lasso, and rings around the tracks that are shown and that play. */
export function Overlay({ data: { points, labels }, camera, size, zoom, line, rectangle, rings, path }: Props) {
  const at = (index: number) =>
    toScreen(camera, size, { x: points.xs[index] as number, y: points.ys[index] as number });
  const stops = path.map(at);
  return (
    <svg class="overlay" aria-hidden="true">
      {visible(labels, camera, size, zoom).map(({ kind, id, name, x, y }) => (
        <text key={`${kind}${id}`} class={kind} x={x} y={y - LABEL_ABOVE_PX}>
          {name}
        </text>
      ))}
      {stops.length > 1 && <polyline class="way" points={lineOf(stops)} />}
      {stops.map(({ x, y }, place) => (
        <circle key={place} class="stop" cx={x} cy={y} r={STOP_PX} />
      ))}
      {rings.playing !== undefined && <Ring className="ring playing" at={at(rings.playing)} />}
      {rings.shown !== undefined && <Ring className="ring" at={at(rings.shown)} />}
      {line.length > 1 && <polygon class="lasso-line" points={lineOf(line)} />}
      {rectangle && (
        <rect
          class="lasso-line"
          x={(size.width * (1 - rectangle.width)) / 2}
          y={(size.height * (1 - rectangle.height)) / 2}
          width={size.width * rectangle.width}
          height={size.height * rectangle.height}
        />
      )}
    </svg>
  );
}

function Ring({ className, at }: { className: string; at: Place }) {
  return <circle class={className} cx={at.x} cy={at.y} r={RING_PX} />;
}

function lineOf(places: readonly Place[]): string {
  return places.map(({ x, y }) => `${x.toFixed(1)},${y.toFixed(1)}`).join(" ");
}
