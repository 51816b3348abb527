/** Decades, for lists by year. */

/** A range of years that is shown as one: a decade, or all years before the first decade. */
export interface Years {
  year_from?: number;
  year_to: number;
}

const FIRST_DECADE = 1920; // what is older is one range: works of centuries would be many empty decades

/** Return the ranges from a first to a last year, the newest first. */
export function yearsBetween(first: number, last: number): Years[] {
  const ranges: Years[] = [];
  const start = Math.max(FIRST_DECADE, decadeOf(first));
  for (let decade = decadeOf(last); decade >= start; decade -= 10)
    ranges.push({ year_from: decade, year_to: decade + 9 });
  if (first < FIRST_DECADE) ranges.push({ year_to: Math.min(last, FIRST_DECADE - 1) });
  return ranges;
}

function decadeOf(year: number): number {
  return Math.floor(year / 10) * 10;
}
