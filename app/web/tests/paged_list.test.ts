import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ApiError } from "../src/api/client";
import { MAX_PAGES, PAGE_ITEMS, PagedList } from "../src/components/grid/paged_list";

vi.mock("../src/base_path", () => ({ address: (path: string) => path })); // it reads the document

const TOTAL = 100 * PAGE_ITEMS + 7;

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

function made() {
  const asked: number[] = [];
  const aborted: number[] = [];
  const list = new PagedList<number>(async ({ limit, offset, isFirst }, signal) => {
    asked.push(offset / limit);
    signal.addEventListener("abort", () => aborted.push(offset / limit));
    await new Promise((done) => setTimeout(done, 100));
    const items = Array.from({ length: Math.min(limit, TOTAL - offset) }, (_, step) => offset + step);
    return isFirst ? { items, total: TOTAL } : { items };
  });
  return { list, asked, aborted };
}

async function show(list: PagedList<number>, page: number): Promise<void> {
  list.want(page * PAGE_ITEMS, (page + 1) * PAGE_ITEMS);
  await vi.advanceTimersByTimeAsync(500);
}

test("the first answer has the total, and others the items in view", async () => {
  const { list, asked } = made();
  await show(list, 0);
  expect([list.total.value, list.item(3), list.item(PAGE_ITEMS)]).toEqual([TOTAL, 3, undefined]);
  list.want(PAGE_ITEMS - 5, 2 * PAGE_ITEMS + 1);
  await vi.advanceTimersByTimeAsync(500);
  expect(asked).toEqual([0, 1, 2]);
  expect(list.itemsAround(PAGE_ITEMS + 4)).toMatchObject({ at: PAGE_ITEMS + 4, items: { length: 3 * PAGE_ITEMS } });
});

test("what is scrolled past is not asked for, and what was asked for is given up", async () => {
  const { list, asked, aborted } = made();
  await show(list, 0);
  for (let page = 1; page < 50; page++) {
    list.want(page * PAGE_ITEMS, (page + 1) * PAGE_ITEMS);
    await vi.advanceTimersByTimeAsync(10);
  }
  await vi.advanceTimersByTimeAsync(80);
  await show(list, 80);
  expect([asked, aborted]).toEqual([[0, 49, 80], [49]]);
  expect([list.item(49 * PAGE_ITEMS), list.item(80 * PAGE_ITEMS)]).toEqual([undefined, 80 * PAGE_ITEMS]);
});

test("the pages that were seen longest ago are forgotten", async () => {
  const { list, asked } = made();
  for (let page = 0; page < MAX_PAGES; page++) await show(list, page);
  await show(list, 0);
  await show(list, MAX_PAGES);
  expect([list.item(0), list.item(PAGE_ITEMS), list.item(MAX_PAGES * PAGE_ITEMS)]).toEqual([
    0,
    undefined,
    MAX_PAGES * PAGE_ITEMS,
  ]);
  expect(asked).toHaveLength(MAX_PAGES + 1);
});

test("a failure is told, and asked for again", async () => {
  let fails = true;
  const list = new PagedList<number>(async () => {
    if (fails) throw new ApiError(500, "no");
    return { items: [1], total: 1 };
  });
  list.want(0, PAGE_ITEMS);
  await vi.advanceTimersByTimeAsync(0);
  expect(list.error.value?.message).toBe("no");
  fails = false;
  list.retry();
  await vi.advanceTimersByTimeAsync(0);
  expect([list.error.value, list.total.value]).toEqual([undefined, 1]);
});
