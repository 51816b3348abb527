/** What stands below the title of an album. */
import type { FullAlbum } from "../../api/models";
import { t } from "../../messages";

const MINUTE_SECONDS = 60;

/** Return a length as "3 h 5 min", or "41 min". */
export function lengthOf(seconds: number): string {
  const all = Math.max(1, Math.round(seconds / MINUTE_SECONDS));
  const hours = Math.floor(all / 60);
  const values = { hours, minutes: all % 60 };
  return hours ? t("library.hours", values) : t("library.minutes", values);
}

/** Return the years of an album: that of its first edition, and that of this one where it is another. */
export function yearsOf(album: Pick<FullAlbum, "year" | "date" | "original_date">): string {
  const first = yearIn(album.original_date) || (album.year ? String(album.year) : "");
  const edition = yearIn(album.date);
  return first && edition && edition !== first ? t("library.edition", { first, edition }) : first || edition;
}

/** Return the facts of an album, each a short text. */
export function factsOf(album: FullAlbum): string[] {
  const labels = album.labels.length ? album.labels : [album.label ?? ""];
  return [
    yearsOf(album),
    labels.join(", "),
    t("count.tracks", { count: album.tracks }),
    lengthOf(album.duration),
    album.formats.join(", "),
  ].filter(Boolean);
}

function yearIn(date: string | null): string {
  return date?.slice(0, 4) ?? "";
}
