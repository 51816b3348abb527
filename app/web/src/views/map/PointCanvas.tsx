import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Camera, Size } from "./camera";
import type { Coloured } from "./colours";
import { paint, paintMoved, radiusOf } from "./paint";
import { readColours } from "./palette";
import type { Points } from "./points";
import type { Grid } from "./region";

interface Props {
  points: Points;
  grid: Grid;
  camera: Camera;
  size: Size;
  zoom: number;
  coloured: Coloured;
  chosen: readonly number[] | undefined;
}

const MAX_PIXEL_RATIO = 2; // with more, a phone paints four times as long for what nobody sees

/** All points as pixels, as many as the screen has. */
export function PointCanvas({ points, grid, camera, size, zoom, coloured, chosen }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const isDark = useDarkness();
  const chosenSet = useMemo(() => chosen && new Set(chosen), [chosen]);
  const ratio = Math.min(window.devicePixelRatio || 1, MAX_PIXEL_RATIO);
  const width = Math.round(size.width * ratio);
  const height = Math.round(size.height * ratio);
  const colours = useMemo(() => {
    const view = document.querySelector(".map-view") ?? document.body;
    return readColours(
      view,
      coloured.classes.map(({ colour }) => colour),
    );
  }, [coloured, isDark]);
  const buffer = useMemo(() => new ImageData(Math.max(width, 1), Math.max(height, 1)), [width, height]);
  const look = useMemo(
    () => ({ points, grid, of: coloured.of, colours, radius: radiusOf(points.count, zoom) * ratio, chosen: chosenSet }),
    [points, grid, coloured, colours, zoom, ratio, chosenSet],
  );
  const wanted = { buffer, look, view: { ...camera, scale: camera.scale * ratio } };
  const newest = useRef(wanted);
  newest.current = wanted;
  const painted = useRef<typeof wanted | undefined>(undefined);
  const frame = useRef(0);
  useLayoutEffect(() => {
    // One that waits paints what is newest then. Asked for anew at each change, it might never have its turn.
    frame.current ||= requestAnimationFrame(() => {
      frame.current = 0;
      const context = canvas.current?.getContext("2d");
      if (!context) return;
      const { buffer, look, view } = newest.current;
      const to = { pixels: new Uint32Array(buffer.data.buffer), size: buffer };
      const before = painted.current;
      const isMoved = before?.buffer === buffer && before.look === look && before.view.scale === view.scale;
      if (isMoved) paintMoved(to, before.view, view, look);
      else paint(to, view, look);
      painted.current = newest.current;
      context.putImageData(buffer, 0, 0);
    });
  }, [camera, buffer, look]);
  useEffect(() => () => cancelAnimationFrame(frame.current), []);
  return <canvas ref={canvas} width={width} height={height} />;
}

/** Tell whether the page is dark, also when that changes. */
function useDarkness(): boolean {
  const query = useMemo(() => matchMedia("(prefers-color-scheme: dark)"), []);
  const [isDark, setDark] = useState(query.matches);
  useEffect(() => {
    const change = () => setDark(query.matches);
    query.addEventListener("change", change);
    return () => query.removeEventListener("change", change);
  }, []);
  return isDark;
}
