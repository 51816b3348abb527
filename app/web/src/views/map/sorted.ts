/** Points put in the order of a number that each has. */

export interface Sorted {
  /** Where the points of each number begin in `order`; one more at the end. */
  readonly starts: Int32Array;
  /** Indices of points. Those of the same number are in their own order. */
  readonly order: Int32Array;
}

/** Sort indices by `keys`, which are from 0 to below `size`. */
export function sortedBy(keys: Int32Array, size: number): Sorted {
  const starts = new Int32Array(size + 1);
  for (let i = 0; i < keys.length; i++) {
    const after = (keys[i] as number) + 1;
    starts[after] = (starts[after] as number) + 1;
  }
  for (let key = 0; key < size; key++) starts[key + 1] = (starts[key + 1] as number) + (starts[key] as number);
  const next = starts.slice();
  const order = new Int32Array(keys.length);
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i] as number;
    const at = next[key] as number;
    order[at] = i;
    next[key] = at + 1;
  }
  return { starts, order };
}
