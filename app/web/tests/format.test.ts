import { expect, test } from "vitest";
import { queryOf } from "../src/api/query";
import { clock } from "../src/format";

test.each([
  [0, "0:00"],
  [65.9, "1:05"],
  [3599, "59:59"],
  [3723, "1:02:03"],
  [-1, "0:00"],
])("%d s are shown as %s", (seconds, text) => {
  expect(clock(seconds)).toBe(text);
});

test("a query leaves out what is unknown, and repeats a list", () => {
  expect(queryOf({ q: "a b", limit: undefined, cursor: null, id: [1, 2], count: false })).toBe(
    "?q=a+b&id=1&id=2&count=false",
  );
  expect(queryOf({})).toBe("");
});
