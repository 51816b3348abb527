import type { MessageName } from "../../messages";

/** What a search finds, in the order of the view. */
export const KINDS = ["artist", "album", "track", "genre"] as const;
export type Kind = (typeof KINDS)[number];

export const TITLES: Record<Kind, MessageName> = {
  artist: "nav.artists",
  album: "nav.albums",
  track: "library.tracks",
  genre: "nav.genres",
};

export function isKind(text: string | undefined): text is Kind {
  return KINDS.some((kind) => kind === text);
}
