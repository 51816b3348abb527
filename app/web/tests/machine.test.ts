import { expect, test } from "vitest";
import { flowerAddress } from "../src/views/machine/flower_address";

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
