/** Return the query of an address, with its question mark. What is undefined or null is left out. */
export function queryOf(values: unknown): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(values ?? {})) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== undefined && one !== null) query.append(name, String(one));
    }
  }
  const text = query.toString();
  return text && `?${text}`;
}
