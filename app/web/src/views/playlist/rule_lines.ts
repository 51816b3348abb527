/** The rules of a smart playlist as lines of text. */

export interface RuleLine {
  /** How deep it lies within `all` and `any`. */
  readonly depth: number;
  /** `all` or `any` of the lines below it; else a condition. */
  readonly group?: "all" | "any";
  readonly operator?: string;
  readonly field?: string;
  readonly value?: string;
}

type Rules = Readonly<Record<string, unknown>>;

/** Return the lines of rules: each group, and below it its conditions. */
export function linesOf(rules: Rules, depth = 0): RuleLine[] {
  return Object.entries(rules).flatMap(([name, said]): RuleLine[] => {
    const key = name.toLowerCase();
    if ((key === "all" || key === "any") && Array.isArray(said)) {
      return [{ depth, group: key }, ...said.flatMap((one) => (isRules(one) ? linesOf(one, depth + 1) : []))];
    }
    if (!isRules(said)) return [];
    return Object.entries(said).map(([field, value]) => ({ depth, operator: name, field, value: shown(value) }));
  });
}

const SIGNS: Readonly<Record<string, string>> = { gt: ">", lt: "<" };

/** Return a word of the rules as people read it: "inTheLast" becomes "in the last". */
export function spaced(word: string): string {
  return SIGNS[word.toLowerCase()] ?? word.replace(/([a-z])([A-Z])/g, "$1 $2").toLowerCase();
}

function isRules(value: unknown): value is Rules {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function shown(value: unknown): string {
  return Array.isArray(value) ? value.join(" – ") : String(value);
}
