import { expect, test } from "vitest";
import { itemWithCover } from "../src/components/item_with_cover";

test("a track of an album shows its cover, one without an album its own", () => {
  expect(itemWithCover({ id: 7, album_id: 3 })).toEqual({ kind: "album", id: 3 });
  expect(itemWithCover({ id: 7, album_id: null })).toEqual({ kind: "track", id: 7 });
});
