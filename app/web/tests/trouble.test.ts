import { afterEach, beforeEach, expect, test, vi } from "vitest";

vi.mock("../src/base_path", () => ({ address: (path: string) => path }));
vi.mock("../src/api/session", () => ({}));
const { Retry } = await import("../src/player/trouble");
const { isConnected } = await import("../src/api/live");

const browser = new EventTarget();

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("window", Object.assign(browser, { setTimeout, clearTimeout }));
});

afterEach(() => {
  isConnected.value = true; // an action that is left runs now
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test("the wait grows, and begins anew after a success", () => {
  const retry = new Retry();
  const action = vi.fn(() => retry.after(action));
  retry.after(action);
  vi.advanceTimersByTime(1_000);
  expect(action).toHaveBeenCalledTimes(1);
  vi.advanceTimersByTime(1_999);
  expect(action).toHaveBeenCalledTimes(1);
  vi.advanceTimersByTime(1);
  expect(action).toHaveBeenCalledTimes(2);
  retry.reset();
  retry.after(action);
  vi.advanceTimersByTime(1_000);
  expect(action).toHaveBeenCalledTimes(3);
});

test.each([
  ["the network", () => browser.dispatchEvent(new Event("online"))],
  [
    "the appliance",
    () => {
      isConnected.value = true;
    },
  ],
])("%s is back: it tries again at once, and once only", (_, comeBack) => {
  const retry = new Retry();
  const action = vi.fn();
  isConnected.value = false;
  retry.after(action);
  expect(action).not.toHaveBeenCalled();
  comeBack();
  expect(action).toHaveBeenCalledTimes(1);
  vi.advanceTimersByTime(60_000);
  expect(action).toHaveBeenCalledTimes(1);
});
