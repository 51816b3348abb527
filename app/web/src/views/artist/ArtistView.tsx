import { useEffect } from "preact/hooks";
import { useRoute } from "preact-iso";
import { get } from "../../api/client";
import type { Album, FullArtist } from "../../api/models";
import { loadStars } from "../../api/stars";
import { AlbumGrid } from "../../components/AlbumGrid";
import { GenreNames } from "../../components/GenreNames";
import { ItemHead } from "../../components/ItemHead";
import { Answered } from "../../components/Notice";
import { PlayButtons } from "../../components/PlayButtons";
import { useAnswer } from "../../components/use_answer";
import { type MessageName, t } from "../../messages";
import { en } from "../../messages/en";
import { allTracks, Tracks } from "./Tracks";
import "./ArtistView.css";

/** One artist: what is theirs, where they appear, and their tracks. */
export function ArtistView() {
  const artist_id = Number(useRoute().params["id"]);
  const asked = useAnswer((signal) => get("/api/artists/{artist_id}", { path: { artist_id }, signal }), [artist_id]);
  useEffect(() => loadStars("artist", [artist_id]), [artist_id]);
  return (
    <Answered asked={asked}>
      {(artist) => (
        <>
          <ArtistHead artist={artist} />
          <Albums title={t("nav.albums")} albums={artist.own_albums} />
          <Tracks key={artist.id} artist={artist} />
          <Albums title={t("library.appearsOn")} albums={artist.appears_on} />
        </>
      )}
    </Answered>
  );
}

function ArtistHead({ artist }: { artist: FullArtist }) {
  const others = artist.names.filter((name) => name !== artist.name);
  const roles = artist.roles.map(({ role, tracks }) => t("library.asRole", { role: roleName(role), count: tracks }));
  return (
    <ItemHead kind="artist" id={artist.id} hasPicture={artist.has_picture} title={artist.name}>
      {others.length > 0 && <p class="muted facts">{t("library.alsoAs", { names: others.join(", ") })}</p>}
      <p class="muted facts">{roles.join(" · ")}</p>
      <GenreNames genres={artist.track_genres} />
      <PlayButtons title={artist.name} load={() => allTracks(artist.id)} star={{ kind: "artist", id: artist.id }} />
    </ItemHead>
  );
}

function Albums({ title, albums }: { title: string; albums: readonly Album[] }) {
  if (!albums.length) return null;
  return (
    <section class="of-artist">
      <h2>{title}</h2>
      <AlbumGrid albums={albums} />
    </section>
  );
}

/** Return the name of a role; files may state other roles than those that have one. */
function roleName(role: string): string {
  const name = `library.as.${role}`;
  return name in en ? t(name as MessageName) : role;
}
