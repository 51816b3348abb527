import type { Genre } from "../../api/models";
import { address } from "../../base_path";
import { t } from "../../messages";

/** A genre, which leads to its albums. */
export function GenreLink({ genre }: { genre: Genre }) {
  return (
    <a class="button" href={address(`/albums?genre_id=${genre.id}`)}>
      {genre.name}
      <span class="muted">{t("count.albums", { count: genre.albums })}</span>
    </a>
  );
}
