import { expect, test } from "vitest";
import { crumbsOf, readPlace } from "../src/views/folders/place";

test("a folder of an address", () => {
  expect(readPlace({})).toBeUndefined();
  expect(readPlace({ root: "x", path: "a" })).toBeUndefined();
  expect(readPlace({ root: "2", path: "a/b" })).toEqual({ root: 2, path: "a/b" });
});

test("the folders above", () => {
  expect(crumbsOf({ root: 1, path: "" })).toEqual([]);
  expect(crumbsOf({ root: 1, path: "a" })).toEqual([{ path: "", name: "" }]);
  expect(crumbsOf({ root: 1, path: "a/b/c" })).toEqual([
    { path: "", name: "" },
    { path: "a", name: "a" },
    { path: "a/b", name: "b" },
  ]);
});
