/** The tracks that a blend is made of, as the address says them. Nothing here asks the API. */

/** Ids of tracks, the one that was added last at the end. */
export interface Blend {
  readonly more: readonly number[];
  readonly less: readonly number[];
}

/** Whether a blend is to sound like a track, or unlike it. */
export type Way = "more" | "less";

export const NO_TRACKS: Blend = { more: [], less: [] };
export const PATH = "/blend";
/** Of each way, as the API takes. */
export const MAX_TRACKS = 50;
const MAX_ID = 2 ** 53 - 1;

export function isEmpty({ more, less }: Blend): boolean {
  return !more.length && !less.length;
}

/** Return the blend with a track more. It is in one list only, and a full list loses its oldest track. */
export function withTrack(blend: Blend, way: Way, id: number): Blend {
  if (blend[way].includes(id)) return blend;
  const { more, less } = without(blend, id);
  const longer = [...(way === "more" ? more : less), id].slice(-MAX_TRACKS);
  return way === "more" ? { more: longer, less } : { more, less: longer };
}

export function without({ more, less }: Blend, id: number): Blend {
  return { more: more.filter((one) => one !== id), less: less.filter((one) => one !== id) };
}

/** Read an address. What makes no sense there counts as absent. */
export function readBlend(query: Record<string, string>): Blend {
  const more = idsIn(query["more"]);
  return { more, less: idsIn(query["less"]).filter((id) => !more.includes(id)) };
}

/** Return the path of the view that shows a blend. */
export function pathOf({ more, less }: Blend): string {
  const query = [more.length && `more=${more.join()}`, less.length && `less=${less.join()}`].filter(Boolean).join("&");
  return PATH + (query && `?${query}`);
}

function idsIn(text = ""): number[] {
  const ids = text.split(",").map((one) => (/^\d+$/.test(one) ? Number(one) : 0));
  return [...new Set(ids.filter((id) => id > 0 && id <= MAX_ID))].slice(0, MAX_TRACKS);
}
