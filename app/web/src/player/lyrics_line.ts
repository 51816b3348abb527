/** Which line of timed lyrics is sung. */

interface Line {
  readonly start_seconds: number | null;
}

/** Return the index of the last line that has begun; -1 before the first. Lines are in the order of their times. */
export function lineAt(lines: readonly Line[], seconds: number): number {
  return lines.findLastIndex((line) => line.start_seconds !== null && line.start_seconds <= seconds);
}
