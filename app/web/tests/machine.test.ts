import { expect, test } from "vitest";
import { exactTime } from "../src/format_machine";
import { flowerAddress } from "../src/views/machine/flower_address";
import { aboutOf } from "../src/views/machine/log_about";

test("a line of the log has its time to the second", () => {
  const time = new Date(2026, 0, 2, 3, 4, 5);
  expect(exactTime(time.getTime() / 1000)).toMatch(/^0?3:04:05( AM)?$/);
});

test.each([
  [null, null, ""],
  [3, null, "Scan 3"],
  [null, 1234, "Track 1234"],
  [3, 17, "Scan 3 · Track 17"],
])("a line of scan %s and track %s tells %j", (session_id, track_id, words) => {
  expect(aboutOf({ session_id, track_id })).toBe(words);
});

test.each([
  ["http", 5555, false, "soniquebay.local", "", "http://soniquebay.local:5555/"],
  ["https", 5556, false, "192.168.1.2", "", "https://192.168.1.2:5556/"],
  ["http", 5555, true, "127.0.0.1", "", "http://127.0.0.1:5555/"],
  ["http", 5555, true, "[::1]", "", "http://[::1]:5555/"],
  ["http", 5555, true, "soniquebay.local", "", undefined],
  ["http", 5555, true, "127.example.org", "", undefined],
  ["http", 5555, false, "example.org", "/music", undefined],
] as const)(
  "Flower by %s on %d (on the machine alone: %s), from %s%s: %s",
  (scheme, port, is_local, host, base, address) => {
    expect(flowerAddress({ scheme, port, is_local }, host, base)).toBe(address);
  },
);
