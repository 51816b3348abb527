/** Where the items of a grid are, in pixels. All have the same size, so none has to be measured. */

/** How large the items of a grid want to be, in rem. */
export interface ItemSize {
  /** Items share the width, but are at least so wide while `minColumns` allows; 0: a list of one column. */
  minWidth: number;
  minColumns: number;
  columnGap: number;
  rowGap: number;
  /** Whether a square of the item's width stands above the rest. */
  hasSquare: boolean;
  /** The height of the rest. */
  textHeight: number;
}

export interface Grid {
  columns: number;
  itemHeight: number;
  columnGap: number;
  rowGap: number;
}

/** Items from `first` up to, but without `end`. */
export interface Range {
  first: number;
  end: number;
}

/** Return the grid that fits a width. */
export function gridOf(width: number, size: ItemSize, rem: number): Grid {
  const columnGap = size.columnGap * rem;
  const wanted = size.minWidth ? Math.floor((width + columnGap) / (size.minWidth * rem + columnGap)) : 1;
  const columns = Math.max(1, size.minColumns, wanted);
  const itemWidth = Math.max(0, (width - (columns - 1) * columnGap) / columns);
  const itemHeight = (size.hasSquare ? itemWidth : 0) + size.textHeight * rem;
  return { columns, itemHeight, columnGap, rowGap: size.rowGap * rem };
}

/** Return the height of a grid of `total` items. */
export function heightOf(grid: Grid, total: number): number {
  const rows = Math.ceil(total / grid.columns);
  return Math.max(0, rows * pitch(grid) - grid.rowGap);
}

/** Return where the row of an item begins. */
export function topOf(grid: Grid, index: number): number {
  return Math.floor(index / grid.columns) * pitch(grid);
}

/** Return the items in view from `top` to `bottom`, and those of some more rows above and below. */
export function itemsBetween(grid: Grid, total: number, top: number, bottom: number, moreRows: number): Range {
  const rows = Math.ceil(total / grid.columns);
  const firstRow = clamp(Math.floor(top / pitch(grid)) - moreRows, 0, rows);
  const endRow = clamp(Math.ceil(bottom / pitch(grid)) + moreRows, firstRow, rows);
  return { first: Math.min(total, firstRow * grid.columns), end: Math.min(total, endRow * grid.columns) };
}

/** Return the item that an arrow key, Home or End leads to from another one; undefined for another key. */
export function neighbour(grid: Grid, total: number, index: number, key: string): number | undefined {
  const steps: Record<string, number> = {
    ArrowLeft: -1,
    ArrowRight: 1,
    ArrowUp: -grid.columns,
    ArrowDown: grid.columns,
    Home: -index,
    End: total - 1 - index,
  };
  const step = steps[key];
  if (step === undefined) return undefined;
  const target = index + step;
  // Below the last full row there may be no item.
  return target < 0 || target >= total ? index : target;
}

function pitch(grid: Grid): number {
  return Math.max(1, grid.itemHeight + grid.rowGap);
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high);
}
