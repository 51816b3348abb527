import { expect, test } from "vitest";
import { fadeAt, fadeSeconds, NO_SILENCE, silenceOf, soundLeft } from "../src/player/crossfade";

const measured = (silence_start_seconds: number, silence_end_seconds: number) => ({
  integrated_lufs: -14,
  sample_peak: 0.9,
  silence_start_seconds,
  silence_end_seconds,
});

test("the silence at the ends of a track is what was measured", () => {
  expect(silenceOf(measured(2, 3.5), 60)).toEqual({ start: 2, end: 3.5 });
  expect(silenceOf(null, 60)).toEqual(NO_SILENCE);
  expect(silenceOf(undefined, 60)).toEqual(NO_SILENCE);
});

test("what an encoder adds at the beginning is not skipped", () => {
  expect(silenceOf(measured(0.05, 1), 60)).toEqual({ start: 0, end: 1 });
});

test("a track that is nothing but silence is played as it is", () => {
  expect(silenceOf(measured(60, 0), 60)).toEqual(NO_SILENCE);
  expect(silenceOf(measured(61, 0), 60)).toEqual(NO_SILENCE); // its length was rounded
});

test("a crossfade takes at most half of the sound of a track", () => {
  expect(fadeSeconds(5, 60, NO_SILENCE)).toBe(5);
  expect(fadeSeconds(5, 8, NO_SILENCE)).toBe(4);
  expect(fadeSeconds(5, 60, { start: 20, end: 34 })).toBe(3);
  expect(fadeSeconds(0, 60, { start: 1, end: 1 })).toBe(0);
});

test("the sound of a track ends where the silence at its end begins", () => {
  expect(soundLeft(50, 60, NO_SILENCE)).toBe(10);
  expect(soundLeft(50, 60, { start: 2, end: 7 })).toBe(3);
  expect(soundLeft(55, 60, { start: 2, end: 7 })).toBe(-2);
});

test("a crossfade has the same power throughout", () => {
  for (const part of [-1, 0, 0.3, 0.5, 1, 2]) {
    const { coming, going } = fadeAt(part);
    expect(coming ** 2 + going ** 2).toBeCloseTo(1);
  }
  expect([fadeAt(0).coming, fadeAt(1).coming]).toEqual([0, 1]);
});
