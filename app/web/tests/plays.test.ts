import { expect, test, vi } from "vitest";

// The module asks for nothing of the browser until it is started.
vi.mock("../src/player/player", () => ({}));
vi.mock("../src/api/session", () => ({}));
vi.mock("../src/api/client", () => ({}));
vi.mock("../src/base_path", () => ({}));
const { Hearing } = await import("../src/player/plays");

const told = (hearing: InstanceType<typeof Hearing>, positions: number[]) =>
  positions.map((seconds) => hearing.isEnoughAt(seconds));

test("a track counts once enough of it was heard, and once only", () => {
  expect(told(new Hearing(1), [0, 0.4, 0.9, 1.1, 2, 3])).toEqual([false, false, false, true, false, false]);
});

test("what was skipped over was not heard", () => {
  expect(told(new Hearing(3), [0, 1, 100, 101, 20, 21.5])).toEqual([false, false, false, false, false, true]);
});
