import { expect, test } from "vitest";
import { lineAt } from "../src/player/lyrics_line";
import { fadeAt, gainFactor, type Network, type Quality, streamPath } from "../src/player/sound";

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

test.each([
  [{}, 0],
  [{ replaygain_track_gain: -6 }, -6],
  [{ replaygain_track_gain: 6 }, 0],
  [{ replaygain_track_gain: 6, replaygain_track_peak: 0.5 }, 6],
  [{ replaygain_track_gain: 6, replaygain_track_peak: 0.8 }, 1.938],
  [{ replaygain_track_gain: -6, replaygain_track_peak: 2 }, -6.021],
  [{ replaygain_album_gain: -3 }, -3],
  [{ r128_track_gain: -7, replaygain_album_gain: -1 }, -2],
  [{ replaygain_track_gain: -900 }, -30],
  [{ replaygain_track_gain: "loud" }, 0],
])("tags of %o are %d dB", (tags, decibels) => {
  expect(20 * Math.log10(gainFactor(tags, "track"))).toBeCloseTo(decibels, 2);
});

test("the gain of an album is that of its tags", () => {
  expect(gainFactor({ replaygain_track_gain: -20, replaygain_album_gain: -6.0206 }, "album")).toBeCloseTo(0.5, 4);
});

test("a crossfade has the same power throughout", () => {
  for (const part of [-1, 0, 0.3, 0.5, 1, 2]) {
    const { coming, going } = fadeAt(part);
    expect(coming ** 2 + going ** 2).toBeCloseTo(1);
  }
  expect([fadeAt(0).coming, fadeAt(1).coming]).toEqual([0, 1]);
});

test("the line that is sung is the last that has begun", () => {
  const lines = [0.5, 2, 2, 4].map((start_seconds) => ({ start_seconds }));
  expect([0, 0.5, 1.9, 2, 3, 99].map((seconds) => lineAt(lines, seconds))).toEqual([-1, 0, 0, 2, 2, 3]);
  expect([lineAt([], 1), lineAt([{ start_seconds: null }], 1)]).toEqual([-1, -1]);
});
