/** What fingers, a mouse and a wheel do on the map. */
import { type Camera, type Place, panBy, type Size, zoomAt } from "./camera";

export interface GestureActions {
  camera: () => Camera;
  whole: () => Camera;
  size: () => Size;
  isLasso: () => boolean;
  setCamera: (camera: Camera) => void;
  hover: (at: Place | undefined) => void;
  tap: (at: Place) => void;
  /** The line so far, in CSS pixels. */
  draw: (line: readonly Place[]) => void;
  enclose: (line: readonly Place[]) => void;
}

const MOVED_PX = 5; // a finger that moved less has tapped
const WHEEL_STEP = 0.0016;
const MAX_WHEEL_STEP = 0.5;

/** Listen to an element; return a function that stops. */
export function listen(element: HTMLElement, actions: GestureActions): () => void {
  const pointers = new Map<number, Place>();
  let first: Place | undefined;
  let hasMoved = false;
  let line: Place[] = [];

  const placeOf = (event: MouseEvent): Place => {
    const box = element.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };
  const down = (event: PointerEvent) => {
    if (event.button !== 0) return;
    element.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, placeOf(event));
    if (pointers.size === 1) {
      first = placeOf(event);
      hasMoved = false;
      line = [first];
    } else {
      line = []; // two fingers zoom, whatever the first one began
      actions.draw(line);
    }
  };
  const move = (event: PointerEvent) => {
    const at = placeOf(event);
    const before = pointers.get(event.pointerId);
    if (!before) {
      if (event.pointerType === "mouse") actions.hover(at);
      return;
    }
    if (first && Math.hypot(at.x - first.x, at.y - first.y) >= MOVED_PX) hasMoved = true;
    if (pointers.size === 1 && actions.isLasso()) {
      line.push(at);
      if (hasMoved) actions.draw(line);
    } else if (pointers.size === 1) {
      if (hasMoved) actions.setCamera(panBy(actions.camera(), at.x - before.x, at.y - before.y));
    } else {
      pinch(event.pointerId, before, at);
    }
    pointers.set(event.pointerId, at);
  };
  const pinch = (id: number, before: Place, at: Place) => {
    const other = [...pointers].find(([key]) => key !== id)?.[1];
    if (!other) return;
    hasMoved = true;
    const span = (place: Place) => Math.max(Math.hypot(place.x - other.x, place.y - other.y), 1);
    const middle = { x: (at.x + other.x) / 2, y: (at.y + other.y) / 2 };
    const moved = panBy(actions.camera(), (at.x - before.x) / 2, (at.y - before.y) / 2);
    actions.setCamera(zoomAt(moved, actions.size(), middle, span(at) / span(before), actions.whole()));
  };
  const up = (event: PointerEvent) => {
    if (!pointers.delete(event.pointerId) || pointers.size) return;
    if (!hasMoved && event.type === "pointerup") actions.tap(placeOf(event));
    else if (actions.isLasso() && line.length > 2) actions.enclose(line);
    line = [];
    actions.draw(line);
  };
  const leave = () => actions.hover(undefined);
  const wheel = (event: WheelEvent) => {
    event.preventDefault();
    const pixels = event.deltaY * (event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 20 : 1);
    const step = Math.min(Math.max(-pixels * WHEEL_STEP * (event.ctrlKey ? 4 : 1), -MAX_WHEEL_STEP), MAX_WHEEL_STEP);
    actions.setCamera(zoomAt(actions.camera(), actions.size(), placeOf(event), Math.exp(step), actions.whole()));
  };
  element.addEventListener("pointerdown", down);
  element.addEventListener("pointermove", move);
  element.addEventListener("pointerup", up);
  element.addEventListener("pointercancel", up);
  element.addEventListener("pointerleave", leave);
  element.addEventListener("wheel", wheel, { passive: false });
  return () => {
    element.removeEventListener("pointerdown", down);
    element.removeEventListener("pointermove", move);
    element.removeEventListener("pointerup", up);
    element.removeEventListener("pointercancel", up);
    element.removeEventListener("pointerleave", leave);
    element.removeEventListener("wheel", wheel);
  };
}
