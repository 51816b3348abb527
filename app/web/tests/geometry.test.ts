import { expect, test } from "vitest";
import { gridOf, heightOf, type ItemSize, itemsBetween, neighbour, topOf } from "../src/components/grid/geometry";

const COVERS: ItemSize = { minWidth: 10, minColumns: 2, columnGap: 1, rowGap: 2, hasSquare: true, textHeight: 3 };
const ROWS: ItemSize = { minWidth: 0, minColumns: 1, columnGap: 0, rowGap: 0, hasSquare: false, textHeight: 4 };

test.each([
  [1100, 10], // 10 items of 100 and 9 gaps of 10 need 1090
  [1089, 9],
  [100, 2], // a phone shows two covers, however narrow
  [0, 2],
])("a width of %d px has %d columns", (width, columns) => {
  expect(gridOf(width, COVERS, 10).columns).toBe(columns);
});

test("an item is a square with text below, and rows are a gap apart", () => {
  const grid = gridOf(320, COVERS, 10); // 3 columns would need 320
  expect([grid.columns, grid.itemHeight]).toEqual([3, 100 + 30]);
  expect(heightOf(grid, 0)).toBe(0);
  expect(heightOf(grid, 3)).toBe(130);
  expect(heightOf(grid, 4)).toBe(130 + 20 + 130);
  expect([topOf(grid, 2), topOf(grid, 3), topOf(grid, 7)]).toEqual([0, 150, 300]);
});

test("a list has one column of its own height", () => {
  const grid = gridOf(500, ROWS, 16);
  expect([grid.columns, grid.itemHeight, heightOf(grid, 100_000)]).toEqual([1, 64, 6_400_000]);
});

test("what is in view, and one row more above and below", () => {
  const grid = gridOf(320, COVERS, 10); // rows begin at 0, 150, 300, 450 …
  expect(itemsBetween(grid, 100, 0, 149, 0)).toEqual({ first: 0, end: 3 });
  expect(itemsBetween(grid, 100, 0, 151, 0)).toEqual({ first: 0, end: 6 });
  expect(itemsBetween(grid, 100, 450, 600, 1)).toEqual({ first: 6, end: 15 });
  expect(itemsBetween(grid, 100, -500, 10, 1)).toEqual({ first: 0, end: 6 });
  expect(itemsBetween(grid, 100, 4900, 5500, 0)).toEqual({ first: 96, end: 100 });
  expect(itemsBetween(grid, 100, 90_000, 91_000, 0)).toEqual({ first: 100, end: 100 });
  expect(itemsBetween(grid, 0, 0, 800, 2)).toEqual({ first: 0, end: 0 });
});

test.each([
  ["ArrowRight", 3, 4],
  ["ArrowLeft", 0, 0],
  ["ArrowDown", 4, 7],
  ["ArrowDown", 8, 8], // there is none below it
  ["ArrowUp", 1, 1],
  ["ArrowUp", 5, 2],
  ["Home", 5, 0],
  ["End", 5, 9],
  ["a", 5, undefined],
])("%s leads from item %d of 10 to %s", (key, index, next) => {
  expect(neighbour(gridOf(320, COVERS, 10), 10, index, key)).toBe(next);
});
