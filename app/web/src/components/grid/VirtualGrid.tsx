import type { ComponentChildren, RefObject } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { t } from "../../messages";
import { ErrorNotice } from "../Notice";
import { type Grid, gridOf, heightOf, type ItemSize, itemsBetween, neighbour, type Range, topOf } from "./geometry";
import { PAGE_ITEMS, type PagedList } from "./paged_list";
import "./VirtualGrid.css";

interface Props<T> {
  list: PagedList<T>;
  /** What a screen reader calls the list. */
  label: string;
  size: ItemSize;
  children: (item: T, index: number) => ComponentChildren;
  /** What is shown without any item. */
  empty?: ComponentChildren;
}

const MORE_ROWS = 3;

/** A grid, or a list of one column, of any length: only the items in view and some around them are in the document. */
export function VirtualGrid<T>({ list, label, size, children, empty }: Props<T>) {
  const frame = useRef<HTMLDivElement>(null);
  const total = list.total.value;
  const { grid, range } = useWindow(frame, size, total ?? 0);
  const onKeyDown = useArrows(frame, grid, total ?? 0);
  useEffect(() => {
    list.want(range.first, total === undefined ? PAGE_ITEMS : range.end);
  }, [list, range.first, range.end, total]);
  void list.changes.value;

  const error = list.error.value;
  if (total === undefined) {
    return error ? (
      <ErrorNotice error={error} retry={() => list.retry()} />
    ) : (
      <p class="notice muted">{t("list.loading")}</p>
    );
  }
  if (total === 0) return <div class="notice muted">{empty ?? t("list.empty")}</div>;
  const indices = Array.from({ length: range.end - range.first }, (_, step) => range.first + step);
  return (
    <>
      {error && <ErrorNotice error={error} retry={() => list.retry()} />}
      <div class="virtual-grid" ref={frame} style={{ height: `${heightOf(grid, total)}px` }}>
        <ul
          aria-label={label}
          onKeyDown={onKeyDown}
          style={{
            transform: `translateY(${topOf(grid, range.first)}px)`,
            gridTemplateColumns: `repeat(${grid.columns}, minmax(0, 1fr))`,
            gridAutoRows: `${grid.itemHeight}px`,
            gap: `${grid.rowGap}px ${grid.columnGap}px`,
          }}
        >
          {indices.map((index) => {
            const item = list.item(index);
            return (
              <li key={index} data-index={index} aria-posinset={index + 1} aria-setsize={total}>
                {item === undefined ? (
                  <div class={size.hasSquare ? "awaited square" : "awaited"} aria-hidden="true" />
                ) : (
                  children(item, index)
                )}
              </li>
            );
          })}
        </ul>
      </div>
    </>
  );
}

/** Follow which items are in view. */
function useWindow(frame: RefObject<HTMLElement | null>, size: ItemSize, total: number): { grid: Grid; range: Range } {
  const [width, setWidth] = useState(0);
  const [range, setRange] = useState<Range>({ first: 0, end: 0 });
  const grid = gridOf(width, size, Number.parseFloat(getComputedStyle(document.documentElement).fontSize));
  useLayoutEffect(() => {
    const element = frame.current;
    const scroller = element?.closest("main");
    if (!element || !scroller) return;
    const look = () => {
      const outer = scroller.getBoundingClientRect();
      const top = outer.top - element.getBoundingClientRect().top;
      setWidth(element.clientWidth);
      const found = itemsBetween(grid, total, top, top + outer.height, MORE_ROWS);
      setRange((before) => (before.first === found.first && before.end === found.end ? before : found));
    };
    look();
    const resized = new ResizeObserver(look);
    resized.observe(element);
    resized.observe(scroller);
    scroller.addEventListener("scroll", look, { passive: true });
    return () => {
      resized.disconnect();
      scroller.removeEventListener("scroll", look);
    };
  }, [total, grid.columns, grid.itemHeight, grid.rowGap]);
  return { grid, range };
}

/** Let the arrow keys lead from item to item, also to those that are not in the document yet. */
function useArrows(frame: RefObject<HTMLElement | null>, grid: Grid, total: number): (event: KeyboardEvent) => void {
  const goal = useRef<number | undefined>(undefined);
  const focusGoal = () => {
    const control = frame.current?.querySelector<HTMLElement>(
      `li[data-index="${goal.current}"] :is(a, button:not([tabindex="-1"]))`,
    );
    if (!control) return;
    goal.current = undefined;
    control.focus({ preventScroll: true });
    control.closest("li")?.scrollIntoView({ block: "nearest" });
  };
  useLayoutEffect(() => {
    if (goal.current !== undefined) focusGoal();
  });
  return (event) => {
    const target = event.target as HTMLElement;
    const index = Number(target.closest("li")?.dataset["index"]);
    if (event.ctrlKey || event.altKey || event.metaKey || event.shiftKey || target.closest("[role=menu]")) return;
    const next = neighbour(grid, total, index, event.key);
    if (next === undefined || !frame.current) return;
    event.preventDefault();
    goal.current = next;
    focusGoal();
    if (goal.current === undefined) return;
    // It is far away: `focusGoal` follows once it is in the document.
    frame.current.closest("main")?.scrollBy({ top: topOf(grid, next) - topOf(grid, index) });
  };
}
