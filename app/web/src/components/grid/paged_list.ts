/** A long list of the API of which only the pages in view, and those seen last, are kept. */
import { signal } from "@preact/signals";
import { type ApiError, asApiError } from "../../api/client";

export const PAGE_ITEMS = 60;
export const MAX_PAGES = 30;
/** Whoever drags the scroll bar passes thousands of items: those that stay in view for so long are asked for. */
const SETTLE_MS = 60;

export interface Page<T> {
  items: readonly T[];
  /** How many there are on all pages; needed of the first answer only. */
  total?: number | null;
}

export type FetchPage<T> = (
  part: { limit: number; offset: number; isFirst: boolean },
  signal: AbortSignal,
) => Promise<Page<T>>;

/** Fetches pages as they are wanted. Whatever reads `total`, `error` or `changes` in a component follows the list. */
export class PagedList<T> {
  /** Undefined until the first answer. */
  readonly total = signal<number | undefined>(undefined);
  readonly error = signal<ApiError | undefined>(undefined);
  /** Counts the pages that have come. */
  readonly changes = signal(0);
  readonly #fetchPage: FetchPage<T>;
  /** By number; the one that was wanted last stands last. */
  readonly #pages = new Map<number, readonly T[]>();
  readonly #asked = new Map<number, AbortController>();
  #wanted: readonly number[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(fetchPage: FetchPage<T>) {
    this.#fetchPage = fetchPage;
  }

  /** Return an item, or undefined while its page is not there. */
  item(index: number): T | undefined {
    return this.#pages.get(Math.floor(index / PAGE_ITEMS))?.[index % PAGE_ITEMS];
  }

  /** Return the items around one that are there without a gap, and the place of that one among them. */
  itemsAround(index: number): { items: readonly T[]; at: number } {
    let first = Math.floor(index / PAGE_ITEMS);
    const pages: (readonly T[])[] = [];
    while (this.#pages.has(first - 1)) first--;
    for (let page = first; this.#pages.has(page); page++) pages.push(this.#pages.get(page) ?? []);
    return { items: pages.flat(), at: index - first * PAGE_ITEMS };
  }

  /** Have the items from `first` up to `end` fetched. Requests for others that are under way are given up. */
  want(first: number, end: number): void {
    const last = Math.max(first, end - 1);
    this.#wanted = numbers(Math.floor(first / PAGE_ITEMS), Math.floor(last / PAGE_ITEMS));
    for (const page of this.#wanted) this.#touch(page);
    clearTimeout(this.#timer);
    if (this.total.value === undefined) this.#ask();
    else this.#timer = setTimeout(() => this.#ask(), SETTLE_MS);
  }

  /** Ask again after a failure. */
  retry(): void {
    this.error.value = undefined;
    this.#ask();
  }

  /** Give up all requests. The pages stay. */
  stop(): void {
    clearTimeout(this.#timer);
    for (const abort of this.#asked.values()) abort.abort();
    this.#asked.clear();
  }

  #ask(): void {
    for (const [page, abort] of this.#asked) {
      if (!this.#wanted.includes(page)) {
        abort.abort();
        this.#asked.delete(page);
      }
    }
    for (const page of this.#wanted) if (!this.#pages.has(page) && !this.#asked.has(page)) void this.#fetch(page);
  }

  async #fetch(page: number): Promise<void> {
    const abort = new AbortController();
    this.#asked.set(page, abort);
    const isFirst = this.total.value === undefined;
    try {
      const part = { limit: PAGE_ITEMS, offset: page * PAGE_ITEMS, isFirst };
      const answer = await this.#fetchPage(part, abort.signal);
      if (abort.signal.aborted) return;
      this.#pages.set(page, answer.items);
      this.#forget();
      if (isFirst) this.total.value = answer.total ?? answer.items.length;
      this.error.value = undefined;
      this.changes.value++;
    } catch (error) {
      if (abort.signal.aborted) return;
      this.error.value = asApiError(error);
    } finally {
      if (this.#asked.get(page) === abort) this.#asked.delete(page);
    }
  }

  #touch(page: number): void {
    const items = this.#pages.get(page);
    if (!items) return;
    this.#pages.delete(page);
    this.#pages.set(page, items);
  }

  #forget(): void {
    for (const page of this.#pages.keys()) {
      if (this.#pages.size <= MAX_PAGES) return;
      if (!this.#wanted.includes(page)) this.#pages.delete(page);
    }
  }
}

function numbers(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, step) => first + step);
}
