import type { Artist } from "../api/models";
import { address } from "../base_path";
import { t } from "../messages";
import { Cover } from "./Cover";
import "./ArtistCard.css";

/** An artist in a grid: picture, name, and how much there is. */
export function ArtistCard({ artist }: { artist: Artist }) {
  const much = artist.albums
    ? t("count.albums", { count: artist.albums })
    : t("count.tracks", { count: artist.tracks });
  return (
    <article class="artist-card">
      <a href={address(`/artists/${artist.id}`)}>
        <Cover kind="artist" id={artist.id} hasPicture={artist.has_picture} title={artist.name} />
        <span class="title one-line">{artist.name}</span>
      </a>
      {(artist.albums > 0 || artist.tracks > 0) && <p class="muted one-line">{much}</p>}
    </article>
  );
}
