import { expect, test } from "vitest";
import { allPages } from "../src/api/all_pages";

test("pages are asked for one after the other, until none follows", async () => {
  const asked: (string | null)[] = [];
  const items = await allPages(async (cursor) => {
    asked.push(cursor);
    const at = Number(cursor ?? 0);
    return { items: [at, at + 1], next: at < 4 ? String(at + 2) : null };
  });
  expect(items).toEqual([0, 1, 2, 3, 4, 5]);
  expect(asked).toEqual([null, "2", "4"]);
});
