/** Which artists are listed, and in which order, as the address says it. */
export const ROLES = [
  "album_artist",
  "any",
  "artist",
  "composer",
  "conductor",
  "performer",
  "lyricist",
  "arranger",
  "remixer",
  "producer",
] as const;
export const SORTS = ["name", "tracks", "added"] as const;
export type Role = (typeof ROLES)[number];
export type Sort = (typeof SORTS)[number];

export interface ArtistQuery {
  role: Role;
  sort: Sort;
}

/** Read an address. What makes no sense there counts as absent. */
export function readQuery(query: Record<string, string>): ArtistQuery {
  return {
    role: ROLES.find((role) => role === query["role"]) ?? "album_artist",
    sort: SORTS.find((sort) => sort === query["sort"]) ?? "name",
  };
}

/** Return the values for the address: those that differ from what an address without them says. */
export function writeQuery({ role, sort }: ArtistQuery): Record<string, string | undefined> {
  return { role: role === "album_artist" ? undefined : role, sort: sort === "name" ? undefined : sort };
}

/** Return what the API is asked: names from A on, and most tracks and newest first. */
export function apiQuery({ role, sort }: ArtistQuery): ArtistQuery & { order: "asc" | "desc" } {
  return { role, sort, order: sort === "name" ? "asc" : "desc" };
}
