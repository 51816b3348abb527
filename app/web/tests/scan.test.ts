import { describe, expect, test } from "vitest";
import type { Progress } from "../src/api/models";
import { bytes } from "../src/format_machine";
import { isBusy, isFirstScan, percentOf, phaseOf, roundedTime } from "../src/scan/progress";
import { hintOf } from "../src/views/machine/failure_hint";
import { stepPath } from "../src/views/machine/steps";
import { browserName } from "../src/views/settings/browser_name";

const PROGRESS: Progress = {
  session_id: 2,
  status: "running",
  phase: "inserting",
  files: 100,
  inserted: 40,
  finished: 0,
  failures: 0,
  folder: null,
  vectors_waiting: 40,
  library_vectors_waiting: 40,
  vector_failures: 0,
  percent: 12.5,
  rate: 600,
  seconds: 10,
  seconds_left: 100,
};

describe("what a scan's progress means", () => {
  test("a scan that reads, or is paused, is under way", () => {
    expect(isBusy(undefined)).toBe(false);
    expect(isBusy(PROGRESS)).toBe(true);
    expect(isFirstScan(PROGRESS)).toBe(false);
    expect(isFirstScan({ ...PROGRESS, session_id: 1, status: "paused" })).toBe(true);
    expect(isFirstScan({ ...PROGRESS, session_id: 1, status: "completed" })).toBe(false);
  });

  test("tracks of any scan that wait for their analysis keep the bar", () => {
    const done: Progress = { ...PROGRESS, status: "completed", phase: "done", percent: 100 };
    expect([phaseOf(done), percentOf(done)]).toEqual(["analysing", undefined]);
    expect(phaseOf({ ...done, library_vectors_waiting: 0 })).toBe("done");
    expect(percentOf({ ...done, phase: "analysing", percent: 70 })).toBe(70);
  });

  test("nobody knows the percentage while files are looked for", () => {
    expect(percentOf({ ...PROGRESS, phase: "discovering", percent: 0 })).toBe(undefined);
    expect(percentOf(PROGRESS)).toBe(12.5);
  });
});

test.each([
  [3, "time.seconds", 10],
  [41, "time.seconds", 50],
  [55, "time.minutes", 1],
  [3600, "time.minutes", 60],
  [7200, "time.hours", 2],
  [200_000, "time.days", 2],
])("%d s are about %s %d", (seconds, name, count) => {
  expect(roundedTime(seconds)).toEqual({ name, count });
});

test.each([
  [0, "0 B"],
  [999, "999 B"],
  [4_240_000_000, "4.2 GB"],
  [999_700, "1 MB"],
  [73_000_000_000_000, "73 TB"],
])("%d bytes are shown as %s", (count, text) => {
  expect(bytes(count)).toBe(text);
});

describe("a step chart", () => {
  const box = { width: 100, height: 40 };
  test("holds each value until the next", () => {
    const steps = [
      { at: 0, value: 1 },
      { at: 50, value: 4 },
      { at: 80, value: 2 },
    ];
    expect(stepPath(steps, 0, 100, 4, box)).toEqual({
      line: "M0 30H0V30H50V0H80V20H100",
      area: "M0 30H0V30H50V0H80V20H100V40H0Z",
    });
  });

  test("is 0 before the first step, and keeps within its times", () => {
    expect(stepPath([{ at: 150, value: 2 }], 100, 200, 4, box).line).toBe("M0 40H50V20H100");
    expect(stepPath([{ at: 99, value: 2 }], 100, 200, 4, box).line).toBe("M0 20H0V20H100");
    expect(stepPath([], 100, 200, 4, box).line).toBe("M0 40H100");
  });
});

test.each([
  ["cannot be read: Permission denied", "hint.permission"],
  ["cannot be read: Input/output error", "hint.drive"],
  ["encrypted (FairPlay)", "hint.protected"],
  ["holds video, not music", "hint.video"],
  ["not readable as audio: the file is damaged", "hint.damaged"],
])("what to do about “%s”", (reason, hint) => {
  expect(hintOf(reason)).toBe(hint);
});

test.each([
  ["Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox, Linux"],
  [
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605 Version/18.0 Mobile Safari/604",
    "Safari, iPhone",
  ],
  ["Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537 Chrome/140.0 Safari/537 Edg/140.0", "Edge, Windows"],
  ["curl/8", ""],
])("%s", (userAgent, name) => {
  expect(browserName(userAgent)).toBe(name);
});
