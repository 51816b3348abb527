import { useEffect, useState } from "preact/hooks";
import { useRoute } from "preact-iso";
import { get } from "../../api/client";
import type { Album, FullArtist, Track } from "../../api/models";
import { loadStars } from "../../api/stars";
import { AlbumGrid } from "../../components/AlbumGrid";
import { Cover } from "../../components/Cover";
import { GenreNames } from "../../components/GenreNames";
import { Answered } from "../../components/Notice";
import { PlayButtons } from "../../components/PlayButtons";
import { TrackList } from "../../components/TrackList";
import { useAnswer } from "../../components/use_answer";
import { type MessageName, t } from "../../messages";
import { en } from "../../messages/en";
import "./ArtistView.css";

const FIRST_TRACKS = 8;
const MAX_TRACKS = 500; // of one request

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
    <header class="artist-head">
      <Cover kind="artist" id={artist.id} hasPicture={artist.has_picture} title={artist.name} size={640} />
      <div>
        <h1>{artist.name}</h1>
        {others.length > 0 && <p class="muted facts">{t("library.alsoAs", { names: others.join(", ") })}</p>}
        <p class="muted facts">{roles.join(" · ")}</p>
        <GenreNames genres={artist.track_genres} />
        <PlayButtons
          title={artist.name}
          load={() => loadTracks(artist.id, MAX_TRACKS)}
          star={{ kind: "artist", id: artist.id }}
        />
      </div>
    </header>
  );
}

function Tracks({ artist }: { artist: FullArtist }) {
  const [areAllShown, setAllShown] = useState(false);
  const limit = areAllShown ? MAX_TRACKS : FIRST_TRACKS + 1; // one more tells whether there are more
  const asked = useAnswer((signal) => loadTracks(artist.id, limit, signal), [artist.id, limit]);
  return (
    <section class="of-artist">
      <h2>{t("library.tracks")}</h2>
      <Answered asked={asked}>
        {(tracks) => (
          <>
            <TrackList
              label={t("library.tracks")}
              tracks={areAllShown ? tracks : tracks.slice(0, FIRST_TRACKS)}
              lead="cover"
              knownArtist={artist.name}
              hasAlbum
            />
            {!areAllShown && tracks.length > FIRST_TRACKS && (
              <button type="button" class="button more" onClick={() => setAllShown(true)}>
                {t("library.allTracks")}
              </button>
            )}
          </>
        )}
      </Answered>
    </section>
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

async function loadTracks(artist_id: number, limit: number, signal?: AbortSignal): Promise<readonly Track[]> {
  const query = { artist_id, sort: "album", limit, count: false } as const;
  return (await get("/api/tracks", signal ? { query, signal } : { query })).items;
}

/** Return the name of a role; files may state other roles than those that have one. */
function roleName(role: string): string {
  const name = `library.as.${role}`;
  return name in en ? t(name as MessageName) : role;
}
