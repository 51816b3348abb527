/** The sizes of what the views show in grids. Their styles fill them: `.album-card`, `.artist-card`, `.track-row`, `.duplicate-row`. */
import type { ItemSize } from "./geometry";

const CARDS = { minWidth: 10, minColumns: 2, columnGap: 1.25, rowGap: 1.5, hasSquare: true };
export const ALBUM_CARDS: ItemSize = { ...CARDS, textHeight: 3.4 };
export const ARTIST_CARDS: ItemSize = { ...CARDS, minWidth: 9, textHeight: 3.4 };
export const TRACK_ROWS: ItemSize = {
  minWidth: 0,
  minColumns: 1,
  columnGap: 0,
  rowGap: 0,
  hasSquare: false,
  textHeight: 3.5,
};
export const DUPLICATE_ROWS: ItemSize = { ...TRACK_ROWS, textHeight: 4.75 };
