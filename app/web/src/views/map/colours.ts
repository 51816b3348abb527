/** By what the points are coloured: each has a class, and each class a colour of Map.css and a name in the legend. */
import type { Points } from "./points";

export const COLOURINGS = ["genre", "year", "key", "tempo", "sound"] as const;
export type Colouring = (typeof COLOURINGS)[number];

export interface Class {
  /** Name of a custom property of Map.css. */
  readonly colour: string;
  /** What the legend says, where it is neither a name nor words, which are `unknown` and `others`. */
  readonly label?: string;
  /** Of a genre or a sound tag, whose name is known later than the points. */
  readonly number?: number;
  readonly words?: "unknown" | "others";
  readonly count: number;
}

export interface Coloured {
  /** The class of each point. */
  readonly of: Uint8Array;
  readonly classes: readonly Class[];
}

const MAX_NAMES = 11;
const HUES = 12;
const RAMP = 7;
const OTHERS = "--map-none";
const FIRST_BPM = 70;
const BPM_STEP = 20;
const YEARS_STEP = 10;
// Majors around the circle of fifths with their relative minors, as C, Am.
const FIFTHS = ["C · Am", "G · Em", "D · Bm", "A · F♯m", "E · C♯m", "B · A♭m"].concat([
  "F♯ · E♭m",
  "D♭ · B♭m",
  "A♭ · Fm",
  "E♭ · Cm",
  "B♭ · Gm",
  "F · Dm",
]);

export function coloured(points: Points, by: Colouring): Coloured {
  if (by === "genre") return byNumber(points.genres);
  if (by === "sound") return byNumber(points.soundTags);
  if (by === "key") return byKey(points);
  if (by === "tempo") return byStep(points.tempos, FIRST_BPM, BPM_STEP);
  return byStep(points.years, firstDecade(points.years), YEARS_STEP);
}

/** The genres or sound tags with the most tracks have a colour each. Neighbours in the legend have different hues. */
function byNumber(numbers: Uint32Array | Uint8Array): Coloured {
  const count = numbers.length;
  const counts = new Map<number, number>();
  for (let i = 0; i < count; ) {
    const number = numbers[i] as number;
    const first = i;
    while (i < count && numbers[i] === number) i++; // an album has the same one
    counts.set(number, (counts.get(number) ?? 0) + i - first);
  }
  const unknown = counts.get(0) ?? 0;
  counts.delete(0);
  const largest = [...counts].sort(([a, n], [b, m]) => m - n || a - b).slice(0, MAX_NAMES);
  const classOf = new Map(largest.map(([number], place) => [number, place]));
  const classes: Class[] = largest.map(([number, tracks], place) => ({
    colour: `--map-hue-${(place * 5) % HUES}`,
    number,
    count: tracks,
  }));
  const others = count - unknown - largest.reduce((sum, [, tracks]) => sum + tracks, 0);
  const rest = addRest(classes, others, unknown);
  return { of: classified(numbers, (number) => classOf.get(number) ?? (number ? rest.others : rest.unknown)), classes };
}

/** Return the class of each value. `classOf` is not asked again for a value that follows itself. */
function classified(values: Uint8Array | Uint16Array | Uint32Array, classOf: (value: number) => number): Uint8Array {
  const of = new Uint8Array(values.length);
  let [last, found] = [-1, 0];
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number;
    if (value !== last) [last, found] = [value, classOf(value)];
    of[i] = found;
  }
  return of;
}

function byKey(points: Points): Coloured {
  const fifth = (key: number) => (((key - 1) % 12) * 7 + (key > 12 ? 9 : 0)) % 12; // A minor stands with C major
  const of = classified(points.keys, (key) => (key ? fifth(key) : HUES));
  const classes: Class[] = FIFTHS.map((label, place) => ({ colour: `--map-hue-${place}`, label, count: 0 }));
  return { of, classes: counted(of, withUnknown(classes)) };
}

/** Values in steps, from "below the second one" to "from the last one on". */
function byStep(values: Uint8Array | Uint16Array, first: number, step: number): Coloured {
  const at = (value: number) => Math.min(Math.max(Math.floor((value - first) / step), 0), RAMP - 1);
  const of = classified(values, (value) => (value ? at(value) : RAMP));
  const classes: Class[] = Array.from({ length: RAMP }, (_, place) => {
    const low = first + place * step;
    const label = place === 0 ? `< ${low + step}` : place === RAMP - 1 ? `≥ ${low}` : `${low}–${low + step - 1}`;
    return { colour: `--map-ramp-${place}`, label, count: 0 };
  });
  return { of, classes: counted(of, withUnknown(classes)) };
}

/** Return the first of the decades that the ramp shows: the last one is that of the newest track. */
function firstDecade(years: Uint16Array): number {
  const newest = years.reduce((found, year) => Math.max(found, year), 0);
  return Math.floor(newest / YEARS_STEP) * YEARS_STEP - (RAMP - 1) * YEARS_STEP;
}

function withUnknown(classes: readonly Class[]): Class[] {
  return [...classes, { colour: OTHERS, words: "unknown", count: 0 }];
}

function counted(of: Uint8Array, classes: readonly Class[]): Class[] {
  const counts = new Array<number>(classes.length).fill(0);
  for (let i = 0; i < of.length; i++) {
    const place = of[i] as number;
    counts[place] = (counts[place] ?? 0) + 1;
  }
  return classes.map((one, place) => ({ ...one, count: counts[place] ?? 0 }));
}

function addRest(classes: Class[], others: number, unknown: number): { others: number; unknown: number } {
  classes.push({ colour: OTHERS, words: "others", count: others });
  classes.push({ colour: OTHERS, words: "unknown", count: unknown });
  return { others: classes.length - 2, unknown: classes.length - 1 };
}
