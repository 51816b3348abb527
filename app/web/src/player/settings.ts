/** What a listener has chosen for playing in this browser. */
import { effect, type Signal, signal } from "@preact/signals";
import type { Repeat } from "./queue";
import type { Quality, ReplayGain } from "./sound";

export const QUALITIES: readonly Quality[] = ["auto", "original", "320", "192", "128"];
export const REPLAY_GAINS: readonly ReplayGain[] = ["off", "auto", "track", "album"];
export const MAX_CROSSFADE_SECONDS = 12;
const REPEATS: readonly Repeat[] = ["off", "all", "one"];

export const quality = chosen<Quality>("quality", QUALITIES, "auto");
export const replayGain = chosen<ReplayGain>("replay-gain", REPLAY_GAINS, "off");
export const repeat = chosen<Repeat>("repeat", REPEATS, "off");
export const crossfadeSeconds = numeric("crossfade-seconds", 0, MAX_CROSSFADE_SECONDS, 0);
/** From 0 to 1. */
export const volume = numeric("volume", 0, 1, 1);
export const isMuted = signal(false);

function chosen<T extends string>(name: string, choices: readonly T[], initial: T): Signal<T> {
  return stored(name, choices.find((choice) => choice === read(name)) ?? initial);
}

function numeric(name: string, low: number, high: number, initial: number): Signal<number> {
  const found = read(name);
  const value = found === null ? Number.NaN : Number(found);
  return stored(name, value >= low && value <= high ? value : initial);
}

function stored<T extends string | number>(name: string, initial: T): Signal<T> {
  const setting = signal(initial);
  effect(() => {
    if (setting.value === initial && read(name) === null) return;
    try {
      localStorage.setItem(`player.${name}`, String(setting.value));
    } catch {
      // Without storage a choice lasts as long as the page.
    }
  });
  return setting;
}

function read(name: string): string | null {
  try {
    return localStorage.getItem(`player.${name}`);
  } catch {
    return null;
  }
}
