import { Fragment } from "preact";
import { address } from "../base_path";

/** Genres of an album or an artist, each a link to the albums of the genre. */
export function GenreNames({ genres }: { genres: readonly { id: number; name: string }[] }) {
  if (!genres.length) return null;
  return (
    <p class="muted facts">
      {genres.map(({ id, name }, place) => (
        <Fragment key={id}>
          {place > 0 && ", "}
          <a href={address(`/albums?genre_id=${id}`)}>{name}</a>
        </Fragment>
      ))}
    </p>
  );
}
