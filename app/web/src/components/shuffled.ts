/** Return items in a random order (Fisher and Yates). `random` returns a number from 0 up to, but without 1. */
export function shuffled<T>(items: readonly T[], random: () => number = Math.random): T[] {
  const result = [...items];
  for (let end = result.length - 1; end > 0; end--) {
    const chosen = Math.floor(random() * (end + 1));
    [result[end], result[chosen]] = [result[chosen] as T, result[end] as T];
  }
  return result;
}
