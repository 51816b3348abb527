import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { Icon } from "../../components/Icon";
import { t } from "../../messages";
import { current } from "../../player/player";
import { type Camera, overviewOf, type Place, panBy, type Size, toMap, zoomAt, zoomOf } from "./camera";
import type { Coloured } from "./colours";
import { listen } from "./gestures";
import { Overlay } from "./Overlay";
import { PointCanvas } from "./PointCanvas";
import { indexOf } from "./points";
import { inLasso, inRectangle, nearest, type Rectangle } from "./region";
import type { MapData } from "./use_map_data";

interface Props {
  data: MapData;
  coloured: Coloured;
  /** Indices of what is chosen. */
  chosen: readonly number[] | undefined;
  /** Index of the point whose track is shown. */
  shown: number | undefined;
  /** Indices of the tracks of a path, in its order. */
  path: readonly number[];
  onHover: (index: number | undefined) => void;
  onTap: (index: number | undefined) => void;
  onChoose: (indices: readonly number[]) => void;
}

const TAP_RADIUS_PX = 18;
const ZOOM_STEP = 1.6;
const PAN_SHARE = 0.15; // of the map's width, by an arrow key
const RECTANGLE_STEP = 1.25;

/** The map itself: moved by dragging, closer by the wheel, two fingers, buttons and keys; a line around tracks chooses. */
export function Stage({ data, coloured, chosen, shown, path, onHover, onTap, onChoose }: Props) {
  const { points, grid } = data;
  const field = useRef<HTMLDivElement>(null);
  const [size, setSize] = useState<Size>({ width: 0, height: 0 });
  const [moved, setCamera] = useState<Camera>();
  const [isLasso, setLasso] = useState(false);
  const [line, setLine] = useState<readonly Place[]>([]);
  const [rectangle, setRectangle] = useState<Size>(); // chosen by keys: shares of the width and height that are seen
  const [isOnPoint, setOnPoint] = useState(false);
  const whole = useMemo(() => overviewOf(points, size), [points, size]);
  const camera = moved ?? whole;
  const zoom = zoomOf(camera, whole);

  useLayoutEffect(() => {
    const element = field.current;
    if (!element) return;
    const observer = new ResizeObserver(() => setSize({ width: element.clientWidth, height: element.clientHeight }));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  useEffect(() => {
    if (path.length) setCamera(overviewOf(points, size, path));
  }, [path]);

  const now = useRef({ camera, whole, size, isLasso });
  now.current = { camera, whole, size, isLasso };
  const near = (at: Place) => {
    const { camera, size } = now.current;
    return nearest(points, grid, toMap(camera, size, at), TAP_RADIUS_PX / camera.scale);
  };
  useEffect(() => {
    if (!field.current) return;
    return listen(field.current, {
      camera: () => now.current.camera,
      whole: () => now.current.whole,
      size: () => now.current.size,
      isLasso: () => now.current.isLasso,
      setCamera: (next) => {
        now.current.camera = next; // the next event may come before it is drawn
        setCamera(next);
      },
      hover: (at) => {
        const index = at && near(at);
        setOnPoint(index !== undefined);
        onHover(index);
      },
      tap: (at) => onTap(near(at)),
      draw: (next) => setLine([...next]),
      enclose: (next) => {
        const { camera, size } = now.current;
        onChoose(
          inLasso(
            points,
            grid,
            next.map((place) => toMap(camera, size, place)),
          ),
        );
      },
    });
  }, [points]);

  const middle = { x: size.width / 2, y: size.height / 2 };
  const zoomBy = (factor: number) => setCamera(zoomAt(camera, size, middle, factor, whole));
  const box = rectangle && boxOf(rectangle, camera, size);
  const inBox = useMemo(
    () => (box ? inRectangle(points, grid, box) : []),
    [points, box?.left, box?.right, box?.top, box?.bottom],
  );
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const way = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (way && event.shiftKey && rectangle) setRectangle(resized(rectangle, event.key));
    else if (way && !event.shiftKey) {
      const step = PAN_SHARE * size.width;
      setCamera(panBy(camera, (way[0] as number) * step, (way[1] as number) * step));
    } else if (event.key === "+" || event.key === "=") zoomBy(ZOOM_STEP);
    else if (event.key === "-") zoomBy(1 / ZOOM_STEP);
    else if (event.key === "0") setCamera(undefined);
    else if (event.key === "r") setRectangle(rectangle ? undefined : { width: 0.5, height: 0.5 });
    else if (event.key === "Escape" && rectangle) setRectangle(undefined);
    else if (event.key === "Enter" && rectangle) {
      onChoose(inBox);
      setRectangle(undefined);
    } else return;
    event.preventDefault();
    event.stopPropagation(); // the player has some of these keys
  };

  const playing = current.value && indexOf(points, current.value.id);
  return (
    <div class="map-stage">
      <div
        ref={field}
        class={`field${isLasso ? " lasso" : isOnPoint ? " on-point" : ""}`}
        role="application"
        aria-label={t("map.label", { count: points.count })}
        aria-describedby="map-keys"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: an application is interactive
        tabIndex={0}
        onKeyDown={onKeyDown}
      >
        {size.width > 0 && (
          <PointCanvas
            points={points}
            grid={grid}
            camera={camera}
            size={size}
            zoom={zoom}
            coloured={coloured}
            chosen={chosen}
          />
        )}
        <Overlay
          data={data}
          camera={camera}
          size={size}
          zoom={zoom}
          line={line}
          rectangle={rectangle}
          rings={{ shown, playing }}
          path={path}
        />
      </div>
      <p id="map-keys" class="visually-hidden">
        {t("map.keys")}
      </p>
      <p class="visually-hidden" role="status">
        {rectangle && t("map.inRectangle", { count: inBox.length })}
      </p>
      <fieldset class="map-modes">
        <legend class="visually-hidden">{t("map.mode")}</legend>
        <ToolButton label={t("map.move")} icon="hand" isPressed={!isLasso} press={() => setLasso(false)} />
        <ToolButton label={t("map.lasso")} icon="lasso" isPressed={isLasso} press={() => setLasso(true)} />
      </fieldset>
      <div class="map-tools">
        <ToolButton label={t("map.closer")} icon="plus" press={() => zoomBy(ZOOM_STEP)} />
        <ToolButton label={t("map.farther")} icon="minus" press={() => zoomBy(1 / ZOOM_STEP)} />
        <ToolButton label={t("map.whole")} icon="whole" press={() => setCamera(undefined)} />
      </div>
    </div>
  );
}

interface ToolProps {
  label: string;
  icon: "hand" | "lasso" | "plus" | "minus" | "whole";
  isPressed?: boolean;
  press: () => void;
}

function ToolButton({ label, icon, isPressed, press }: ToolProps) {
  return (
    <button type="button" class="icon-button" aria-label={label} title={label} aria-pressed={isPressed} onClick={press}>
      <Icon name={icon} size={20} />
    </button>
  );
}

function boxOf(rectangle: Size, camera: Camera, size: Size): Rectangle {
  const width = (rectangle.width * size.width) / camera.scale / 2;
  const height = (rectangle.height * size.height) / camera.scale / 2;
  return { left: camera.x - width, right: camera.x + width, top: camera.y - height, bottom: camera.y + height };
}

function resized({ width, height }: Size, key: string): Size {
  const limit = (share: number) => Math.min(Math.max(share, 0.05), 1);
  if (key === "ArrowRight") return { width: limit(width * RECTANGLE_STEP), height };
  if (key === "ArrowLeft") return { width: limit(width / RECTANGLE_STEP), height };
  if (key === "ArrowDown") return { width, height: limit(height * RECTANGLE_STEP) };
  return { width, height: limit(height / RECTANGLE_STEP) };
}
