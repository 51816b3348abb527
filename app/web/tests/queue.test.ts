import { expect, test } from "vitest";
import type { Track } from "../src/api/models";
import * as q from "../src/player/queue";

const tracks = (...ids: number[]): Track[] => ids.map((id) => ({ id, album_id: id < 10 ? 1 : 2 }) as Track);
const ids = (queue: q.Queue): number[] => queue.entries.map((entry) => entry.track.id);
const current = (queue: q.Queue): number | undefined => q.currentOf(queue)?.track.id;

test("a queue begins where it is told, and within its tracks", () => {
  expect(current(q.queueOf(tracks(1, 2, 3), 1))).toBe(2);
  expect([-1, 9, Number.NaN].map((start) => current(q.queueOf(tracks(1, 2, 3), start)))).toEqual([1, 3, 1]);
  expect(current(q.queueOf([]))).toBeUndefined();
});

test.each([
  ["off", false, [1, 2, undefined]],
  ["all", false, [1, 2, 0]],
  ["one", false, [0, 1, 2]],
  ["one", true, [1, 2, undefined]],
] as const)("what follows when %s is repeated, by the listener: %s", (repeat, isByListener, expected) => {
  const queue = q.queueOf(tracks(1, 2, 3));
  expect([0, 1, 2].map((position) => q.nextIndex(q.at(queue, position), repeat, isByListener))).toEqual(expected);
  expect(q.nextIndex(q.EMPTY, repeat, isByListener)).toBeUndefined();
});

test("previous begins the track again after three seconds", () => {
  const queue = q.queueOf(tracks(1, 2, 3), 1);
  expect([q.previousIndex(queue, "off", 3), q.previousIndex(queue, "off", 3.1)]).toEqual([0, 1]);
  const first = q.at(queue, 0);
  expect([q.previousIndex(first, "off", 0), q.previousIndex(first, "all", 0)]).toEqual([0, 2]);
  expect(q.previousIndex(q.EMPTY, "all", 0)).toBe(0);
});

test("tracks come next, or at the end", () => {
  const queue = q.queueOf(tracks(1, 2), 0);
  expect(ids(q.withNext(queue, tracks(7, 8)))).toEqual([1, 7, 8, 2]);
  expect(ids(q.withLast(queue, tracks(7, 8)))).toEqual([1, 2, 7, 8]);
  expect(ids(q.withNext(q.EMPTY, tracks(7)))).toEqual([7]);
});

test("the current entry stays when others are removed or moved", () => {
  const queue = q.queueOf(tracks(1, 2, 3, 4), 2);
  for (const [changed, order] of [
    [q.without(queue, 0), [2, 3, 4]],
    [q.without(queue, 3), [1, 2, 3]],
    [q.moved(queue, 0, 3), [2, 3, 4, 1]],
    [q.moved(queue, 3, 0), [4, 1, 2, 3]],
    [q.moved(queue, 2, 0), [3, 1, 2, 4]],
    [q.withoutOthers(queue), [3]],
    [q.moved(queue, 0, 9), [1, 2, 3, 4]],
    [q.without(queue, 9), [1, 2, 3, 4]],
  ] as const) {
    expect([ids(changed), current(changed)]).toEqual([order, 3]);
  }
});

test("the entry behind a removed current one is the current one", () => {
  const queue = q.queueOf(tracks(1, 2, 3));
  expect(current(q.without(queue, 0))).toBe(2);
  expect(current(q.without(q.at(queue, 2), 2))).toBe(2);
  expect(current(q.without(q.queueOf(tracks(1)), 0))).toBeUndefined();
});

test("a seed shuffles all entries, the current one first, and the original order comes back", () => {
  const many = Array.from({ length: 40 }, (_, i) => i + 1);
  const queue = q.queueOf(tracks(...many), 5);
  const shuffled = q.shuffled(queue, 7);
  expect([current(shuffled), shuffled.position]).toEqual([6, 0]);
  expect(ids(shuffled).toSorted((a, b) => a - b)).toEqual(many);
  expect(ids(shuffled)).toEqual(ids(q.shuffled(queue, 7)));
  expect(ids(shuffled)).not.toEqual(ids(q.shuffled(queue, 8)));
  const back = q.unshuffled(q.at(shuffled, 3));
  expect([ids(back), current(back)]).toEqual([many, current(q.at(shuffled, 3))]);
  expect(ids(q.unshuffled(q.shuffled(shuffled, 8)))).toEqual(many);
});

test("what is added and removed while shuffled has its place in the original order", () => {
  const queue = q.shuffled(q.queueOf(tracks(1, 2, 3), 1), 3);
  const changed = q.withLast(q.withNext(queue, tracks(7)), tracks(8));
  expect(ids(changed).slice(0, 2)).toEqual([2, 7]);
  expect(ids(q.unshuffled(changed))).toEqual([1, 2, 7, 3, 8]);
  const without = q.without(changed, ids(changed).indexOf(1));
  expect(ids(q.unshuffled(without))).toEqual([2, 7, 3, 8]);
});

test("one track may be several entries", () => {
  const queue = q.queueOf(tracks(1, 1, 1), 1);
  const shuffled = q.shuffled(queue, 1);
  expect([ids(shuffled), q.unshuffled(shuffled).position]).toEqual([[1, 1, 1], 1]);
  expect(new Set(queue.entries.map((entry) => entry.key)).size).toBe(3);
});

test("a queue is one album, or several", () => {
  expect([q.isOneAlbum(q.queueOf(tracks(1, 2))), q.isOneAlbum(q.queueOf(tracks(1, 12)))]).toEqual([true, false]);
  expect([q.isOneAlbum(q.EMPTY), q.isOneAlbum(q.queueOf([{ album_id: null } as Track]))]).toEqual([false, false]);
});
