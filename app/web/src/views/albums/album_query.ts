/** Which albums are listed, and in which order, as the address says it. */
export const SORTS = ["artist", "title", "year", "added", "random"] as const;
export type Sort = (typeof SORTS)[number];

/** What the address says; the names are the API's. */
export interface AlbumQuery {
  sort: Sort;
  order: "asc" | "desc";
  /** Of the random order. */
  seed?: number;
  genre_id?: number;
  year_from?: number;
  year_to?: number;
  format?: string;
  compilation?: boolean;
  /** A sound tag, which is a guess. */
  tag?: string;
}

export const FILTERS = ["genre_id", "year_from", "year_to", "format", "compilation", "tag"] as const;
const MAX_YEAR = 9999;
const MAX_SEED = 2 ** 31;

/** Read an address. What makes no sense there counts as absent. */
export function readQuery(query: Record<string, string>): AlbumQuery {
  const sort = SORTS.find((name) => name === query["sort"]) ?? "artist";
  const found: AlbumQuery = { sort, order: orderOf(sort, query["order"]) };
  if (sort === "random") found.seed = integer(query["seed"], 0, MAX_SEED) ?? 0;
  const genre = integer(query["genre_id"], 1, 2 ** 52);
  const from = integer(query["year_from"], 1, MAX_YEAR);
  const to = integer(query["year_to"], 1, MAX_YEAR);
  if (genre !== undefined) found.genre_id = genre;
  if (from !== undefined) found.year_from = from;
  if (to !== undefined) found.year_to = to;
  if (query["format"]) found.format = query["format"].slice(0, 100);
  if (query["compilation"] === "true" || query["compilation"] === "false")
    found.compilation = query["compilation"] === "true";
  if (query["tag"]) found.tag = query["tag"].slice(0, 100);
  return found;
}

/** Return the values for the address: those that differ from what an address without them says. */
export function writeQuery(query: AlbumQuery): Record<string, string | number | boolean | undefined> {
  const { sort, order, ...rest } = query;
  return {
    sort: sort === "artist" ? undefined : sort,
    order: order === orderOf(sort, undefined) ? undefined : order,
    ...rest,
    seed: sort === "random" ? query.seed : undefined,
  };
}

/** Return what the API is asked. */
export function apiQuery({ tag, ...query }: AlbumQuery): Omit<AlbumQuery, "tag"> & { tag?: string[] } {
  const asked = query.sort === "random" ? { ...query, order: "asc" as const } : query;
  return tag === undefined ? asked : { ...asked, tag: [tag] };
}

export function countFilters(query: AlbumQuery): number {
  return FILTERS.filter((name) => query[name] !== undefined).length;
}

/** Return a seed for another random order. */
export function newSeed(): number {
  return Math.floor(Math.random() * MAX_SEED);
}

/** What was added last comes first unless the address says otherwise. */
function orderOf(sort: Sort, text: string | undefined): "asc" | "desc" {
  return text === "asc" || text === "desc" ? text : sort === "added" ? "desc" : "asc";
}

function integer(text: string | undefined, low: number, high: number): number | undefined {
  if (!text || !/^\d{1,16}$/.test(text)) return undefined;
  const value = Number(text);
  return value >= low && value <= high ? value : undefined;
}
