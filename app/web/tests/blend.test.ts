import { expect, test } from "vitest";
import { MAX_TRACKS, NO_TRACKS, pathOf, readBlend, without, withTrack } from "../src/blend/blend";

test("a track is in one of the lists only, the last one at the end", () => {
  const one = withTrack(withTrack(NO_TRACKS, "more", 7), "more", 3);
  expect(one).toEqual({ more: [7, 3], less: [] });
  expect(withTrack(one, "more", 7)).toBe(one);
  expect(withTrack(one, "less", 7)).toEqual({ more: [3], less: [7] });
  expect(without(one, 3)).toEqual({ more: [7], less: [] });
});

test("a full list loses its oldest track", () => {
  const ids = Array.from({ length: MAX_TRACKS + 1 }, (_, step) => step + 1);
  const { more } = ids.reduce((blend, id) => withTrack(blend, "more", id), NO_TRACKS);
  expect([more.length, more[0], more.at(-1)]).toEqual([MAX_TRACKS, 2, MAX_TRACKS + 1]);
});

test("the address says the blend, and is read as it was written", () => {
  const blend = { more: [12, 3], less: [4] };
  expect(pathOf(blend)).toBe("/blend?more=12,3&less=4");
  expect(pathOf({ more: [], less: [4] })).toBe("/blend?less=4");
  expect(pathOf(NO_TRACKS)).toBe("/blend");
  const query = Object.fromEntries(new URLSearchParams(pathOf(blend).split("?")[1]));
  expect(readBlend(query)).toEqual(blend);
});

test("what makes no sense in an address is left out", () => {
  expect(readBlend({})).toEqual(NO_TRACKS);
  expect(readBlend({ more: "1,x,-2,0,1,1e3,99999999999999999999", less: "1,5" })).toEqual({ more: [1], less: [5] });
  const many = Array.from({ length: MAX_TRACKS + 9 }, (_, step) => step + 1).join();
  expect(readBlend({ more: many }).more).toHaveLength(MAX_TRACKS);
});
