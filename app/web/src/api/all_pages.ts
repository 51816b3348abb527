/** Lists of the API that are wanted as a whole. */

interface Page<T> {
  items: readonly T[];
  /** The cursor of the next page; none at the end. */
  next?: string | null;
}

export const PAGE_ITEMS = 500; // the most that the API gives at once

/** Return the items of all pages, in their order. `fetchPage` gets the cursor of a page, null for the first one. */
export async function allPages<T>(fetchPage: (cursor: string | null) => Promise<Page<T>>): Promise<T[]> {
  const found: T[] = [];
  let cursor: string | null = null;
  do {
    const page: Page<T> = await fetchPage(cursor);
    found.push(...page.items);
    cursor = page.next ?? null;
  } while (cursor);
  return found;
}
