import { expect, test } from "vitest";
import { yearsBetween } from "../src/views/genres/decades";

test("decades, the newest first", () => {
  expect(yearsBetween(1999, 2011)).toEqual([
    { year_from: 2010, year_to: 2019 },
    { year_from: 2000, year_to: 2009 },
    { year_from: 1990, year_to: 1999 },
  ]);
});

test("what is older than records is one range", () => {
  expect(yearsBetween(1685, 1921)).toEqual([{ year_from: 1920, year_to: 1929 }, { year_to: 1919 }]);
  expect(yearsBetween(1685, 1750)).toEqual([{ year_to: 1750 }]);
});
