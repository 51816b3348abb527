/** Where a crossfade begins, and how long it takes. Silence at the ends of tracks takes no part in it. */
import type { FullTrack } from "../api/models";

/** Seconds without sound at the ends of a track. */
export interface Silence {
  readonly start: number;
  readonly end: number;
}

export const NO_SILENCE: Silence = { start: 0, end: 0 };
const MIN_SKIPPED_SECONDS = 0.2; // encoders add less, and a transcoded stream has to be asked for once more

/** Return the silence that was measured of a track of so many seconds; none of a track that is nothing else. */
export function silenceOf(loudness: FullTrack["loudness"] | undefined, duration: number): Silence {
  if (!loudness) return NO_SILENCE;
  const { silence_start_seconds: start, silence_end_seconds: end } = loudness;
  if (start + end >= duration) return NO_SILENCE;
  return { start: start < MIN_SKIPPED_SECONDS ? 0 : start, end };
}

/** Return how many seconds a crossfade of `chosen` seconds takes at the end of a track: at most half of its sound. */
export function fadeSeconds(chosen: number, duration: number, silence: Silence): number {
  return Math.min(chosen, (duration - silence.start - silence.end) / 2);
}

/** Return how many seconds of sound are left at a second of a track; below zero in the silence at its end. */
export function soundLeft(seconds: number, duration: number, silence: Silence): number {
  return duration - silence.end - seconds;
}

/** Return how loud the next track is, and the one before, at a part of the crossfade from 0 to 1: of equal power. */
export function fadeAt(part: number): { coming: number; going: number } {
  const angle = (Math.min(Math.max(part, 0), 1) * Math.PI) / 2;
  return { coming: Math.sin(angle), going: Math.cos(angle) };
}
