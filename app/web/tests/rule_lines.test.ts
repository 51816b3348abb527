import { expect, test } from "vitest";
import { linesOf, spaced } from "../src/views/playlist/rule_lines";

test("rules become lines, each below its group", () => {
  const rules = {
    all: [
      { is: { loved: true } },
      { any: [{ gt: { rating: 3 } }, { inTheRange: { year: [1980, 1989] } }, "nonsense"] },
    ],
    sort: "-playCount",
    limit: 100,
  };
  expect(linesOf(rules)).toEqual([
    { depth: 0, group: "all" },
    { depth: 1, operator: "is", field: "loved", value: "true" },
    { depth: 1, group: "any" },
    { depth: 2, operator: "gt", field: "rating", value: "3" },
    { depth: 2, operator: "inTheRange", field: "year", value: "1980 – 1989" },
  ]);
  expect(linesOf({})).toEqual([]);
});

test("words of rules are spaced", () => {
  expect(["inTheLast", "is", "gt", "lastPlayed", "playcount"].map(spaced)).toEqual([
    "in the last",
    "is",
    ">",
    "last played",
    "playcount",
  ]);
});
