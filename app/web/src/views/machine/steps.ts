/** The geometry of a step chart: a value that holds until it changes. */

export interface Step {
  /** Unix time, in seconds. */
  at: number;
  value: number;
}

export interface Box {
  width: number;
  height: number;
}

/**
 * Return the path (SVG) of the steps between two times, and of the area under them. The first step holds from the start
 * on; without one the value is 0 until it comes.
 */
export function stepPath(steps: readonly Step[], start: number, end: number, top: number, box: Box) {
  const x = (at: number) => round((box.width * (Math.min(Math.max(at, start), end) - start)) / (end - start));
  const y = (value: number) => round(box.height * (1 - value / top));
  let line = `M0 ${y(steps[0] && steps[0].at <= start ? steps[0].value : 0)}`;
  for (const step of steps) line += `H${x(step.at)}V${y(step.value)}`;
  line += `H${box.width}`;
  return { line, area: `${line}V${box.height}H0Z` };
}

function round(value: number): number {
  return Math.round(10 * value) / 10;
}
