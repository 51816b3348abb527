import { expect, test } from "vitest";
import type { ReplayGain } from "../src/api/models";
import { lineAt } from "../src/player/lyrics_line";
import { gainFactor, type Network, type Quality, streamPath } from "../src/player/sound";

test.each<[string, Quality, Network, boolean, string]>([
  ["FLAC", "auto", {}, true, ""],
  ["FLAC", "original", { saveData: true }, true, ""],
  ["FLAC", "auto", { saveData: true }, true, "?format=opus&bit_rate=160"],
  ["FLAC", "auto", { type: "cellular" }, false, "?bit_rate=160"],
  ["FLAC", "auto", { type: "wifi" }, true, ""],
  ["FLAC", "192", {}, true, "?format=opus&bit_rate=192"],
  ["MP3", "192", {}, true, "?bit_rate=192"],
])("%s at the quality %s on %o, with Opus %s, is asked for by “%s”", (format, quality, network, opus, query) => {
  expect(streamPath({ id: 5, format }, quality, network, opus)).toBe(`/api/tracks/5/stream${query}`);
});

test("a stream begins at an offset", () => {
  expect(streamPath({ id: 5, format: "FLAC" }, "auto", {}, true, 61.5)).toBe("/api/tracks/5/stream?offset=61.5");
});

const gain = (gain_db: number, peak: number | null = null) => ({ gain_db, peak, is_measured: false });

test.each<[ReplayGain, number]>([
  [{}, 0],
  [{ track: null, album: null }, 0],
  [{ track: gain(-6) }, -6],
  [{ track: gain(6) }, 0],
  [{ track: gain(6, 0.5) }, 6],
  [{ track: gain(6, 0.8) }, 1.938],
  [{ track: gain(-6, 2) }, -6.021],
  [{ album: gain(-3) }, -3],
  [{ track: gain(-2), album: gain(-1) }, -2],
  [{ track: gain(-900) }, -30],
])("gains of %o are %d dB", (gains, decibels) => {
  expect(20 * Math.log10(gainFactor(gains, "track"))).toBeCloseTo(decibels, 2);
});

test("the gain of an album is its own", () => {
  expect(gainFactor({ track: gain(-20), album: gain(-6.0206) }, "album")).toBeCloseTo(0.5, 4);
});

test("the line that is sung is the last that has begun", () => {
  const lines = [0.5, 2, 2, 4].map((start_seconds) => ({ start_seconds }));
  expect([0, 0.5, 1.9, 2, 3, 99].map((seconds) => lineAt(lines, seconds))).toEqual([-1, 0, 0, 2, 2, 3]);
  expect([lineAt([], 1), lineAt([{ start_seconds: null }], 1)]).toEqual([-1, -1]);
});
