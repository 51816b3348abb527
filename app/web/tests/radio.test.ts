import { expect, test } from "vitest";
import type { Track } from "../src/api/models";
import { queueOf, withLast } from "../src/player/queue";
import { heardIn, isOfRadio, isShort } from "../src/player/radio_rules";

const tracks = (...ids: number[]) => ids.map((id) => ({ id }) as Track);

test("a radio goes on while something of it is in the queue", () => {
  const queue = queueOf(tracks(1, 2));
  const keys = new Set(queue.entries.map(({ key }) => key));
  expect(isOfRadio(withLast(queue, tracks(3)), keys)).toBe(true);
  expect(isOfRadio(queueOf(tracks(1, 2)), keys)).toBe(false); // the same tracks, but played anew
});

test("the queue is filled up when fewer than five tracks remain", () => {
  const queue = queueOf(tracks(1, 2, 3, 4, 5, 6));
  expect(isShort(queue)).toBe(false);
  expect(isShort({ ...queue, position: 1 })).toBe(true);
});

test("what was heard is told with the last track at the end", () => {
  expect(heardIn(queueOf(tracks(7, 8, 9)), 2)).toEqual([8, 9]);
});
