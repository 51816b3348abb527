/** How sizes and times of the machine are shown. */
import { language, shown } from "./messages";

const UNITS = ["B", "kB", "MB", "GB", "TB"] as const;

/** Return a number of bytes as people write it: 4.2 GB, 730 MB. A kilobyte has 1,000 bytes, as on a drive's box. */
export function bytes(count: number): string {
  let value = count;
  let unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${shown(value < 10 && unit > 0 ? Math.round(10 * value) / 10 : Math.round(value))} ${UNITS[unit]}`;
}

/** Return the browser's own locale of the language: people of one language write times in several ways. */
function locale(): string {
  return navigator.languages.find((tag) => tag.startsWith(language.value)) ?? language.value;
}

/** Return a Unix time as the day and the time of the day. */
export function dayAndTime(seconds: number): string {
  return new Date(1000 * seconds).toLocaleString(locale(), { dateStyle: "medium", timeStyle: "short" });
}

/** Return a Unix time as the day. */
export function day(seconds: number): string {
  return new Date(1000 * seconds).toLocaleDateString(locale(), { dateStyle: "medium" });
}

/** Return a Unix time as the time of the day. */
export function timeOfDay(seconds: number): string {
  return new Date(1000 * seconds).toLocaleTimeString(locale(), { timeStyle: "short" });
}

/** Return a Unix time as the time of the day, to the second. */
export function exactTime(seconds: number): string {
  return new Date(1000 * seconds).toLocaleTimeString(locale(), { timeStyle: "medium" });
}
