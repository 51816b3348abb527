interface Item {
  readonly kind: "album" | "track";
  readonly id: number;
}

/** Return whose cover a list shows for a track: that of its album, which others share, or its own without an album. */
export function itemWithCover({ id, album_id }: { id: number; album_id: number | null }): Item {
  return album_id === null ? { kind: "track", id } : { kind: "album", id: album_id };
}
