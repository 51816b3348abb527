import { useEffect, useMemo } from "preact/hooks";
import { useWasPush } from "../../shell/scroll_memory";
import { type FetchPage, PagedList } from "./paged_list";

const MAX_KEPT_LISTS = 8;
const kept = new Map<string, PagedList<unknown>>();

/**
 * Return the list of a key, which names the request with all filters. Whoever comes back to a view finds the list as it
 * was; whoever opens a view by a link gets a new one.
 */
export function usePagedList<T>(key: string, fetchPage: FetchPage<T>): PagedList<T> {
  const wasPush = useWasPush();
  const list = useMemo(() => {
    const found = wasPush ? undefined : (kept.get(key) as PagedList<T> | undefined);
    const used = found ?? new PagedList<T>(fetchPage);
    kept.delete(key);
    kept.set(key, used as PagedList<unknown>);
    for (const oldest of kept.keys()) if (kept.size > MAX_KEPT_LISTS) kept.delete(oldest);
    return used;
  }, [key]);
  useEffect(() => () => list.stop(), [list]);
  return list;
}
